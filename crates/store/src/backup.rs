//! Everything that is remembered, written to a file and read back, on either engine.
//!
//! A file is lines of JSON: a header, then every table as a line with its name and columns and a
//! line for each of its rows, and at the end how many rows there were. What is encrypted stays so:
//! the key file is not in it.

use std::io::{self, BufRead, Write};

use identity::time::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Store;
use crate::db::dump::{Table, schema_version};
use crate::db::{Db, Mode};
use crate::error::{Error, Fault};

/// The form of the file; another one gets another number.
const FORM: u32 = 1;

/// The table that a migration leaves a row in.
const COUNTER: &str = "change_counter";

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file could not be written.
    #[error("the file cannot be written: {0}")]
    File(#[from] io::Error),
}

/// Why nothing was restored. The database is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database could not be written.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    /// It is something else.
    #[error("line {0} is not what a backup of this program has there; take another file")]
    NotABackup(u64),
    /// It is from another version of the program.
    #[error(
        "the backup has schema {found}, and this program {ours}; restore it with the version that \
         made it, and upgrade that"
    )]
    OtherSchema {
        /// What the file says.
        found: i64,
        /// What this program knows.
        ours: i64,
    },
    /// Somebody uses the database already.
    #[error(
        "the table {0} of this database is not empty; name a new, empty one in database.url: \
         nothing that is there is ever overwritten"
    )]
    NotEmpty(String),
    /// The end is missing.
    #[error("the file ends too early: it was cut off, or its writing was; take another one")]
    CutOff,
}

/// What was written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// Version of the schema.
    pub schema: i64,
    /// How many rows in all.
    pub rows: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    vestibule_backup: u32,
    schema: i64,
    made_at: String,
}

/// Any line but the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Vec<Value>),
    Table { table: String, columns: Vec<String> },
    End { rows: u64 },
}

impl Store {
    /// Writes everything as it is at one moment. Nobody has to wait meanwhile.
    pub async fn backup(
        &self,
        to: &mut (dyn Write + Send),
        now: Moment,
    ) -> Result<BackedUp, BackupError> {
        let mut tx = self.db.begin_snapshot().await.map_err(Error::from)?;
        tx.be_patient().await.map_err(Error::from)?;
        let schema = schema_version();
        let header = Header { vestibule_backup: FORM, schema, made_at: now.to_rfc3339() };
        writeln!(to, "{}", json!(header))?;
        let mut rows = 0;
        for table in tx.tables().await.map_err(Error::from)? {
            writeln!(to, "{}", json!({ "table": table.name, "columns": table.columns() }))?;
            rows += tx.dump(&table, to).await?;
        }
        writeln!(to, "{}", json!({ "rows": rows }))?;
        to.flush()?;
        tx.roll_back().await;
        Ok(BackedUp { schema, rows })
    }

    /// Reads a backup into the database at `url`, of either engine, which must be new: all of it,
    /// or nothing.
    pub async fn restore(
        url: &str,
        from: &mut (dyn BufRead + Send),
    ) -> Result<BackedUp, RestoreError> {
        let mut lines = Lines { from, at: 0 };
        let schema = lines.header()?;
        let db = Db::open(url, 2).await?;
        let restored = restore_all(&db, &mut lines).await;
        db.close().await;
        Ok(BackedUp { schema, rows: restored? })
    }
}

async fn restore_all(db: &Db, lines: &mut Lines<'_>) -> Result<u64, RestoreError> {
    let broken = |fault: Fault| RestoreError::Store(fault.into());
    let mut tx = db.begin(Mode::Plain).await.map_err(broken)?;
    let tables = tx.tables().await.map_err(broken)?;
    for table in &tables {
        if table.name != COUNTER && tx.has_rows(table).await.map_err(broken)? {
            return Err(RestoreError::NotEmpty(table.name.clone()));
        }
    }
    tx.run_made(&format!("DELETE FROM {COUNTER}"), Vec::new()).await.map_err(broken)?;
    let mut open: Option<(Table, String)> = None;
    let mut rows = 0;
    while let Some(line) = lines.next()? {
        let odd = || RestoreError::NotABackup(lines.at);
        match line {
            Line::Table { table, columns } => {
                let known = tables.iter().find(|one| one.name == table).ok_or_else(odd)?;
                let table = known.with_columns(&columns).ok_or_else(odd)?;
                let insert = table.insert();
                open = Some((table, insert));
            }
            Line::Row(cells) => {
                let (table, insert) = open.as_ref().ok_or_else(odd)?;
                let values = table.bound(cells).ok_or_else(odd)?;
                tx.run_made(insert, values).await.map_err(broken)?;
                rows += 1;
            }
            Line::End { rows: said } if said == rows => {
                tx.commit().await.map_err(broken)?;
                return Ok(rows);
            }
            Line::End { .. } => return Err(RestoreError::CutOff),
        }
    }
    Err(RestoreError::CutOff)
}

/// The file, line by line.
struct Lines<'a> {
    from: &'a mut (dyn BufRead + Send),
    at: u64,
}

impl Lines<'_> {
    fn header(&mut self) -> Result<i64, RestoreError> {
        let text = self.text()?.unwrap_or_default();
        let header: Header =
            serde_json::from_str(&text).map_err(|_| RestoreError::NotABackup(self.at))?;
        let ours = schema_version();
        match header {
            Header { vestibule_backup: FORM, schema, .. } if schema == ours => Ok(schema),
            Header { vestibule_backup: FORM, schema: found, .. } => {
                Err(RestoreError::OtherSchema { found, ours })
            }
            _ => Err(RestoreError::NotABackup(self.at)),
        }
    }

    fn next(&mut self) -> Result<Option<Line>, RestoreError> {
        let Some(text) = self.text()? else { return Ok(None) };
        // A line without its end was cut off.
        if !text.ends_with('\n') {
            return Err(RestoreError::CutOff);
        }
        serde_json::from_str(&text).map(Some).map_err(|_| RestoreError::NotABackup(self.at))
    }

    fn text(&mut self) -> io::Result<Option<String>> {
        let mut text = String::new();
        self.at += 1;
        Ok((self.from.read_line(&mut text)? > 0).then_some(text))
    }
}
