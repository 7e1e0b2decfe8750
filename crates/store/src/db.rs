//! The only file that knows that there are two engines: pools, transactions, retry, error mapping.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::ErrorKind;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{FromRow, Postgres, Sqlite, Transaction};

use crate::counter::Counter;
use crate::error::{Error, Fault};
use crate::value::Value;

/// One folder for both engines.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How long a connection may take to come by. Past it the caller answers 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process's write to end.
const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// How often a whole transaction is run at most.
const TRIES: u32 = 8;

/// A row of both engines.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// What a transaction needs from the engine, and which races it is run again for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// READ COMMITTED: conditional updates and unique keys do the work.
    Plain,
    /// SERIALIZABLE, and a violated unique key is a lost race: run it again on fresh facts.
    Settle,
}

#[derive(Clone, Debug)]
enum Pool {
    /// SQLite has one writer, so there is one writing connection and writers queue in the pool,
    /// where waiting costs nothing, instead of in the file lock, where waiting is sleeping.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// The database.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pool: Pool,
    counter: Arc<Counter>,
}

/// One open transaction; rolled back when dropped.
pub(crate) struct Tx {
    engine: Engine,
    counter: Arc<Counter>,
}

enum Engine {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs `$body` in a transaction, again while only a race was in the way, and commits. Inside the
/// body `?` works on `Fault` and `Error`, and `return` ends the body.
///
/// A macro and not a method with a closure: the future of an async closure that borrows the
/// transaction is not provably `Send` today, so it could not be spawned.
macro_rules! transact {
    ($db:expr, $mode:expr, |$tx:ident| $body:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let ended = match $db.begin($mode).await {
                Err(fault) => Err(fault),
                Ok(mut transaction) => {
                    let $tx = &mut transaction;
                    let done: ::std::result::Result<_, $crate::error::Fault> =
                        async { $body }.await;
                    match done {
                        Ok(done) => transaction.commit().await.map(|()| done),
                        Err(fault) => {
                            transaction.roll_back().await;
                            Err(fault)
                        }
                    }
                }
            };
            match ended {
                Ok(done) => break Ok(done),
                Err(fault) => {
                    if !$db.worth_another_try($mode, &fault, tries).await {
                        break Err($crate::error::Error::from(fault));
                    }
                }
            }
        }
    }};
}
pub(crate) use transact;

macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(value) => query.bind(value),
                Value::OptText(value) => query.bind(value),
                Value::Int(value) => query.bind(value),
                Value::OptInt(value) => query.bind(value),
                Value::Bool(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Db {
    /// Opens `url` (`sqlite:PATH`, `sqlite::memory:`, `postgres://…`) and migrates it.
    pub(crate) async fn open(url: &str, connections: u32) -> Result<Self, Error> {
        let counter = Arc::new(Counter::default());
        let pool = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            open_postgres(url, connections).await?
        } else if url.starts_with("sqlite:") {
            open_sqlite(url, connections).await?
        } else {
            return Err(Error::Broken(
                "the database URL begins with neither sqlite: nor postgres:".to_owned(),
            ));
        };
        Ok(Self { pool, counter })
    }

    /// What has been asked of the engine so far.
    pub(crate) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// `sqlite` or `postgres`, for people.
    pub(crate) fn engine(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite { .. } => "sqlite",
            Pool::Postgres(_) => "postgres",
        }
    }

    /// Closes every connection; SQLite then folds its log into the file.
    pub(crate) async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Every row.
    pub(crate) async fn all<T: Row>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Fault> {
        self.counter.statement();
        match &self.pool {
            Pool::Sqlite { readers, .. } => {
                bound!(sqlx::query_as::<Sqlite, T>(sql), values).fetch_all(readers).await
            }
            Pool::Postgres(pool) => {
                bound!(sqlx::query_as::<Postgres, T>(sql), values).fetch_all(pool).await
            }
        }
        .map_err(fault)
    }

    /// The row, if there is one.
    pub(crate) async fn opt<T: Row>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, Fault> {
        self.counter.statement();
        match &self.pool {
            Pool::Sqlite { readers, .. } => {
                bound!(sqlx::query_as::<Sqlite, T>(sql), values).fetch_optional(readers).await
            }
            Pool::Postgres(pool) => {
                bound!(sqlx::query_as::<Postgres, T>(sql), values).fetch_optional(pool).await
            }
        }
        .map_err(fault)
    }

    /// The one row.
    pub(crate) async fn one<T: Row>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<T, Fault> {
        self.opt(sql, values).await?.ok_or(Fault::Final(Error::NotFound))
    }

    /// One writing statement that is a transaction by itself, and its row if it changed one.
    /// Run again on a race like any other transaction.
    pub(crate) async fn write_opt<T: Row>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.counter.statement();
            let values = values.clone();
            let row = match &self.pool {
                Pool::Sqlite { writer, .. } => {
                    bound!(sqlx::query_as::<Sqlite, T>(sql), values).fetch_optional(writer).await
                }
                Pool::Postgres(pool) => {
                    bound!(sqlx::query_as::<Postgres, T>(sql), values).fetch_optional(pool).await
                }
            };
            match row.map_err(fault) {
                Ok(row) => {
                    self.counter.rows(u64::from(row.is_some()));
                    return Ok(row);
                }
                Err(fault) if self.worth_another_try(Mode::Plain, &fault, tries).await => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Begins a transaction that may write. `transact!` calls it.
    pub(crate) async fn begin(&self, mode: Mode) -> Result<Tx, Fault> {
        self.counter.transaction();
        let engine = match &self.pool {
            // A deferred transaction that turns from reading to writing fails at once with
            // SQLITE_BUSY, whatever the busy timeout is.
            Pool::Sqlite { writer, .. } => {
                writer.begin_with("BEGIN IMMEDIATE").await.map(Engine::Sqlite)
            }
            Pool::Postgres(pool) => pool
                .begin_with(match mode {
                    Mode::Plain => "BEGIN ISOLATION LEVEL READ COMMITTED",
                    Mode::Settle => "BEGIN ISOLATION LEVEL SERIALIZABLE",
                })
                .await
                .map(Engine::Postgres),
        };
        let engine = engine.map_err(fault)?;
        Ok(Tx { engine, counter: Arc::clone(&self.counter) })
    }

    /// Whether to run a failed transaction again; sleeps a little first. `transact!` calls it.
    pub(crate) async fn worth_another_try(&self, mode: Mode, fault: &Fault, tries: u32) -> bool {
        let race = match fault {
            Fault::Again(_) => true,
            Fault::Unique => mode == Mode::Settle,
            Fault::ForeignKey | Fault::Final(_) | Fault::Undo => false,
        };
        if !race || tries >= TRIES {
            return false;
        }
        self.counter.retry();
        // Random, so that those who met once do not meet again.
        let longest = 4 << tries.min(6);
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..=longest))).await;
        true
    }
}

impl Tx {
    /// Every row.
    pub(crate) async fn all<T: Row>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Fault> {
        self.counter.statement();
        let rows = match &mut self.engine {
            Engine::Sqlite(tx) => {
                bound!(sqlx::query_as::<Sqlite, T>(sql), values).fetch_all(&mut **tx).await
            }
            Engine::Postgres(tx) => {
                bound!(sqlx::query_as::<Postgres, T>(sql), values).fetch_all(&mut **tx).await
            }
        }
        .map_err(fault)?;
        self.counter.returned(sql, rows.len());
        Ok(rows)
    }

    /// The row, if there is one.
    pub(crate) async fn opt<T: Row>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, Fault> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// The one row.
    pub(crate) async fn one<T: Row>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<T, Fault> {
        self.opt(sql, values).await?.ok_or(Fault::Final(Error::NotFound))
    }

    /// Writes, and says how many rows it touched.
    pub(crate) async fn run(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, Fault> {
        self.counter.statement();
        let rows = match &mut self.engine {
            Engine::Sqlite(tx) => bound!(sqlx::query::<Sqlite>(sql), values)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Engine::Postgres(tx) => bound!(sqlx::query::<Postgres>(sql), values)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(fault)?;
        self.counter.rows(rows);
        Ok(rows)
    }

    /// Makes it last. `transact!` calls it.
    pub(crate) async fn commit(self) -> Result<(), Fault> {
        self.counter.statement();
        match self.engine {
            Engine::Sqlite(tx) => tx.commit().await,
            Engine::Postgres(tx) => tx.commit().await,
        }
        .map_err(fault)
    }

    /// Undoes it. `transact!` calls it. A failure here needs no answer: the engine undoes what
    /// was not committed when the connection goes.
    pub(crate) async fn roll_back(self) {
        self.counter.statement();
        let _ = match self.engine {
            Engine::Sqlite(tx) => tx.rollback().await,
            Engine::Postgres(tx) => tx.rollback().await,
        };
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
            Err(Fault::Again(_)) if tries < TRIES => {
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

/// What an engine's error means here.
fn fault(error: sqlx::Error) -> Fault {
    match &error {
        sqlx::Error::Database(database) => match database.kind() {
            ErrorKind::UniqueViolation => Fault::Unique,
            ErrorKind::ForeignKeyViolation => Fault::ForeignKey,
            _ => by_code(database.code().as_deref().unwrap_or(""), error.to_string()),
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Fault::Final(Error::Busy(error.to_string())),
        _ => Fault::Final(Error::Broken(error.to_string())),
    }
}

/// SQLite's codes are numbers (sqlite.org/rescode.html), PostgreSQL's have five characters
/// (its manual, appendix A), so that one table serves both.
fn by_code(code: &str, said: String) -> Fault {
    // The low byte of an extended SQLite code is the primary one.
    if let Ok(number) = code.parse::<u32>()
        && code.len() < 5
    {
        return match number & 0xff {
            // BUSY, LOCKED.
            5 | 6 => Fault::Again(said),
            // READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
            8 | 10 | 13 | 14 | 15 => Fault::Final(Error::Busy(said)),
            _ => Fault::Final(Error::Broken(said)),
        };
    }
    match code {
        // serialization_failure, deadlock_detected, lock_not_available.
        "40001" | "40P01" | "55P03" => Fault::Again(said),
        // too_many_connections, query_canceled, admin and crash shutdown, cannot_connect_now,
        // read_only_sql_transaction (a standby after a switch-over).
        "53300" | "57014" | "57P01" | "57P02" | "57P03" | "25006" => {
            Fault::Final(Error::Busy(said))
        }
        // Class 08: connection exceptions; class 53: out of disk or memory.
        _ if code.starts_with("08") || code.starts_with("53") => Fault::Final(Error::Busy(said)),
        _ => Fault::Final(Error::Broken(said)),
    }
}
