//! How much is asked of the database: `make bench` prints it, tests hold it to its budget.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Transactions begun explicitly.
    pub transactions: u64,
    /// Statements, counting BEGIN, COMMIT and ROLLBACK.
    pub statements: u64,
    /// Rows inserted, updated or removed.
    pub rows_written: u64,
    /// Transactions run again after a race.
    pub retries: u64,
}

impl Figures {
    /// What happened since `earlier`.
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            transactions: self.transactions - earlier.transactions,
            statements: self.statements - earlier.statements,
            rows_written: self.rows_written - earlier.rows_written,
            retries: self.retries - earlier.retries,
        }
    }
}

/// Counts, from any task. Figures only: nothing is ordered by them, hence `Relaxed`.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    transactions: AtomicU64,
    statements: AtomicU64,
    rows_written: AtomicU64,
    retries: AtomicU64,
}

impl Counter {
    pub(crate) fn transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.statement();
    }

    pub(crate) fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rows(&self, rows: u64) {
        self.rows_written.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows that a statement returned: written ones, unless it only read.
    pub(crate) fn returned(&self, sql: &str, rows: usize) {
        if !sql.trim_start().starts_with("SELECT") {
            self.rows(rows as u64);
        }
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            transactions: self.transactions.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            rows_written: self.rows_written.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}
