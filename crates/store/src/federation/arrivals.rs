//! Who arrived lately, as far as it is kept, and what another policy would meet.

use identity::applications::ApplicationKey;
use identity::federation::decide::{Arrival, Known};
use identity::federation::kept::KeptArrival;
use identity::federation::replay::Tried;
use identity::ids::{AuditId, ProviderId, UserId};
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, transact};
use crate::error::{Fault, Result};
use crate::row::json;
use crate::value::args;

/// A sign-in through a provider that was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedArrival {
    /// Its entry in the audit.
    pub id: AuditId,
    /// When.
    pub at: Moment,
    /// `done`, or the stable code of the refusal.
    pub outcome: String,
    /// Whom the audit names.
    pub user: Option<UserId>,
    /// What the person was shown.
    pub support_code: Option<String>,
    /// Through which provider.
    pub provider: ProviderId,
    /// Who it was.
    pub kept: KeptArrival,
}

#[derive(sqlx::FromRow)]
struct ArrivalRow {
    id: String,
    at: i64,
    outcome: String,
    user_id: Option<String>,
    support_code: Option<String>,
    provider_id: String,
    arrival: String,
}

impl ArrivalRow {
    fn read(self) -> std::result::Result<RecordedArrival, Fault> {
        Ok(RecordedArrival {
            id: AuditId::from_stored(self.id),
            at: Moment::from_micros(self.at),
            outcome: self.outcome,
            user: self.user_id.map(UserId::from_stored),
            support_code: self.support_code,
            provider: ProviderId::from_stored(self.provider_id),
            kept: json(&self.arrival)?,
        })
    }
}

impl Store {
    /// The latest arrivals at a door through a provider, at most so many, the latest first.
    pub async fn list_arrivals(
        &self,
        application: &ApplicationKey,
        provider: &ProviderId,
        most: u32,
    ) -> Result<Vec<RecordedArrival>> {
        const LATEST: &str = "SELECT id, at, outcome, user_id, support_code, provider_id, arrival \
             FROM audit WHERE application = $1 AND provider_id = $2 AND arrival IS NOT NULL \
             ORDER BY id DESC LIMIT $3";
        let values = args![application, provider, i64::from(most)];
        let rows: Vec<ArrivalRow> = self.db.all(LATEST, values).await?;
        Ok(rows.into_iter().map(ArrivalRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// What the store knows about an arrival now, and what it would know if `change` were true, which
    /// changes what was set for the connection or its door. Decides and writes nothing.
    pub async fn find_known_under(
        &self,
        arrival: &Arrival,
        change: impl Fn(&mut Known) + Sync,
    ) -> Result<Tried> {
        transact!(self.db, Mode::Settle, |tx| {
            let in_force = tx.known(arrival).await?;
            let changed = tx.known_under(arrival, &change).await?;
            Ok(Tried { in_force, changed })
        })
    }
}
