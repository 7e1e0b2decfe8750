//! What becomes of the account that has the address of somebody new.

use super::{Address, Candidate, Case, Decision, Known, SAME_ADDRESS, Weighing};
use crate::email::Email;
use crate::federation::policy::Link;
use crate::federation::proof::{Asked, Shown};
use crate::federation::refusal::Refusal;
use crate::federation::trust::{self, EmailTrust};
use crate::users::EmailStanding;

/// The rule by which people are asked to show that an account is theirs.
const PROOF: &str = "proof";

impl Weighing {
    /// Where people show the account that they have, or its mailbox. Whoever comes with an address that
    /// does not count is asked whether there is an account or not, and before it is looked at.
    pub(super) fn by_proof(&mut self, case: &Case<'_>, asked: Asked) -> Result<Decision, Refusal> {
        let external = &case.arrival.external;
        let user_type = case.arrival.application.user_type;
        let trust = trust::weigh(external, &case.known.provider, user_type);
        let Some(email) = &external.email else {
            self.saw("email_trust", trust.code(), true);
            return Err(Refusal::EmailMissing);
        };
        let foreign = trust == EmailTrust::DeniedByProvider && is_foreign(case, email.domain());
        self.saw("email_trust", trust.code(), foreign);
        if foreign {
            return Err(Refusal::EmailUntrusted);
        }
        if let Some(shown) = &case.arrival.shown {
            return self.shown(case, email, asked, shown);
        }
        if trust.counts() {
            let Some(candidate) = self.same_address(case.known) else {
                let standing = EmailStanding::Verified;
                return self.stranger(case, &Address { email, standing });
            };
            // Whoever could not be linked in any case is not asked for a password.
            self.link(case, candidate)?;
        }
        self.saw(PROOF, "not shown yet", true);
        Ok(Decision::AskProof { asked })
    }

    /// Somebody who has shown what is asked for by now. It is about the account that had the address
    /// when they arrived, or nothing is linked. Whoever reads mail at an address that was nobody's
    /// then, and is not asked for more, is a stranger whose address was verified here.
    fn shown(
        &mut self,
        case: &Case<'_>,
        email: &Email,
        asked: Asked,
        shown: &Shown,
    ) -> Result<Decision, Refusal> {
        let candidate = self.same_address(case.known);
        let same = candidate.map(|one| &one.user.id) == shown.user.as_ref();
        let void = if !shown.answers(asked) {
            Some("not shown")
        } else if !same || (asked.account() && candidate.is_none()) {
            Some("shown for another account")
        } else {
            None
        };
        self.saw(PROOF, void.unwrap_or("shown"), void.is_some());
        match (void, candidate) {
            (Some(_), _) => Err(Refusal::ProofVoid),
            (None, Some(theirs)) => self.link(case, theirs),
            (None, None) => {
                self.stranger(case, &Address { email, standing: EmailStanding::Verified })
            }
        }
    }

    pub(super) fn same_address<'k>(&mut self, known: &'k Known) -> Option<&'k Candidate> {
        let saw = if known.candidate.is_some() { "a user has it" } else { "nobody has it" };
        self.saw(SAME_ADDRESS, saw, false);
        known.candidate.as_ref()
    }

    pub(super) fn link(
        &mut self,
        case: &Case<'_>,
        candidate: &Candidate,
    ) -> Result<Decision, Refusal> {
        let policy = case.policy;
        if policy.link.value == Link::Never {
            self.saw("link", policy.link.value.as_str(), true);
            return Err(Refusal::LinkingOff);
        }
        let standing = candidate.user.email_standing;
        let unconfirmed = standing == EmailStanding::Unconfirmed;
        self.saw("account_standing", standing.as_str(), unconfirmed);
        if unconfirmed {
            return Err(Refusal::AccountUnconfirmed);
        }
        let other = candidate.has_identity_of_provider;
        let saw = if other { "tied to another subject" } else { "not tied to this provider" };
        self.saw("same_provider", saw, other);
        if other {
            return Err(Refusal::LinkedToAnother);
        }
        let changes = self.changes(case, &candidate.user, true)?;
        Ok(Decision::Link { user: candidate.user.id.clone(), changes })
    }
}

/// Whether the provider is trusted with domains, and this is none of them: whoever comes so would
/// be a guest, had it not said besides that the address is not verified.
fn is_foreign(case: &Case<'_>, domain: &str) -> bool {
    let own = &case.known.provider.trusted_domains;
    !own.is_empty() && own.iter().all(|one| one != domain)
}
