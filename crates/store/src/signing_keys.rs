//! The keys that our tokens are signed with; the private half is sealed by who adds it.

use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::signing_keys::{SigningKey, signing};
use identity::time::Moment;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Result};
use crate::row::{json, to_json, word};
use crate::value::args;

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// What everybody may know.
    pub key: SigningKey,
    /// The sealed private half; none once the key has retired.
    pub sealed_private: Option<String>,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    kid: String,
    algorithm: String,
    number: i64,
    public_jwk: String,
    sealed_private: Option<String>,
    created_at: i64,
    signs_from: i64,
    retired_at: Option<i64>,
}

impl KeyRow {
    fn read(self) -> std::result::Result<StoredSigningKey, Fault> {
        let key = SigningKey {
            kid: self.kid,
            algorithm: word(&self.algorithm)?,
            public_jwk: json(&self.public_jwk)?,
            created_at: Moment::from_micros(self.created_at),
            signs_from: Moment::from_micros(self.signs_from),
            retired_at: self.retired_at.map(Moment::from_micros),
        };
        Ok(StoredSigningKey { key, sealed_private: self.sealed_private })
    }
}

const OF_ALGORITHM: &str = "SELECT * FROM signing_keys WHERE algorithm = $1 ORDER BY number";

impl Store {
    /// Every key, by algorithm, the oldest first.
    pub async fn list_signing_keys(&self) -> Result<Vec<StoredSigningKey>> {
        const SQL: &str = "SELECT * FROM signing_keys ORDER BY algorithm, number";
        let rows: Vec<KeyRow> = self.db.all(SQL, args![]).await?;
        Ok(rows.into_iter().map(KeyRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// Adds the first key of its algorithm; false when there is one, and then nothing is written.
    /// Of any number of processes at the same moment one gets true.
    pub async fn add_first_signing_key(
        &self,
        key: &SigningKey,
        sealed_private: &str,
        now: Moment,
    ) -> Result<bool> {
        transact!(self.db, Mode::Plain, |tx| {
            if !tx.lock_signing_keys(key.algorithm).await?.is_empty() {
                return Ok(false);
            }
            // Where there is nothing to lock, the number says who was first.
            let added = tx.insert_signing_key(key, sealed_private, 1).await?;
            if added {
                tx.changed(&[(ChangeKind::SigningKey, &key.kid)], now).await?;
            }
            Ok(added)
        })
    }

    /// Adds the key that follows `after`; false when `after` is not the latest of the algorithm any
    /// more, because another process was first, and then nothing is written.
    pub async fn add_next_signing_key(
        &self,
        key: &SigningKey,
        sealed_private: &str,
        after: &str,
        by: &By,
        now: Moment,
    ) -> Result<bool> {
        transact!(self.db, Mode::Plain, |tx| {
            let rows = tx.lock_signing_keys(key.algorithm).await?;
            let Some(latest) = rows.last().filter(|row| row.kid == after) else {
                return Ok(false);
            };
            let added = tx.insert_signing_key(key, sealed_private, latest.number + 1).await?;
            if added {
                self.note(tx, &about("signing_key.add", key), by, now).await?;
                tx.changed(&[(ChangeKind::SigningKey, &key.kid)], now).await?;
            }
            Ok(added)
        })
    }

    /// Puts a key in the place of all others of its algorithm, which are gone at once; gives back
    /// their names.
    pub async fn replace_signing_keys(
        &self,
        key: &SigningKey,
        sealed_private: &str,
        by: &By,
        now: Moment,
    ) -> Result<Vec<String>> {
        const REMOVE: &str = "DELETE FROM signing_keys WHERE algorithm = $1";
        transact!(self.db, Mode::Plain, |tx| {
            let rows = tx.lock_signing_keys(key.algorithm).await?;
            let number = rows.last().map_or(0, |row| row.number) + 1;
            let removed: Vec<String> = rows.into_iter().map(|row| row.kid).collect();
            tx.run(REMOVE, args![key.algorithm]).await?;
            if !tx.insert_signing_key(key, sealed_private, number).await? {
                return Err(Error::Conflict(Conflict::AlreadyThere).into());
            }
            let happened = about("signing_key.replace", key).with("removed", removed.clone());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::SigningKey, &key.kid)], now).await?;
            Ok(removed)
        })
    }

    /// Ends a key's signing for good and erases its private half; it stays known. Once more, or
    /// for a key that is gone, changes nothing.
    pub async fn retire_signing_key(
        &self,
        kid: &str,
        retired_at: Moment,
        by: &By,
        now: Moment,
    ) -> Result<()> {
        const RETIRE: &str = "UPDATE signing_keys SET retired_at = $2, sealed_private = NULL \
                              WHERE kid = $1 AND retired_at IS NULL";
        transact!(self.db, Mode::Plain, |tx| {
            if tx.run(RETIRE, args![kid, retired_at]).await? > 0 {
                let happened = Happened::done("signing_key.retire").with("kid", kid);
                self.note(tx, &happened, by, now).await?;
                tx.changed(&[(ChangeKind::SigningKey, kid)], now).await?;
            }
            Ok(())
        })
    }

    /// Removes a key; nothing that it signed is believed any more. `NotFound` when there is none
    /// of this name, `Conflict(InUse)` for the one that signs: replace that.
    pub async fn remove_signing_key(&self, kid: &str, by: &By, now: Moment) -> Result<SigningKey> {
        const FIND: &str = "SELECT * FROM signing_keys WHERE kid = $1";
        const REMOVE: &str = "DELETE FROM signing_keys WHERE kid = $1";
        transact!(self.db, Mode::Plain, |tx| {
            let asked = tx.one::<KeyRow>(FIND, args![kid]).await?.read()?.key;
            let rows = tx.lock_signing_keys(asked.algorithm).await?.into_iter();
            let keys: Vec<SigningKey> = rows
                .map(|row| row.read().map(|stored| stored.key))
                .collect::<std::result::Result<_, _>>()?;
            if signing(&keys, asked.algorithm, now).is_some_and(|key| key.kid == kid) {
                return Err(Error::Conflict(Conflict::InUse).into());
            }
            if tx.run(REMOVE, args![kid]).await? == 0 {
                return Err(Error::NotFound.into());
            }
            self.note(tx, &about("signing_key.remove", &asked), by, now).await?;
            tx.changed(&[(ChangeKind::SigningKey, kid)], now).await?;
            Ok(asked)
        })
    }
}

fn about(action: &'static str, key: &SigningKey) -> Happened {
    Happened::done(action).with("kid", key.kid.as_str()).with("algorithm", key.algorithm.as_str())
}

impl Tx {
    /// Whoever changes the keys of an algorithm stands in line here, and then sees them as they
    /// are, the oldest first.
    async fn lock_signing_keys(
        &mut self,
        algorithm: SigningAlgorithm,
    ) -> std::result::Result<Vec<KeyRow>, Fault> {
        const LOCK: &str = "UPDATE signing_keys SET number = number WHERE algorithm = $1";
        self.run(LOCK, args![algorithm]).await?;
        self.all(OF_ALGORITHM, args![algorithm]).await
    }

    /// False when the algorithm has a key of this number.
    async fn insert_signing_key(
        &mut self,
        key: &SigningKey,
        sealed_private: &str,
        number: i64,
    ) -> std::result::Result<bool, Fault> {
        const SQL: &str = "INSERT INTO signing_keys (kid, algorithm, number, public_jwk, \
             sealed_private, created_at, signs_from) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (algorithm, number) DO NOTHING";
        let rows = self
            .run(
                SQL,
                args![
                    &key.kid,
                    key.algorithm,
                    number,
                    to_json(&key.public_jwk)?,
                    sealed_private,
                    key.created_at,
                    key.signs_from
                ],
            )
            .await?;
        Ok(rows > 0)
    }
}
