//! What may be bound to a placeholder, and the `args!` that collects it.

use identity::applications::ApplicationKey;
use identity::ids::{
    AttemptId, AuditId, ClientId, ConnectionId, DataKeyId, GrantId, GroupId, IdentityId, MailId,
    OrganisationId, ProofId, ProviderId, PublicId, SessionId, UserId,
};
use identity::oauth::clients::SigningAlgorithm;
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Population, Status, UserType};

/// One bound value. There are three column types, so there are not many more values.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// TEXT NOT NULL.
    Text(String),
    /// TEXT.
    OptText(Option<String>),
    /// BIGINT NOT NULL.
    Int(i64),
    /// BIGINT.
    OptInt(Option<i64>),
    /// BOOLEAN NOT NULL.
    Bool(bool),
}

/// The values of `$1`, `$2`, … in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use args;

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::OptText(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::OptText(text)
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::OptText(text.clone())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::OptInt(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        Self::Int(moment.micros())
    }
}

impl From<Option<Moment>> for Value {
    fn from(moment: Option<Moment>) -> Self {
        Self::OptInt(moment.map(Moment::micros))
    }
}

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl From<&$name> for Value {
            fn from(value: &$name) -> Self {
                Self::Text(value.as_str().to_owned())
            }
        }

        impl From<Option<&$name>> for Value {
            fn from(value: Option<&$name>) -> Self {
                Self::OptText(value.map(|value| value.as_str().to_owned()))
            }
        }
    )*};
}
texts!(
    UserId,
    GroupId,
    OrganisationId,
    ProviderId,
    ConnectionId,
    IdentityId,
    AttemptId,
    ProofId,
    SessionId,
    AuditId,
    MailId,
    DataKeyId,
    ClientId,
    GrantId,
    PublicId,
    ApplicationKey,
    Population,
    Digest
);

macro_rules! words {
    ($($name:ident),*) => {$(
        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::Text(value.as_str().to_owned())
            }
        }
    )*};
}
words!(UserType, Status, EmailStanding, Birth, SigningAlgorithm);
