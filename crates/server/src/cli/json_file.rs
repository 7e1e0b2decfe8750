//! JSON objects that commands are given in files, and what is said of a file that cannot be used.

use std::path::Path;

use serde_json::{Map, Value};

use super::Failure;

/// The JSON object in a file of at most `most` bytes; `code` is what a failure is called.
pub(super) fn object(
    file: &Path,
    code: &'static str,
    most: u64,
) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(&text(file, code, most)?).map_err(|error| {
        let what = format!("not a JSON object ({error}); write it as {{\"name\": \"…\", …}}");
        failed(file, code, what)
    })
}

/// What stands in a file of at most `most` bytes.
pub(super) fn text(file: &Path, code: &'static str, most: u64) -> Result<String, Failure> {
    let failed = |what: String| failed(file, code, what);
    let length = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if length > most {
        return Err(failed(format!("more than {} KiB, which is more than any has", most / 1024)));
    }
    std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))
}

/// What is wrong with a file.
pub(super) fn failed(file: &Path, code: &'static str, what: String) -> Failure {
    Failure::new(code, format!("{}: {what}", file.display()))
}
