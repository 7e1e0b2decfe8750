//! What a database says of itself before it is opened as a house: nothing is made, migrated or
//! written.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use identity::time::Moment;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::db::faults::fault;
use crate::db::open::{ACQUIRE_TIMEOUT, MIGRATIONS};
use crate::error::Error;

/// How far a database is, seen from this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Nothing of ours is in it.
    Missing,
    /// This program would bring it up to date when it opens it.
    Older,
    /// Exactly what this program knows.
    UpToDate,
    /// A newer program has been at it; this one must not open it.
    Newer,
}

/// A database as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Engine and version, for people.
    pub engine: String,
    /// How far it is.
    pub schema: Schema,
    /// What time it is there; none for an embedded one, which has our own clock.
    pub now: Option<Moment>,
    /// Whether what it acknowledges outlives a loss of power.
    pub durable: bool,
}

/// Looks at what `url` names; none when it is a file that is not there. `Busy` when nobody answers
/// there, `Broken` when it is no database.
pub(crate) async fn examine(url: &str) -> Result<Option<Examined>, Error> {
    let unreadable = |error| Error::Broken(format!("the database URL cannot be read: {error}"));
    if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url).map_err(unreadable)?;
        return sqlite(options.create_if_missing(false)).await;
    }
    let options = PgConnectOptions::from_str(url).map_err(unreadable)?;
    let looked = postgres(options.application_name("vestibule"));
    match tokio::time::timeout(ACQUIRE_TIMEOUT, looked).await {
        Ok(looked) => looked.map(Some),
        Err(_) => Err(Error::Busy("the server does not answer in time".to_owned())),
    }
}

async fn sqlite(options: SqliteConnectOptions) -> Result<Option<Examined>, Error> {
    if !Path::exists(options.get_filename()) {
        return Ok(None);
    }
    let fault = |error| Error::from(fault(error));
    let mut connection: SqliteConnection = options.connect().await.map_err(fault)?;
    let (version,): (String,) = sqlx::query_as("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(fault)?;
    let (tables,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut connection)
            .await
            .map_err(fault)?;
    let applied: Vec<(i64,)> = if tables == 0 {
        Vec::new()
    } else {
        sqlx::query_as(APPLIED).fetch_all(&mut connection).await.map_err(fault)?
    };
    connection.close().await.map_err(fault)?;
    let (engine, schema) = (format!("SQLite {version}"), schema(&applied));
    // Every connection of ours writes with synchronous=FULL.
    Ok(Some(Examined { engine, schema, now: None, durable: true }))
}

async fn postgres(options: PgConnectOptions) -> Result<Examined, Error> {
    let fault = |error| Error::from(fault(error));
    let mut connection: PgConnection = options.connect().await.map_err(fault)?;
    let (version, micros, durable, exists): (String, i64, bool, bool) = sqlx::query_as(
        "SELECT current_setting('server_version'), \
         CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT), \
         current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off', \
         to_regclass('_sqlx_migrations') IS NOT NULL",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(fault)?;
    let applied: Vec<(i64,)> = if exists {
        sqlx::query_as(APPLIED).fetch_all(&mut connection).await.map_err(fault)?
    } else {
        Vec::new()
    };
    connection.close().await.map_err(fault)?;
    let now = Some(Moment::from_micros(micros));
    Ok(Examined { engine: format!("PostgreSQL {version}"), schema: schema(&applied), now, durable })
}

/// Which migrations are done.
const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success = TRUE";

fn schema(applied: &[(i64,)]) -> Schema {
    let applied: BTreeSet<i64> = applied.iter().map(|(version,)| *version).collect();
    let ours: BTreeSet<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    if applied.is_empty() {
        Schema::Missing
    } else if applied == ours {
        Schema::UpToDate
    } else if applied.is_subset(&ours) {
        Schema::Older
    } else {
        Schema::Newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_does_not_know_was_made_by_a_newer_one() {
        let ours: Vec<(i64,)> = MIGRATIONS.iter().map(|one| (one.version,)).collect();
        assert_eq!(schema(&[]), Schema::Missing);
        assert_eq!(schema(&ours), Schema::UpToDate);
        assert_eq!(schema(&ours[1..]), Schema::Older);
        assert_eq!(schema(&[ours.clone(), vec![(9_999,)]].concat()), Schema::Newer);
        assert_eq!(schema(&[(9_999,)]), Schema::Newer);
    }
}
