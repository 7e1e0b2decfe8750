//! What the engines' errors mean here.

use sqlx::error::ErrorKind;

use crate::error::{Error, Fault};

/// What an engine's error means here.
pub(super) fn fault(error: sqlx::Error) -> Fault {
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
            // BUSY by itself: the busy timeout has passed.
            5 if number == 5 => Fault::Waited(said),
            // The other kinds of BUSY come at once, and LOCKED.
            5 | 6 => Fault::Again(said),
            // READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
            8 | 10 | 13 | 14 | 15 => Fault::Final(Error::Busy(said)),
            _ => Fault::Final(Error::Broken(said)),
        };
    }
    match code {
        // serialization_failure, deadlock_detected.
        "40001" | "40P01" => Fault::Again(said),
        // lock_not_available: lock_timeout has passed.
        "55P03" => Fault::Waited(said),
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
