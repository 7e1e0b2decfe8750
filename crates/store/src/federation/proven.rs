//! The lock-out guard of policies: an administrator who came in lately would come in again, or there
//! is another way, or somebody insists.

use std::collections::{HashMap, HashSet};

use identity::applications::{Application, ApplicationKey};
use identity::federation::decide::{Arrival, Known};
use identity::federation::hook::HookWord;
use identity::federation::kept::KeptArrival;
use identity::federation::policy::{Policy, PolicyFields};
use identity::federation::proven::{Again, Gap, again};
use identity::ids::ProviderId;
use identity::time::Moment;

use crate::by::By;
use crate::db::Tx;
use crate::error::{Conflict, Error, Fault};
use crate::federation::connections::{ConnectionRow, connection_columns};
use crate::row::json;
use crate::value::args;
use crate::ways_in::SHOWN_FOR;

/// Completed sign-ins of active administrators at a door, the latest first, through providers that
/// are switched on and connected there.
const WAYS: &str = "SELECT t.user_id, t.provider_id, t.arrival FROM audit t \
     JOIN applications a ON a.key = t.application \
     JOIN users u ON u.id = t.user_id AND u.status = 'active' \
     AND u.user_type = a.user_type AND u.population = a.population \
     JOIN providers p ON p.id = t.provider_id AND p.state = 'enabled' \
     JOIN connections c ON c.provider_id = p.id AND c.application = a.key \
     WHERE t.application = $1 AND t.action = 'sign_in.provider' AND t.outcome = 'done' \
     AND t.at >= $2 AND EXISTS (SELECT 1 FROM groups g JOIN user_groups m ON m.group_id = g.id \
     WHERE g.built_in AND m.user_id = u.id) \
     AND EXISTS (SELECT 1 FROM identities i WHERE i.provider_id = p.id AND i.user_id = u.id) \
     ORDER BY t.id DESC LIMIT $3";

/// How many of them are looked at: a day of a large house, and more than it has administrators.
const MOST: i64 = 1000;

/// What is set for a door, and whether there is a way in besides.
#[derive(Debug)]
pub(crate) struct Policies {
    door: Application,
    connections: HashMap<ProviderId, PolicyFields>,
    /// Whether an administrator could come in with a password.
    by_password: bool,
}

#[derive(sqlx::FromRow)]
struct WayRow {
    user_id: String,
    provider_id: String,
    arrival: Option<String>,
}

impl Policies {
    fn policy(&self, provider: &ProviderId) -> Policy {
        let nothing = PolicyFields::default();
        let fields = self.connections.get(provider).unwrap_or(&nothing);
        Policy::of(fields, &self.door.defaults, self.door.user_type)
    }

    /// Somebody who was kept, as they would stand at the door now.
    fn arrival(&self, kept: &KeptArrival, provider: &ProviderId, now: Moment) -> Arrival {
        Arrival {
            external: kept.external(provider),
            application: self.door.clone(),
            hook: HookWord::Ahead,
            shown: None,
            now,
        }
    }

    /// What was known before.
    fn restore(&self, known: &mut Known) {
        known.defaults.clone_from(&self.door.defaults);
        if let Some(connection) = &mut known.connection
            && let Some(fields) = self.connections.get(&connection.provider)
        {
            connection.policy.clone_from(fields);
        }
    }
}

impl Tx {
    /// What holds at a door before a change of its policies; none where the change is forced.
    pub(crate) async fn policies_before(
        &mut self,
        key: &ApplicationKey,
        by: &By,
    ) -> std::result::Result<Option<Policies>, Fault> {
        if by.forced {
            return Ok(None);
        }
        // Two who close the last two ways meet here, and the second finds one closed.
        self.lock_administrators().await?;
        self.policies_of(key).await.map(Some)
    }

    /// Administrators who came in lately would do so again, or `Conflict(KeptOut)`. A door that had
    /// no such way before, or has another one, is nobody's loss.
    pub(crate) async fn keep_administrators_in(
        &mut self,
        before: Option<Policies>,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let Some(before) = before else { return Ok(()) };
        let after = self.policies_of(&before.door.key).await?;
        let differs = |provider: &ProviderId| {
            after.policy(provider).passes_differently(&before.policy(provider))
        };
        let closes = before.by_password && !after.by_password;
        if after.by_password || !(closes || after.connections.keys().any(differs)) {
            return Ok(());
        }
        match self.would_keep_out(&before, &after, now).await? {
            None => Ok(()),
            Some(why) => Err(Error::Conflict(Conflict::KeptOut(why)).into()),
        }
    }

    /// What keeps the latest of them out, where some way was open before and none is now.
    async fn would_keep_out(
        &mut self,
        before: &Policies,
        after: &Policies,
        now: Moment,
    ) -> std::result::Result<Option<Again>, Fault> {
        let mut why = None;
        for (provider, kept) in self.ways_gone_lately(&before.door.key, now).await? {
            let (was, is) = match kept {
                None => (Again::In, Again::Unproven(Gap::NotRecorded)),
                Some(kept) => {
                    let arrival = after.arrival(&kept, &provider, now);
                    let policy = before.policy(&provider);
                    let was = self.known_under(&arrival, &|known| before.restore(known)).await?;
                    let is = self.known(&arrival).await?;
                    (again(&kept, &arrival, &was, &policy), again(&kept, &arrival, &is, &policy))
                }
            };
            if is == Again::In {
                return Ok(None);
            }
            if before.by_password || was == Again::In {
                why.get_or_insert(is);
            }
        }
        Ok(why)
    }

    /// The latest completed sign-in of each administrator through each provider, as far as it was
    /// recorded.
    async fn ways_gone_lately(
        &mut self,
        key: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<Vec<(ProviderId, Option<KeptArrival>)>, Fault> {
        let rows: Vec<WayRow> = self.all(WAYS, args![key, now.minus(SHOWN_FOR), MOST]).await?;
        let mut seen = HashSet::new();
        let mut ways = Vec::new();
        for row in rows {
            if seen.insert((row.user_id, row.provider_id.clone())) {
                let kept = row.arrival.as_deref().map(json).transpose()?;
                ways.push((ProviderId::from_stored(row.provider_id), kept));
            }
        }
        Ok(ways)
    }

    /// Whether somebody of those who came in lately would come in again, by what is set now. Who was
    /// let in and of whom too little was recorded counts: nothing says that they would not.
    pub(crate) async fn somebody_comes_again(
        &mut self,
        key: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<bool, Fault> {
        let policies = self.policies_of(key).await?;
        for (provider, kept) in self.ways_gone_lately(key, now).await? {
            let Some(kept) = kept else { return Ok(true) };
            let arrival = policies.arrival(&kept, &provider, now);
            let known = self.known(&arrival).await?;
            let is = again(&kept, &arrival, &known, &policies.policy(&provider));
            if !matches!(is, Again::Out(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn policies_of(&mut self, key: &ApplicationKey) -> std::result::Result<Policies, Fault> {
        const OF_ONE: &str = concat!(
            "SELECT ",
            connection_columns!(),
            " FROM connections c WHERE c.application = $1"
        );
        let door = self.application(key).await?;
        let rows: Vec<ConnectionRow> = self.all(OF_ONE, args![key]).await?;
        let mut connections = HashMap::new();
        for row in rows {
            let connection = row.read()?;
            connections.insert(connection.provider, connection.policy);
        }
        let by_password = self.has_password_way(key).await?;
        Ok(Policies { door, connections, by_password })
    }
}
