//! The icon of a button: a small picture that does nothing but be looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::secret::Digest;

/// Largest icon, in bytes.
pub const MAX_ICON: usize = 16 * 1024;

/// Widest and highest PNG, in pixels; an icon is shown at twenty, and a browser makes room for all
/// that a picture says to be.
const MAX_SIDE: u32 = 512;

/// What every PNG begins with (PNG section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What an SVG document of ours never has in it: what runs, what loads, and what grows. Browsers
/// run nothing in a picture, and the address of ours that it is served from allows nothing either;
/// this keeps out what would be there for no other purpose.
const NEVER: [&str; 5] = ["<script", "<foreignobject", "<!entity", "<!doctype", "javascript:"];

/// A picture, PNG or SVG. As JSON it is a text: media type, `;base64,` and the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Icon {
    kind: Kind,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Svg,
}

/// Why something is no icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IconError {
    /// Larger than any icon has to be.
    #[error("an icon has at most {} KiB; make it simpler or smaller", MAX_ICON / 1024)]
    TooLarge,
    /// Another kind of file.
    #[error("an icon is a PNG or SVG file, and this is neither; export it as one of the two")]
    Unknown,
    /// It would not stay small.
    #[error("an icon is 1 to {MAX_SIDE} pixels wide and high; scale it down, 64 is plenty")]
    Side,
    /// More than a picture.
    #[error(
        "an SVG icon has no scripts, entities, document type or foreign objects in it; export it \
         as \"plain\" or \"optimised\" SVG"
    )]
    Active,
}

impl Icon {
    /// What stands in a file.
    pub fn read(bytes: Vec<u8>) -> Result<Self, IconError> {
        if bytes.len() > MAX_ICON {
            return Err(IconError::TooLarge);
        }
        let kind = if bytes.starts_with(PNG) { png(&bytes)? } else { svg(&bytes)? };
        Ok(Self { kind, bytes })
    }

    /// The picture.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its media type.
    pub const fn media_type(&self) -> &'static str {
        match self.kind {
            Kind::Png => "image/png",
            Kind::Svg => "image/svg+xml",
        }
    }

    /// A file name that changes with what it shows.
    pub fn file_name(&self) -> String {
        let digest = Digest::of(&self.bytes);
        let extension = match self.kind {
            Kind::Png => "png",
            Kind::Svg => "svg",
        };
        format!("icon-{}.{extension}", digest.as_str())
    }
}

/// Width and height stand first (PNG section 11.2.2).
fn png(bytes: &[u8]) -> Result<Kind, IconError> {
    let side = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?))
    };
    let has_header = bytes.get(12..16) == Some(b"IHDR".as_slice());
    let sides = side(16).zip(side(20)).filter(|_| has_header).ok_or(IconError::Unknown)?;
    let fits = |side| (1..=MAX_SIDE).contains(&side);
    if fits(sides.0) && fits(sides.1) { Ok(Kind::Png) } else { Err(IconError::Side) }
}

fn svg(bytes: &[u8]) -> Result<Kind, IconError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IconError::Unknown)?.to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim();
    let begins = ["<svg", "<?xml", "<!--", "<!doctype"].iter().any(|mark| text.starts_with(mark));
    if !(begins && text.contains("<svg") && text.ends_with('>')) {
        return Err(IconError::Unknown);
    }
    if NEVER.iter().any(|never| text.contains(never)) {
        Err(IconError::Active)
    } else {
        Ok(Kind::Svg)
    }
}

impl TryFrom<String> for Icon {
    type Error = IconError;

    fn try_from(text: String) -> Result<Self, IconError> {
        let (media_type, encoded) = text.split_once(";base64,").ok_or(IconError::Unknown)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| IconError::Unknown)?;
        let icon = Self::read(bytes)?;
        if icon.media_type() == media_type { Ok(icon) } else { Err(IconError::Unknown) }
    }
}

impl From<Icon> for String {
    fn from(icon: Icon) -> Self {
        format!("{};base64,{}", icon.media_type(), STANDARD.encode(&icon.bytes))
    }
}

#[cfg(test)]
mod tests;
