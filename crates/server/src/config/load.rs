//! Reading the file, laying the environment over it, and saying what is wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use identity::secret::Secret;
use serde::Deserialize;
use toml::{Table, Value};

use super::Config;
use super::reference::known_keys;

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
    #[error("{0}")]
    Value(String),
    /// A value that cannot work.
    #[error("{key}: {why}")]
    Unusable {
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
    let place = path.map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
    for (section, keys) in &table {
        check_known(&place, section, keys)?;
    }
    overlay(&mut table, environment)?;
    let mut config = Config::deserialize(Value::Table(table))
        .map_err(|error| ConfigError::Value(format!("{place}: {}", error.message())))?;
    if let Some(file) = &config.database.url_file {
        config.database.url = read_secret(file)?;
    }
    check(&config)?;
    // Whoever starts a house learns now that mail cannot go out, and not when somebody waits.
    crate::mail::smtp::Smtp::new(&config.mail)
        .map_err(|error| ConfigError::Value(error.to_string()))?;
    Ok(config)
}

/// A secret from a file, without the line end that editors add.
pub fn read_secret(file: &Path) -> Result<Secret, ConfigError> {
    let text = fs::read_to_string(file)
        .map_err(|error| ConfigError::Unreadable(file.to_owned(), error))?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable(path.to_owned(), error))?;
    text.parse().map_err(|error| ConfigError::Syntax(path.to_owned(), error))
}

fn overlay(
    table: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
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
    }
    Ok(())
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

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let unusable = |key, why: &str| Err(ConfigError::Unusable { key, why: why.to_owned() });
    let url = &config.server.public_url;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !(url.scheme() == "https" || (url.scheme() == "http" && loopback)) {
        return unusable(
            "server.public_url",
            "must be an https address; plain http is only for 127.0.0.1 and localhost",
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return unusable(
            "server.public_url",
            "must be an origin without a path, query or fragment",
        );
    }
    if !(12..=64).contains(&config.passwords.min_length) {
        return unusable("passwords.min_length", "must be between 12 and 64");
    }
    if config.passwords.argon2_memory_kib < 19_456 && config.passwords.argon2_passes < 3 {
        return unusable(
            "passwords.argon2_memory_kib",
            "less than 19456 KiB needs at least 3 passes (passwords.argon2_passes)",
        );
    }
    let database = config.database.url.expose();
    if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database.starts_with(scheme)) {
        return unusable("database.url", "must begin with sqlite: or postgres:");
    }
    for proxy in &config.server.trusted_proxies {
        if crate::network::Network::parse(proxy).is_none() {
            return unusable(
                "server.trusted_proxies",
                &format!("\"{proxy}\" is no address and no network such as 10.0.0.0/8"),
            );
        }
    }
    Ok(())
}
