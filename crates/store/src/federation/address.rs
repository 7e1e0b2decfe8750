//! An address that follows a provider's, and everything that hangs on the one before.

use identity::email::Email;
use identity::federation::decide::{Arrival, Known};
use identity::federation::policy::{Policy, SyncMode};
use identity::throttle::buckets_removed_by_reset;
use identity::users::{EmailStanding, User};

use crate::db::Tx;
use crate::error::Fault;
use crate::federation::settle::{Settle, now_of};
use crate::value::args;

impl Tx {
    /// Whoever has the address that somebody known brings, where their own is to follow it.
    pub(super) async fn owner_of_new_address(
        &mut self,
        arrival: &Arrival,
        known: &mut Known,
    ) -> Result<(), Fault> {
        let (Some(connection), Some(linked), Some(email)) =
            (&known.connection, &known.linked, &arrival.external.email)
        else {
            return Ok(());
        };
        let user_type = arrival.application.user_type;
        let policy = Policy::of(&connection.policy, &known.defaults, user_type);
        let follows = policy.sync.value.email == SyncMode::Force;
        if follows && email.key() != linked.user.email.key() {
            known.candidate = self.candidate(arrival, email.key()).await?;
        }
        Ok(())
    }

    /// Makes the address the user's own. What was mailed to the one before opens nothing any more,
    /// wrong guesses count on, and whoever reads mail there is told.
    pub(super) async fn follow_address(
        &mut self,
        user: &mut User,
        email: &Email,
        settle: &Settle,
    ) -> Result<(), Fault> {
        let now = now_of(settle);
        let before = std::mem::replace(&mut user.email, email.clone());
        user.email_standing = EmailStanding::Verified;
        self.void_resets(&user.id, now).await?;
        self.update_profile(user).await?;
        self.move_failures(user, &before).await?;
        match &settle.letter {
            Some(letter) => self.insert_mail(&letter.seal(&before)?, now).await,
            None => Ok(()),
        }
    }

    /// Counters are named by the address; a new one is no new start.
    async fn move_failures(&mut self, user: &User, before: &Email) -> Result<(), Fault> {
        const MOVE: &str = "UPDATE throttles SET key = $3 WHERE kind = $1 AND key = $2 \
             AND NOT EXISTS (SELECT 1 FROM throttles t WHERE t.kind = $1 AND t.key = $3)";
        let row = |key: &str| buckets_removed_by_reset(&user.population, user.user_type, key, &[]);
        for (old, new) in row(before.key()).into_iter().zip(row(user.email.key())) {
            self.run(MOVE, args![old.kind.as_str(), &old.key, &new.key]).await?;
        }
        Ok(())
    }
}
