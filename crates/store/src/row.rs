//! Helpers between rows and the types of `identity`.

use std::str::FromStr;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::error::{Error, Fault};

/// A row that has a column which is never NULL.
pub(crate) trait Keyed {
    /// That column.
    const KEY: &'static str;
}

/// A row from the far side of a LEFT JOIN.
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<'r, R, T> FromRow<'r, R> for Maybe<T>
where
    R: Row,
    T: FromRow<'r, R> + Keyed,
    &'static str: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        match row.try_get::<Option<String>, _>(T::KEY)? {
            None => Ok(Self(None)),
            Some(_) => T::from_row(row).map(|found| Self(Some(found))),
        }
    }
}

/// Reads a word of one of the enumerations.
pub(crate) fn word<T: FromStr>(text: &str) -> Result<T, Fault>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| {
        Fault::Final(Error::Broken(format!("a column holds an unknown word: {error}")))
    })
}

/// Reads JSON out of a TEXT column.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Fault> {
    Ok(serde_json::from_str(text)?)
}

/// Writes JSON for a TEXT column.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    Ok(serde_json::to_string(value)?)
}

/// Microseconds of a span, for a BIGINT column.
pub(crate) fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A span out of a BIGINT column.
pub(crate) fn span(micros: i64) -> std::time::Duration {
    std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
