//! The only module that knows that there are two engines: pools, transactions, retry.

pub(crate) mod dump;
pub(crate) mod examine;
mod faults;
mod open;

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite, Transaction};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::counter::Counter;
use crate::db::faults::fault;
use crate::error::{Error, Fault};
use crate::value::Value;

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
    /// Where those wait who lost a race in `settle`.
    line: Arc<RwLock<()>>,
}

/// One open transaction; rolled back when dropped.
pub(crate) struct Tx {
    engine: Engine,
    counter: Arc<Counter>,
}

/// Who else of this process may settle at the same time.
#[expect(dead_code, reason = "the guards are held, not read")]
pub(crate) enum Turn {
    Free,
    Beside(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
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
        let mut turn = $db.turn($mode, tries).await;
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
                    drop(turn);
                    if !$db.worth_another_try($mode, &fault, tries).await {
                        break Err($crate::error::Error::from(fault));
                    }
                    turn = $db.turn($mode, tries).await;
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

use bound;

impl Db {
    /// Opens `url` (`sqlite:PATH`, `sqlite::memory:`, `postgres://…`) and migrates it.
    pub(crate) async fn open(url: &str, connections: u32) -> Result<Self, Error> {
        let counter = Arc::new(Counter::default());
        let pool = open::pool(url, connections).await?;
        Ok(Self { pool, counter, line: Arc::default() })
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
            Fault::Waited(_) | Fault::ForeignKey | Fault::Final(_) | Fault::Undo => false,
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

    /// Who settles for the first time does so beside all others; who lost a race tries again
    /// when nobody else of this process is settling. PostgreSQL watches for conflicts by page,
    /// and in a small table fifty newcomers share one: trying again beside each other, all but
    /// one would lose every time. Held until the try is through; `transact!` calls it.
    pub(crate) async fn turn(&self, mode: Mode, lost: u32) -> Turn {
        match (mode, lost) {
            (Mode::Plain, _) => Turn::Free,
            (Mode::Settle, 0) => Turn::Beside(Arc::clone(&self.line).read_owned().await),
            (Mode::Settle, _) => Turn::Alone(Arc::clone(&self.line).write_owned().await),
        }
    }
}

impl Tx {
    /// The one row of `users u`, which nobody can change until the end of the transaction: FOR
    /// SHARE on PostgreSQL, where the row is not written; on SQLite nobody else writes anyway.
    /// Who changes the user at the same moment is waited for and seen, or waits and sees.
    pub(crate) async fn hold_user<T: Row>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<T, Fault> {
        self.counter.statement();
        let row = match &mut self.engine {
            Engine::Sqlite(tx) => {
                bound!(sqlx::query_as::<Sqlite, T>(sql), values).fetch_optional(&mut **tx).await
            }
            Engine::Postgres(tx) => {
                let sql = AssertSqlSafe(format!("{sql} FOR SHARE OF u"));
                bound!(sqlx::query_as::<Postgres, T>(sql), values).fetch_optional(&mut **tx).await
            }
        };
        row.map_err(fault)?.ok_or(Fault::Final(Error::NotFound))
    }

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
