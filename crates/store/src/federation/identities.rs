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

impl Store {
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
