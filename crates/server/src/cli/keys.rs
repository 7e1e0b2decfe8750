//! `vestibule keys`: the keys that tokens are signed with.

use clap::{Args, Subcommand};
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::signing_keys::{
    JWKS_MAX_AGE, Schedule, SigningKey, Standing, Wanted, latest, successor,
};
use serde_json::{Value, json};
use store::Conflict;

use super::answer::table;
use super::{Answer, CommandHouse, Failure};
use crate::oauth::signing::{Made, SigningError, Tools, add_next, replace};

/// What to do with the signing keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys and what each of them does now
    List,
    /// Make the next keys ahead of their time; they sign once every application knows them
    ///
    /// Keys change by themselves every 90 days. A new key is published a day before it signs, and
    /// the old one stays published until no token of it is valid any more.
    Rotate(RotateCommand),
    /// Remove a key that does not sign: nothing that it signed is believed any more
    Remove(RemoveCommand),
}

/// Which keys, and when.
#[derive(Debug, Args)]
pub struct RotateCommand {
    /// Keys of this algorithm only: RS256, ES256 or EdDSA; may be repeated
    #[arg(long = "algorithm", value_name = "ALGORITHM")]
    algorithms: Vec<SigningAlgorithm>,
    /// For an emergency: the new keys sign at once, and all old ones are removed
    #[arg(long)]
    now: bool,
}

/// Which key.
#[derive(Debug, Args)]
pub struct RemoveCommand {
    /// Name of the key, as the list shows it
    #[arg(value_name = "KID")]
    kid: String,
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Store(error) => error.into(),
            other => Self::new("signing_key", other.to_string()),
        }
    }
}

impl KeysCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::List => list(house).await,
            Self::Rotate(RotateCommand { mut algorithms, now }) => {
                if algorithms.is_empty() {
                    algorithms = SigningAlgorithm::ALL.to_vec();
                }
                algorithms.sort_unstable();
                algorithms.dedup();
                if now {
                    replace_now(house, &algorithms).await
                } else {
                    rotate(house, &algorithms).await
                }
            }
            Self::Remove(command) => remove(house, &command.kid).await,
        }
    }
}

fn tools(house: &CommandHouse) -> Tools<'_> {
    let CommandHouse { store, keyring, entropy, .. } = house;
    Tools { store, keyring, entropy: entropy.as_ref() }
}

async fn keys(house: &CommandHouse) -> Result<Vec<SigningKey>, Failure> {
    let stored = house.store.list_signing_keys().await?;
    Ok(stored.into_iter().map(|one| one.key).collect())
}

fn key_json(key: &SigningKey, standing: Standing) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "state": standing.as_str(),
        "published": standing.is_published(),
        "created_at": key.created_at.to_rfc3339(),
        "signs_from": key.signs_from.to_rfc3339(),
        "retired_at": key.retired_at.map(|at| at.to_rfc3339()),
    })
}

async fn list(house: &CommandHouse) -> Result<Answer, Failure> {
    let (keys, now) = (keys(house).await?, house.now());
    let standings = keys.iter().map(|key| (key, key.standing(&keys, now)));
    let row = |(key, standing): (&SigningKey, Standing)| {
        let from = key.signs_from.to_rfc3339();
        vec![key.kid.clone(), key.algorithm.to_string(), standing.to_string(), from]
    };
    let rows: Vec<_> = standings.clone().map(row).collect();
    let text = if rows.is_empty() {
        "There are no signing keys yet; they are made when the house serves for the first time."
            .to_owned()
    } else {
        table(&["KID", "ALGORITHM", "STATE", "SIGNS FROM"], &rows)
    };
    let keys: Vec<_> = standings.map(|(key, standing)| key_json(key, standing)).collect();
    Ok(Answer::new(text, json!({ "keys": keys })))
}

async fn rotate(house: &CommandHouse, algorithms: &[SigningAlgorithm]) -> Result<Answer, Failure> {
    let (mut lines, mut rotated) = (Vec::new(), Vec::new());
    for algorithm in algorithms {
        let (keys, now) = (keys(house).await?, house.now());
        let newest = latest(&keys, *algorithm);
        if let Some(key) = newest
            && key.standing(&keys, now) == Standing::Upcoming
        {
            lines.push(format!(
                "{algorithm}: the key {} is published already and signs from {}.",
                key.kid,
                key.signs_from.to_rfc3339()
            ));
            rotated.push(json!({ "made": false, "key": key_json(key, Standing::Upcoming) }));
            continue;
        }
        let wanted = match newest {
            Some(key) => successor(key, Schedule::default(), now),
            None => Wanted { after: None, signs_from: now },
        };
        let by = house.by();
        let Made::Added(key) = add_next(tools(house), *algorithm, wanted, &by, now).await? else {
            return Err(raced());
        };
        let standing = if newest.is_some() { Standing::Upcoming } else { Standing::Signing };
        lines.push(match newest {
            Some(old) => format!(
                "{algorithm}: made the key {}. It is published now and signs from {}; until then \
                 {} signs.",
                key.kid,
                key.signs_from.to_rfc3339(),
                old.kid
            ),
            None => format!("{algorithm}: made the first key {}. It signs now.", key.kid),
        });
        rotated.push(json!({ "made": true, "key": key_json(&key, standing) }));
    }
    Ok(Answer::new(lines.join("\n"), json!({ "rotated": rotated })))
}

fn raced() -> Failure {
    let text =
        "another process changed the keys at the same moment; look with: vestibule keys list";
    Failure::new("raced", text)
}

async fn replace_now(
    house: &CommandHouse,
    algorithms: &[SigningAlgorithm],
) -> Result<Answer, Failure> {
    let (mut lines, mut rotated, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for algorithm in algorithms {
        let made = replace(tools(house), *algorithm, &house.by(), house.now()).await;
        let (key, removed) = made.map_err(|error| match error {
            SigningError::Store(store::Error::Conflict(Conflict::AlreadyThere)) => raced(),
            other => other.into(),
        })?;
        lines.push(format!("{algorithm}: made the key {}. It signs now.", key.kid));
        lines.extend(removed.iter().map(|kid| format!("{algorithm}: removed the key {kid}.")));
        rotated.push(json!({ "made": true, "key": key_json(&key, Standing::Signing) }));
        gone.extend(removed);
    }
    let minutes = JWKS_MAX_AGE.as_secs() / 60;
    let warning = format!(
        "Every token that the removed keys signed is refused from now on: applications get new \
         ones by their refresh tokens, and people may have to sign in again. Applications that \
         keep a copy of our keys believe the removed ones, and may not find the new ones, for up \
         to {minutes} minutes; restart those that matter."
    );
    lines.push(String::new());
    lines.push(format!("Warning: {warning}"));
    let json = json!({ "rotated": rotated, "removed": gone, "warning": warning });
    Ok(Answer::new(lines.join("\n"), json))
}

async fn remove(house: &CommandHouse, kid: &str) -> Result<Answer, Failure> {
    let removed = house.store.remove_signing_key(kid, &house.by(), house.now()).await;
    let key = removed.map_err(|error| match error {
        store::Error::NotFound => {
            let text = format!("there is no key \"{kid}\"; look with: vestibule keys list");
            Failure::new("not_found", text)
        }
        store::Error::Conflict(Conflict::InUse) => {
            let text = format!(
                "the key {kid} signs now; put another in its place with: vestibule keys rotate \
                 --now"
            );
            Failure::new("signing_key_in_use", text)
        }
        other => other.into(),
    })?;
    let minutes = JWKS_MAX_AGE.as_secs() / 60;
    let text = format!(
        "Removed the {} key {kid}. We refuse what it signed from now on; applications that keep a \
         copy of our keys believe it for up to {minutes} minutes.",
        key.algorithm
    );
    let json = json!({ "kid": kid, "algorithm": key.algorithm.as_str(), "removed": true });
    Ok(Answer::new(text, json))
}
