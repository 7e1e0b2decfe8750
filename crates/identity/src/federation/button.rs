//! The button of a connection on the login page: what it says and how it looks.

mod icon;

use serde::{Deserialize, Serialize};

pub use icon::{Icon, IconError, MAX_ICON};

/// Longest label, in characters: about two lines of the narrowest page.
const MAX_LABEL: usize = 60;

/// Why a button cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ButtonError {
    /// Nothing that could stand on a button.
    #[error(
        "a button says 1 to {MAX_LABEL} characters on one line, without blanks at its ends; \
         change it, or say --no-button-label for \"Login with\" and the provider's name"
    )]
    Label,
    /// Every button would say, or show, the same.
    #[error(
        "a label or an icon tells the providers of an application apart, so it is set for one \
         connection (vestibule providers change-connection KEY --application …), and not for all \
         of them"
    )]
    ForEverybody,
}

/// Checks what a button says.
pub fn check_label(label: &str) -> Result<(), ButtonError> {
    let length = label.chars().count();
    let is_one_line = !label.chars().any(|one| one.is_control() || is_invisible(one));
    let fits = (1..=MAX_LABEL).contains(&length) && label.trim() == label;
    if fits && is_one_line { Ok(()) } else { Err(ButtonError::Label) }
}

/// Line and paragraph ends, and what turns the direction of a text or hides in it: a button says
/// what is read on it.
fn is_invisible(one: char) -> bool {
    matches!(one, '\u{ad}' | '\u{61c}' | '\u{3164}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A colour of a button, as `#rrggbb` in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour([u8; 3]);

/// No colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no colour; write it as # and six hexadecimal digits, in quotes: '#0b5cad'")]
pub struct NotAColour(String);

impl Colour {
    /// White.
    pub const WHITE: Self = Self([0xff; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// Of six hexadecimal digits.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        let [_, red, green, blue] = value.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Six hexadecimal digits, in lower case.
    pub fn digits(self) -> String {
        let [red, green, blue] = self.0;
        format!("{red:02x}{green:02x}{blue:02x}")
    }

    /// What is written on it: white or black, whichever is read better. One of the two always has
    /// a contrast of more than 4.5 (WCAG 2.2, success criterion 1.4.3).
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// Contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// From 0 for black to 1 for white (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Self, NotAColour> {
        text.strip_prefix('#').and_then(Self::from_digits).ok_or(NotAColour(text))
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        format!("#{}", colour.digits())
    }
}

impl std::str::FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        Self::try_from(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
