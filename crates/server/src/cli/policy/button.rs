//! How the button of a connection looks, as commands say it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use identity::federation::button::{Colour, Icon, MAX_ICON};

use crate::cli::applications::Switch;
use crate::cli::{Failure, json_file};
use crate::federation::save::PolicyEdit;

/// The button of a connection on the login page.
#[derive(Debug, Default, Args)]
pub(super) struct ButtonArguments {
    /// What the button says [default: "Login with" and the name of the provider]
    #[arg(long, value_name = "TEXT")]
    button_label: Option<String>,
    /// "Login with" and the name of the provider
    #[arg(long, conflicts_with = "button_label")]
    no_button_label: bool,
    /// PNG or SVG file of at most 16 KiB that is shown on the button
    #[arg(long, value_name = "FILE")]
    button_icon: Option<PathBuf>,
    /// No icon
    #[arg(long, conflicts_with = "button_icon")]
    no_button_icon: bool,
    /// Colour of the button, in quotes for the shell: '#0b5cad'; what it says is white or black,
    /// whichever is read better on it
    #[arg(long, value_name = "#RRGGBB")]
    button_colour: Option<Colour>,
    /// The page's own colour
    #[arg(long, conflicts_with = "button_colour")]
    no_button_colour: bool,
    /// Whether the login page shows no button for the provider; who is led there otherwise, or
    /// types an address of its domains, comes in as ever [default: off]
    #[arg(long, value_name = "on|off")]
    button_hidden: Option<Switch>,
}

impl ButtonArguments {
    /// The edit with what was said about the button.
    pub(super) fn add_to(self, edit: PolicyEdit) -> Result<PolicyEdit, Failure> {
        let icon = self.button_icon.as_deref().map(icon).transpose()?;
        Ok(PolicyEdit {
            button_label: given(self.button_label, self.no_button_label),
            button_icon: given(icon, self.no_button_icon),
            button_colour: given(self.button_colour, self.no_button_colour),
            button_hidden: self.button_hidden.map(Switch::is_on),
            ..edit
        })
    }
}

/// Nothing given leaves what there is; `--no-…` leaves nothing.
fn given<T>(value: Option<T>, none: bool) -> Option<Option<T>> {
    if none { Some(None) } else { value.map(Some) }
}

fn icon(file: &Path) -> Result<Icon, Failure> {
    const CODE: &str = "button";
    let failed = |error: &dyn std::fmt::Display| json_file::failed(file, CODE, error.to_string());
    // One more than there may be is enough to see that it is too many.
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| failed(&error))?;
    let most = MAX_ICON as u64 + 1;
    opened.take(most).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    Icon::read(bytes).map_err(|error| failed(&error))
}
