//! Expressions of a policy as commands take them: in files, each checked, with the place of a fault.

use std::collections::BTreeMap;
use std::path::Path;

use identity::expressions::{Challenge, Expression, Place, Rule};
use identity::federation::policy::{Mapping, Parameters, SyncMode, SyncModes};
use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::cli::json_file::object;

/// Longest file of expressions, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// One expression; a fault shows its place.
pub(super) fn expression<P: Place>(name: &str, text: &str) -> Result<Expression<P>, Failure> {
    Expression::compile(text).map_err(|fault| {
        Failure::new("expression", format!("{name} cannot be used.\n{}", fault.pointed(text)))
    })
}

/// What claims become, of a file.
pub(super) fn mapping(file: &Path) -> Result<Mapping, Failure> {
    let named = named::<Rule>(file)?;
    // Every member is a good expression, so what is left to be wrong is a name.
    let members = named.into_iter().map(|(name, one)| (name, Value::from(String::from(one))));
    serde_json::from_value(Value::Object(members.collect())).map_err(|error| refused(file, error))
}

/// Parameters of a request, of a file.
pub(super) fn parameters(file: &Path) -> Result<Parameters, Failure> {
    Parameters::try_from(named::<Challenge>(file)?).map_err(|error| refused(file, error))
}

fn named<P: Place>(file: &Path) -> Result<BTreeMap<String, Expression<P>>, Failure> {
    let members: Map<String, Value> = object(file, "expression", MAX_FILE)?;
    let read = |(name, value): (String, Value)| {
        let text = value.as_str().ok_or_else(|| {
            refused(file, format!("\"{name}\" has to be an expression, written as a JSON text"))
        })?;
        Ok((name.clone(), expression(&format!("{}: {name}", file.display()), text)?))
    };
    members.into_iter().map(read).collect()
}

fn refused(file: &Path, what: impl ToString) -> Failure {
    Failure::new("expression", format!("{}: {}", file.display(), what.to_string()))
}

/// `name=force,groups=import`; what is not named is as it is built in.
pub(super) fn sync_modes(text: &str) -> Result<SyncModes, Failure> {
    let mut modes = SyncModes::default();
    for one in text.split(',') {
        let (name, mode) = one.split_once('=').unwrap_or((one, ""));
        let mode: SyncMode = mode.trim().parse().map_err(|error| fault(one, error))?;
        match name.trim() {
            "name" => modes.name = mode,
            "locale" => modes.locale = mode,
            "email" => modes.email = mode,
            "groups" => modes.groups = mode,
            other => {
                let unknown = format!("\"{other}\" is none of: name, locale, email, groups");
                return Err(fault(one, unknown));
            }
        }
    }
    Ok(modes)
}

fn fault(one: &str, what: impl ToString) -> Failure {
    let what = what.to_string();
    Failure::new(
        "sync",
        format!("--sync \"{one}\": {what}; write it like name=force,groups=import"),
    )
}
