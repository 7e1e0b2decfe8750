//! Identities: the ties between a provider's subjects and our users.

use identity::ids::{IdentityId, ProviderId, UserId};
use identity::time::Moment;

use crate::Store;
use crate::error::Result;
use crate::row::Keyed;
use crate::value::args;

/// A tie between a provider's subject and a user, for `users show` and the account page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the row.
    pub id: IdentityId,
    /// Whose.
    pub user: UserId,
    /// Which provider's word.
    pub provider: ProviderId,
    /// The provider's issuer at the time.
    pub issuer: String,
    /// Who they are there.
    pub subject: String,
    /// The address that the provider gave last.
    pub email: Option<String>,
    /// Since when.
    pub created_at: Moment,
}

/// A tie in the list that its owner reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The tie.
    pub identity: Identity,
    /// When they came by it last, as far as the sessions that are remembered tell.
    pub last_used_at: Option<Moment>,
}

/// Columns of an identity, for `FROM identities i`.
macro_rules! identity_columns {
    () => {
        "i.id AS i_id, i.user_id AS i_user_id, i.provider_id AS i_provider_id, \
         i.issuer AS i_issuer, i.subject AS i_subject, i.email AS i_email, \
         i.created_at AS i_created_at"
    };
}
pub(crate) use identity_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct IdentityRow {
    i_id: String,
    i_user_id: String,
    i_provider_id: String,
    i_issuer: String,
    i_subject: String,
    i_email: Option<String>,
    i_created_at: i64,
}

impl Keyed for IdentityRow {
    const KEY: &'static str = "i_id";
}

impl IdentityRow {
    pub(crate) fn read(self) -> Identity {
        Identity {
            id: IdentityId::from_stored(self.i_id),
            user: UserId::from_stored(self.i_user_id),
            provider: ProviderId::from_stored(self.i_provider_id),
            issuer: self.i_issuer,
            subject: self.i_subject,
            email: self.i_email,
            created_at: Moment::from_micros(self.i_created_at),
        }
    }
}

#[derive(sqlx::FromRow)]
struct LinkedRow {
    #[sqlx(flatten)]
    identity: IdentityRow,
    last_used_at: Option<i64>,
}

impl Store {
    /// Every tie of a user with when they came by it last, the oldest first.
    pub async fn list_linked_identities(&self, user: &UserId) -> Result<Vec<LinkedIdentity>> {
        const SQL: &str = concat!(
            "SELECT ",
            identity_columns!(),
            ", (SELECT max(s.began_at) FROM sessions s WHERE s.user_id = i.user_id \
             AND s.identity_id = i.id) AS last_used_at \
             FROM identities i WHERE i.user_id = $1 ORDER BY i.id"
        );
        let rows: Vec<LinkedRow> = self.db.all(SQL, args![user]).await?;
        let linked = |row: LinkedRow| LinkedIdentity {
            identity: row.identity.read(),
            last_used_at: row.last_used_at.map(Moment::from_micros),
        };
        Ok(rows.into_iter().map(linked).collect())
    }

    /// Every tie of a user, the oldest first.
    pub async fn list_identities_of(&self, user: &UserId) -> Result<Vec<Identity>> {
        const SQL: &str = concat!(
            "SELECT ",
            identity_columns!(),
            " FROM identities i WHERE i.user_id = $1 ORDER BY i.id"
        );
        let rows: Vec<IdentityRow> = self.db.all(SQL, args![user]).await?;
        Ok(rows.into_iter().map(IdentityRow::read).collect())
    }
}
