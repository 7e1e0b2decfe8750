//! Whether somebody's own address follows what their provider says.

use super::{Changes, Rules, Warning};
use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::policy::SyncMode;
use crate::federation::trust;
use crate::groups::ADMINISTRATORS;
use crate::users::User;

/// The rule, as the audit names it.
const RULE: &str = "sync.email";

/// What is seen where somebody else has the address.
const TAKEN: &str = "somebody else has it";

impl Rules<'_> {
    /// The user's own address becomes the provider's, where its word about both of them counts.
    ///
    /// Whoever has the address can have the password reset, and is linked by it; so a provider moves
    /// nobody out of a mailbox that it has no say about, and never an administrator. What is denied
    /// here keeps nobody out.
    pub(in crate::federation) fn address(&mut self, user: &User, changes: &mut Changes) {
        if self.policy.sync.value.email != SyncMode::Force {
            return;
        }
        match self.new_address(user) {
            Ok(email) => {
                changes.email = Some(email);
                self.saw(RULE, "changed", false);
            }
            Err(saw) => {
                changes.warning = (saw == TAKEN).then_some(Warning::EmailTaken);
                self.saw(RULE, saw, false);
            }
        }
    }

    /// The address that follows, or why none does.
    fn new_address(&self, user: &User) -> Result<Email, &'static str> {
        let facts = &self.facts;
        let external = &facts.arrival.external;
        let email = external.email.as_ref().ok_or("no address")?;
        if email.key() == user.email.key() {
            return Err("no change");
        }
        if !facts.trusted {
            return Err("not trusted");
        }
        if facts.known.memberships.iter().any(|group| group.name == ADMINISTRATORS) {
            return Err("an administrator's stays");
        }
        if !self.could_vouch_for(&user.email) {
            return Err("the one so far is not the provider's to change");
        }
        let other = facts.known.candidate.as_ref().filter(|other| other.user.id != user.id);
        if other.is_some() { Err(TAKEN) } else { Ok(email.clone()) }
    }

    /// Whether the provider's word about this address would count, had it said that it is good.
    fn could_vouch_for(&self, email: &Email) -> bool {
        let arrival = self.facts.arrival;
        let external = ExternalIdentity {
            email: Some(email.clone()),
            email_verified: EmailVerified::Yes,
            ..arrival.external.clone()
        };
        let user_type = arrival.application.user_type;
        trust::weigh(&external, &self.facts.known.provider, user_type).counts()
    }
}
