//! Opens either engine, and migrates it while other processes may be doing the same.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::db::faults::fault;
use crate::db::{Pool, TRIES};
use crate::error::{Error, Fault};

/// One folder for both engines.
pub(super) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How long a connection may take to come by. Past it the caller answers 503.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process's write to end.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// Opens and migrates what `url` names.
pub(super) async fn pool(url: &str, connections: u32) -> Result<Pool, Error> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        open_postgres(url, connections).await
    } else if url.starts_with("sqlite:") {
        open_sqlite(url, connections).await
    } else {
        Err(Error::Broken("the database URL begins with neither sqlite: nor postgres:".to_owned()))
    }
}

async fn open_sqlite(url: &str, connections: u32) -> Result<Pool, Error> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::Broken(format!("the database URL cannot be read: {error}")))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY)
        .pragma("temp_store", "memory");
    let memory = url.contains(":memory:") || url.contains("mode=memory");
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(u32::from(memory))
        // A database in memory lives as long as its connection.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(SQLITE_BUSY);
    let reading = options.clone().pragma("query_only", "on");
    let writer = patiently(|| writer.clone().connect_with(options.clone())).await?;
    patiently(|| migrate_sqlite(&writer)).await?;
    let readers = if memory {
        writer.clone()
    } else {
        SqlitePoolOptions::new()
            .max_connections(connections.max(1))
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(reading)
    };
    Ok(Pool::Sqlite { writer, readers })
}

/// The write lock is taken before the first look at what is there, so that of several processes
/// that start at once one migrates and the others find it done.
async fn migrate_sqlite(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(unwrapped)?;
    tx.commit().await
}

async fn open_postgres(url: &str, connections: u32) -> Result<Pool, Error> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Error::Broken(format!("the database URL cannot be read: {error}")))?
        .application_name("vestibule")
        .options([("statement_timeout", "5000"), ("lock_timeout", "4000")]);
    let pool =
        PgPoolOptions::new().max_connections(connections.max(2)).acquire_timeout(ACQUIRE_TIMEOUT);
    let pool = patiently(|| pool.clone().connect_with(options.clone())).await?;
    patiently(|| async { MIGRATIONS.run(&pool).await.map_err(unwrapped) }).await?;
    Ok(Pool::Postgres(pool))
}

/// Opening, again while another process is just doing the same.
async fn patiently<T, F>(open: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match open().await.map_err(fault) {
            Ok(opened) => return Ok(opened),
            Err(Fault::Again(_) | Fault::Waited(_)) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
            }
            Err(fault) => return Err(fault.into()),
        }
    }
}

fn unwrapped(error: sqlx::migrate::MigrateError) -> sqlx::Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error,
        other => sqlx::Error::Migrate(Box::new(other)),
    }
}
