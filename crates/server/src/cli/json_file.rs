//! JSON objects that commands are given in files.

use std::path::Path;

use serde_json::{Map, Value};

use super::Failure;

/// The JSON object in a file of at most `most` bytes; `code` is what a failure is called.
pub(super) fn object(
    file: &Path,
    code: &'static str,
    most: u64,
) -> Result<Map<String, Value>, Failure> {
    let failed = |what: String| Failure::new(code, format!("{}: {what}", file.display()));
    let length = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if length > most {
        return Err(failed(format!("more than {} KiB, which is more than any has", most / 1024)));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| {
        failed(format!("not a JSON object ({error}); write it as {{\"name\": \"…\", …}}"))
    })
}
