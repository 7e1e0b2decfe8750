//! `vestibule gen`: rewrites the documentation that follows from the code.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Answer, Failure};
use crate::config::reference;
use crate::openapi;

/// Where to.
#[derive(Debug, Args)]
pub struct GenCommand {
    /// Folder of the documentation
    #[arg(long, default_value = "docs")]
    folder: PathBuf,
}

impl GenCommand {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let api = serde_json::to_string_pretty(&openapi::document(openapi::EXAMPLE))
            .map_err(|error| Failure::new("openapi", error.to_string()))?;
        let pages = [
            ("configuration.md", reference()),
            ("decision-table.md", identity::tables::decision_table()),
            ("openapi.json", api + "\n"),
        ];
        let failed = |error: std::io::Error| {
            let folder = self.folder.display();
            Failure::new("unwritable", format!("cannot write into {folder}: {error}"))
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        for (name, text) in &pages {
            fs::write(self.folder.join(name), text).map_err(failed)?;
        }
        let names = pages.map(|(name, _)| self.folder.join(name).display().to_string());
        Ok(Answer::new(format!("Written: {}", names.join(", ")), json!({ "written": names })))
    }
}
