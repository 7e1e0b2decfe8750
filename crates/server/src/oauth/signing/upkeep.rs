//! Keys come and go: on schedule by themselves, and when an operator says so.

use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::signing_keys::{Schedule, SigningKey, Wanted, due, thumbprint};
use identity::secret::Secret;
use identity::time::Moment;
use serde_json::{Map, Value};
use store::By;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::pair::Pair;
use super::{SigningError, Tools, place};
use crate::app::App;

/// After a start: first the people who are waiting, then the keys that nobody has asked for yet.
const SETTLED: Duration = Duration::from_secs(2);

/// Between two looks at the schedule, whose shortest span is a day.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// What became of a wish for a key.
#[derive(Clone, Debug)]
pub enum Made {
    /// It is there.
    Added(SigningKey),
    /// Another process was first; look again.
    Late,
}

/// Keeps the keys of every algorithm up, for ever.
pub async fn work(app: App) {
    sleep(SETTLED).await;
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = app.signer.keep_up(app.signing_tools(), app.now()).await {
            tracing::warn!(%error, "cannot keep the signing keys up");
        }
    }
}

impl super::Signer {
    /// Does what the schedule says by now, for every algorithm. Safe to run in several processes
    /// at once.
    pub async fn keep_up(&self, tools: Tools<'_>, now: Moment) -> Result<(), SigningError> {
        let _alone = self.making.lock().await;
        self.reload(tools).await?;
        for algorithm in SigningAlgorithm::ALL {
            maintain(tools, self.held().keys.all(), algorithm, now).await?;
        }
        self.reload(tools).await
    }
}

/// Does what the schedule says by now.
pub(super) async fn maintain(
    tools: Tools<'_>,
    keys: &[SigningKey],
    algorithm: SigningAlgorithm,
    now: Moment,
) -> Result<(), SigningError> {
    let due = due(keys, algorithm, Schedule::default(), now);
    let by = By::system();
    if let Some(wanted) = due.make
        && let Made::Added(key) = add_next(tools, algorithm, wanted, &by, now).await?
    {
        let signs_from = key.signs_from.to_rfc3339();
        tracing::info!(kid = key.kid, %algorithm, signs_from, "made a signing key");
    }
    for (key, ended) in due.retire {
        tools.store.retire_signing_key(&key.kid, ended, &by, now).await?;
    }
    for key in due.remove {
        match tools.store.remove_signing_key(&key.kid, &by, now).await {
            // Another process was first.
            Ok(_) | Err(store::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes a key and adds it where it is wanted.
pub async fn add_next(
    tools: Tools<'_>,
    algorithm: SigningAlgorithm,
    wanted: Wanted<'_>,
    by: &By,
    now: Moment,
) -> Result<Made, SigningError> {
    let (key, sealed) = make(tools, algorithm, wanted.signs_from, now).await?;
    let added = match wanted.after {
        None => tools.store.add_first_signing_key(&key, &sealed, now).await?,
        Some(latest) => {
            tools.store.add_next_signing_key(&key, &sealed, &latest.kid, by, now).await?
        }
    };
    Ok(if added { Made::Added(key) } else { Made::Late })
}

/// Makes a key that signs at once, in the place of all others of its algorithm; gives back the
/// names of those.
pub async fn replace(
    tools: Tools<'_>,
    algorithm: SigningAlgorithm,
    by: &By,
    now: Moment,
) -> Result<(SigningKey, Vec<String>), SigningError> {
    let (key, sealed) = make(tools, algorithm, now, now).await?;
    let removed = tools.store.replace_signing_keys(&key, &sealed, by, now).await?;
    Ok((key, removed))
}

/// A fresh key and its sealed private half.
async fn make(
    tools: Tools<'_>,
    algorithm: SigningAlgorithm,
    signs_from: Moment,
    now: Moment,
) -> Result<(SigningKey, String), SigningError> {
    let failed = || SigningError::Library(algorithm);
    // Off the threads that serve: RSA takes long.
    let made = tokio::task::spawn_blocking(move || generate(algorithm)).await;
    let (members, private) = made.map_err(|_| failed())?.map_err(|_| failed())?;
    let key = SigningKey::new(algorithm, members, now, signs_from).ok_or_else(failed)?;
    let sealed = tools.keyring.seal(&private, &place(&key.kid), tools.entropy)?;
    Ok((key, sealed))
}

/// Public members and private half. One name in 64 begins with a hyphen and would be taken for an
/// option at the command line; such a key is not used.
fn generate(algorithm: SigningAlgorithm) -> Result<(Map<String, Value>, Secret), Unspecified> {
    loop {
        let pair = Pair::generate(algorithm)?;
        let members = pair.public_members();
        if !thumbprint(&members).ok_or(Unspecified)?.starts_with('-') {
            return Ok((members, pair.to_text()?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_named_like_an_option() {
        for _ in 0..300 {
            let (members, _) = generate(SigningAlgorithm::EdDsa).unwrap();
            assert!(!thumbprint(&members).unwrap().starts_with('-'));
        }
    }
}
