//! Whole tables, row by row, on either engine: what a backup is made of, and restored from.

use std::io::Write;
use std::sync::Arc;

use futures_util::TryStreamExt;
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Postgres, Sqlite, Type};

use crate::backup::BackupError;
use crate::db::faults::fault;
use crate::db::{Db, Engine, Pool, Tx, bound, open};
use crate::error::{Error, Fault};
use crate::value::{Value, args};

/// A table as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    columns: Vec<(String, Kind)>,
}

/// There are three kinds of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
}

impl Table {
    /// Names of its columns.
    pub(crate) fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The same table with these columns in this order; none when they are not the same.
    pub(crate) fn with_columns(&self, names: &[String]) -> Option<Self> {
        let find = |name: &String| self.columns.iter().find(|(own, _)| own == name).cloned();
        let columns: Option<Vec<_>> = names.iter().map(find).collect();
        let columns = columns.filter(|columns| columns.len() == self.columns.len())?;
        Some(Self { name: self.name.clone(), columns })
    }

    fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.columns().join(", "), self.name)
    }

    /// The statement that adds one row.
    pub(crate) fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|at| format!("${at}")).collect();
        let columns = self.columns().join(", ");
        format!("INSERT INTO {} ({columns}) VALUES ({})", self.name, places.join(", "))
    }

    /// A row as it is bound; none when its cells do not fit the columns.
    pub(crate) fn bound(&self, cells: Vec<Json>) -> Option<Vec<Value>> {
        if cells.len() != self.columns.len() {
            return None;
        }
        let value = |((_, kind), cell): (&(String, Kind), Json)| match (kind, cell) {
            (Kind::Text, Json::Null) => Some(Value::OptText(None)),
            (Kind::Text, Json::String(text)) => Some(Value::OptText(Some(text))),
            (Kind::Number, Json::Null) => Some(Value::OptInt(None)),
            (Kind::Number, Json::Number(number)) => Some(Value::OptInt(Some(number.as_i64()?))),
            (Kind::Flag, Json::Bool(flag)) => Some(Value::Bool(flag)),
            _ => None,
        };
        self.columns.iter().zip(cells).map(value).collect()
    }
}

/// The newest migration that this program knows.
pub(crate) fn schema_version() -> i64 {
    open::MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Every table, in the order in which they were made: what refers to another table comes after it.
fn table_names() -> Vec<String> {
    let mut names = Vec::new();
    for migration in open::MIGRATIONS.iter() {
        for line in migration.sql.as_str().lines() {
            let made = line.strip_prefix("CREATE TABLE ").and_then(|rest| rest.split(' ').next());
            names.extend(made.map(str::to_owned));
            let gone = line.strip_prefix("DROP TABLE ").map(|rest| rest.trim_end_matches(';'));
            names.retain(|name| Some(name.as_str()) != gone);
        }
    }
    names
}

impl Db {
    /// Begins a transaction that sees one moment of the database, however long it reads, and that
    /// nobody waits for.
    pub(crate) async fn begin_snapshot(&self) -> Result<Tx, Fault> {
        let engine = match &self.pool {
            Pool::Sqlite { readers, .. } => readers.begin_with("BEGIN").await.map(Engine::Sqlite),
            Pool::Postgres(pool) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Engine::Postgres),
        };
        Ok(Tx { engine: engine.map_err(fault)?, counter: Arc::clone(&self.counter) })
    }
}

impl Tx {
    /// Every table with its columns, in an order in which rows can be added.
    pub(crate) async fn tables(&mut self) -> Result<Vec<Table>, Fault> {
        let columns = match &self.engine {
            Engine::Sqlite(_) => "SELECT name, lower(type) FROM pragma_table_info($1)",
            Engine::Postgres(_) => {
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 \
                 ORDER BY ordinal_position"
            }
        };
        let mut tables = Vec::new();
        for name in table_names() {
            let found: Vec<(String, String)> = self.all(columns, args![name.as_str()]).await?;
            let columns: Option<Vec<_>> = found
                .into_iter()
                .map(|(column, kind)| match kind.as_str() {
                    "text" => Some((column, Kind::Text)),
                    "bigint" => Some((column, Kind::Number)),
                    "boolean" => Some((column, Kind::Flag)),
                    _ => None,
                })
                .collect();
            let columns = columns.filter(|columns| !columns.is_empty()).ok_or_else(|| {
                Fault::Final(Error::Broken(format!("the table {name} is not as it was made")))
            })?;
            tables.push(Table { name, columns });
        }
        Ok(tables)
    }

    /// Takes the limit off that keeps one statement from being slow: this one may be.
    pub(crate) async fn be_patient(&mut self) -> Result<(), Fault> {
        if let Engine::Postgres(_) = &self.engine {
            self.run("SET LOCAL statement_timeout = 0", args![]).await?;
        }
        Ok(())
    }

    /// Writes every row of a table as a line of JSON, and says how many there were.
    pub(crate) async fn dump(
        &mut self,
        table: &Table,
        to: &mut (dyn Write + Send),
    ) -> Result<u64, BackupError> {
        let sql = AssertSqlSafe(table.select());
        self.counter.statement();
        let mut count = 0;
        let broken = |error| BackupError::Store(fault(error).into());
        match &mut self.engine {
            Engine::Sqlite(tx) => {
                let mut rows = sqlx::query::<Sqlite>(sql).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(broken)? {
                    writeln!(to, "{}", cells(&row, table).map_err(broken)?)?;
                    count += 1;
                }
            }
            Engine::Postgres(tx) => {
                let mut rows = sqlx::query::<Postgres>(sql).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(broken)? {
                    writeln!(to, "{}", cells(&row, table).map_err(broken)?)?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Whether a table has a row.
    pub(crate) async fn has_rows(&mut self, table: &Table) -> Result<bool, Fault> {
        let one = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS first", table.name);
        let sql = AssertSqlSafe(one);
        self.counter.statement();
        let (count,): (i64,) = match &mut self.engine {
            Engine::Sqlite(tx) => sqlx::query_as::<Sqlite, _>(sql).fetch_one(&mut **tx).await,
            Engine::Postgres(tx) => sqlx::query_as::<Postgres, _>(sql).fetch_one(&mut **tx).await,
        }
        .map_err(fault)?;
        Ok(count > 0)
    }

    /// Runs a statement that was made here, of names that the database itself told.
    pub(crate) async fn run_made(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Fault> {
        self.counter.statement();
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut self.engine {
            Engine::Sqlite(tx) => bound!(sqlx::query::<Sqlite>(sql), values)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Engine::Postgres(tx) => bound!(sqlx::query::<Postgres>(sql), values)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(fault)
    }
}

fn cells<'r, R>(row: &'r R, table: &Table) -> Result<Json, sqlx::Error>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<bool>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(at, (_, kind)): (usize, &(String, Kind))| {
        Ok(match kind {
            Kind::Text => json!(row.try_get::<Option<String>, _>(at)?),
            Kind::Number => json!(row.try_get::<Option<i64>, _>(at)?),
            Kind::Flag => json!(row.try_get::<Option<bool>, _>(at)?),
        })
    };
    table.columns.iter().enumerate().map(cell).collect::<Result<Vec<_>, _>>().map(Json::from)
}
