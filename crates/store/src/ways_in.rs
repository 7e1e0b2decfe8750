//! The lock-out guard: what administrators are known to come in by, and that no change takes the
//! last of it away unseen.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::time::Moment;

use crate::by::By;
use crate::db::Tx;
use crate::error::{Conflict, Error, Fault};
use crate::value::args;

/// For how long a completed sign-in through a provider shows that the way works.
pub(crate) const SHOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// The doors that an active administrator of their kind is known to come in by: with a password that
/// is taken there, or that opens a seal there, or through a provider that is switched on and
/// connected there, and that they completed a sign-in at this door with since `$1`. An identity
/// alone proves nothing: who has never come back from a provider may not be able to.
const KNOWN: &str = "SELECT a.key FROM applications a WHERE EXISTS \
     (SELECT 1 FROM groups g JOIN user_groups m ON m.group_id = g.id \
     JOIN users u ON u.id = m.user_id WHERE g.built_in AND u.status = 'active' \
     AND u.user_type = a.user_type AND u.population = a.population \
     AND ((u.birth = 'added' AND EXISTS (SELECT 1 FROM passwords w WHERE w.user_id = u.id) \
     AND (a.local_login OR EXISTS (SELECT 1 FROM break_glass_seals s \
     WHERE s.application = a.key AND s.user_id = u.id AND s.opened_at IS NULL))) \
     OR EXISTS (SELECT 1 FROM audit t JOIN providers p ON p.id = t.provider_id \
     JOIN connections c ON c.provider_id = p.id AND c.application = a.key \
     JOIN identities i ON i.provider_id = p.id AND i.user_id = u.id \
     WHERE t.user_id = u.id AND t.application = a.key AND t.action = 'sign_in.provider' \
     AND t.outcome = 'done' AND t.at >= $1 AND p.state = 'enabled'))) ORDER BY a.key";

/// The door, where an active administrator of its kind has a password that is taken there, or that
/// opens a seal there.
const BY_PASSWORD: &str = "SELECT a.key FROM applications a WHERE a.key = $1 \
     AND EXISTS (SELECT 1 FROM groups g JOIN user_groups m ON m.group_id = g.id \
     JOIN users u ON u.id = m.user_id JOIN passwords w ON w.user_id = u.id \
     WHERE g.built_in AND u.status = 'active' AND u.birth = 'added' \
     AND u.user_type = a.user_type AND u.population = a.population \
     AND (a.local_login OR EXISTS (SELECT 1 FROM break_glass_seals s \
     WHERE s.application = a.key AND s.user_id = u.id AND s.opened_at IS NULL)))";

/// What a change may not take away.
#[derive(Debug)]
pub(crate) struct WaysIn(Vec<ApplicationKey>);

impl Tx {
    /// The doors that administrators come in by before a change; none where it is forced.
    pub(crate) async fn ways_in(
        &mut self,
        by: &By,
        now: Moment,
    ) -> std::result::Result<WaysIn, Fault> {
        if by.forced {
            return Ok(WaysIn(Vec::new()));
        }
        // Two who take the last two ways away meet here, and the second finds one gone.
        self.lock_administrators().await?;
        self.known_ways_in(now).await.map(WaysIn)
    }

    /// None of them is gone after the change, or `Conflict(LockOut)`. A door that had none before is
    /// nobody's loss.
    pub(crate) async fn keep_ways_in(
        &mut self,
        WaysIn(before): WaysIn,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        if before.is_empty() {
            return Ok(());
        }
        let after = self.known_ways_in(now).await?;
        match before.iter().all(|door| after.contains(door)) {
            true => Ok(()),
            false => Err(Error::Conflict(Conflict::LockOut).into()),
        }
    }

    /// Whether an administrator could come in there with a password.
    pub(crate) async fn has_password_way(
        &mut self,
        door: &ApplicationKey,
    ) -> std::result::Result<bool, Fault> {
        let row: Option<(String,)> = self.opt(BY_PASSWORD, args![door]).await?;
        Ok(row.is_some())
    }

    async fn known_ways_in(
        &mut self,
        now: Moment,
    ) -> std::result::Result<Vec<ApplicationKey>, Fault> {
        let rows: Vec<(String,)> = self.all(KNOWN, args![now.minus(SHOWN_FOR)]).await?;
        let mut doors = Vec::with_capacity(rows.len());
        for (key,) in rows {
            let door = ApplicationKey::from_stored(key);
            // Who came through a provider came by the policy of that day.
            if self.has_password_way(&door).await?
                || Box::pin(self.somebody_comes_again(&door, now)).await?
            {
                doors.push(door);
            }
        }
        Ok(doors)
    }
}
