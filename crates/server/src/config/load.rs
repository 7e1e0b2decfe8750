//! Reading the file, laying the environment over it, and saying what is wrong with them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use identity::secret::Secret;
use identity::text::distance;
use serde::Deserialize;
use toml::{Table, Value};

use super::Config;
use super::check::check;
use super::reference::known_keys;
use crate::mail::smtp::MailSetupError;

/// What begins the name of an environment variable that overrides a key:
/// `VESTIBULE__SERVER__LISTEN`.
const PREFIX: &str = "VESTIBULE__";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {cause}", path = .0.display(), cause = .1)]
    Unreadable(PathBuf, std::io::Error),
    /// The file is no TOML.
    #[error("{path} is not valid TOML: {cause}", path = .0.display(), cause = .1)]
    Syntax(PathBuf, toml::de::Error),
    /// A key that nobody knows.
    #[error("{place}: there is no setting \"{key}\"{suggestion}")]
    UnknownKey {
        /// File or environment variable.
        place: String,
        /// `section.key`.
        key: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// A value of the wrong kind.
    #[error("{place}: {key}: {why}; see: vestibule config reference")]
    Value {
        /// File or environment variable.
        place: String,
        /// `section.key`.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// Mail cannot go out as it is set up.
    #[error(transparent)]
    Mail(Box<MailSetupError>),
    /// A value that cannot work.
    #[error("{place}: {key} {why}")]
    Unusable {
        /// File or environment variable; the defaults never are.
        place: String,
        /// `section.key`.
        key: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// Reads `path` if given, else starts from the defaults, and lays `environment` over it.
pub fn load(
    path: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut table = match path {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let file = path.map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
    for (section, keys) in &table {
        check_known(&file, section, keys)?;
    }
    let variables = overlay(&mut table, environment)?;
    let place = |key: &str| match variables.get(key) {
        Some(name) => format!("environment variable {name}"),
        None => file.clone(),
    };
    let mut config = Config::deserialize(Value::Table(table.clone())).map_err(|error| {
        let (key, why) = culprit(&table, &error);
        ConfigError::Value { place: place(&key), key, why }
    })?;
    if let Some(file) = &config.database.url_file {
        config.database.url = read_secret(file)?;
    }
    check(&config).map_err(|(key, why)| ConfigError::Unusable { place: place(key), key, why })?;
    crate::traces::read_headers(&config.traces).map_err(|why| {
        let key = "traces.headers_file";
        ConfigError::Unusable { place: place(key), key, why }
    })?;
    // Whoever starts a house learns now that mail cannot go out, and not when somebody waits.
    crate::mail::smtp::Smtp::new(&config.mail)
        .map_err(|error| ConfigError::Mail(Box::new(error)))?;
    Ok(config)
}

/// The key whose value is of the wrong kind, and the reader's words about it: the reader names no
/// key, so every key is read alone until one fails.
fn culprit(table: &Table, error: &toml::de::Error) -> (String, String) {
    for (section, keys) in table {
        for (key, value) in keys.as_table().into_iter().flatten() {
            let alone = Table::from_iter([(key.clone(), value.clone())]);
            let alone = Table::from_iter([(section.clone(), Value::Table(alone))]);
            if let Err(error) = Config::deserialize(Value::Table(alone)) {
                return (format!("{section}.{key}"), error.message().to_owned());
            }
        }
    }
    ("the whole".to_owned(), error.message().to_owned())
}

/// A secret from the first line of a file, without the line end that editors add.
pub fn read_secret(file: &Path) -> Result<Secret, ConfigError> {
    let text = fs::read_to_string(file)
        .map_err(|error| ConfigError::Unreadable(file.to_owned(), error))?;
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Secret::new(line.trim_end_matches('\r')))
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable(path.to_owned(), error))?;
    text.parse().map_err(|error| ConfigError::Syntax(path.to_owned(), error))
}

/// Lays variables over the file, and says which key each one holds.
fn overlay(
    table: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<HashMap<String, String>, ConfigError> {
    let mut variables = HashMap::new();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let lower = rest.to_lowercase();
        let (section, key) = lower.split_once("__").unwrap_or((&lower, ""));
        let full = format!("{section}.{key}");
        if !known_keys().contains(&full.as_str()) {
            return Err(unknown(&format!("environment variable {name}"), &full));
        }
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(inner) = entry {
            inner.insert(key.to_owned(), typed(&full, value));
        }
        variables.insert(full, name);
    }
    Ok(variables)
}

/// Environment variables are text; numbers and lists are recognised as TOML would, unless the key
/// holds text.
fn typed(key: &str, text: String) -> Value {
    let holds_text = super::reference::holds_text(key);
    match format!("v = {text}").parse::<Table>() {
        Ok(mut parsed) if !holds_text => parsed.remove("v").unwrap_or(Value::String(text)),
        _ => Value::String(text),
    }
}

fn check_known(place: &str, section: &str, keys: &Value) -> Result<(), ConfigError> {
    let Value::Table(keys) = keys else {
        return Err(unknown(place, section));
    };
    let known = known_keys();
    if keys.is_empty() && !known.iter().any(|full| full.starts_with(&format!("{section}."))) {
        return Err(unknown(place, section));
    }
    match keys.keys().map(|key| format!("{section}.{key}")).find(|f| !known.contains(&f.as_str())) {
        Some(full) => Err(unknown(place, &full)),
        None => Ok(()),
    }
}

fn unknown(place: &str, key: &str) -> ConfigError {
    let nearest = known_keys()
        .into_iter()
        .map(|known| (distance(known, key), known))
        .min()
        .filter(|(distance, _)| *distance <= 4);
    let suggestion =
        nearest.map_or_else(String::new, |(_, known)| format!("; did you mean \"{known}\"?"));
    ConfigError::UnknownKey { place: place.to_owned(), key: key.to_owned(), suggestion }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;
    use crate::files::temporary_folder;

    #[test]
    fn a_secret_is_the_first_line_of_its_file() {
        let folder = temporary_folder("vestibule-secret", &SystemEntropy).expect("a folder");
        let file = folder.join("secret");
        for text in ["two words", "two words\n", "two words\r\n", "two words\nand a remark\n\n"] {
            fs::write(&file, text).expect("written");
            assert_eq!(read_secret(&file).expect("read").expose(), "two words", "{text:?}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }
}
