//! What becomes of people whom nobody here knows: strangers, and guests of a provider.

use super::{Address, Case, Decided, Decision, Known, NewUser, Weighed, Weighing};
use crate::federation::decide::Arrival;
use crate::federation::guests::{Guest, Guests, new_guest};
use crate::federation::hook::{HookWord, hook_of};
use crate::federation::policy::UnknownUser;
use crate::federation::refusal::Refusal;
use crate::federation::trust::{self, EmailTrust};
use crate::users::{EmailStanding, Status};

impl Weighing {
    /// Somebody whose address is good, and nobody's.
    pub(super) fn stranger(
        &mut self,
        case: &Case<'_>,
        address: &Address<'_>,
    ) -> Result<Decision, Refusal> {
        let unknown_user = case.policy.unknown_user.value;
        if unknown_user == UnknownUser::Refuse {
            self.saw("unknown_user", unknown_user.as_str(), true);
            return Err(Refusal::UnknownUser);
        }
        let (status, newcomer) = self.newcomer(case, address)?;
        self.saw("unknown_user", unknown_user.as_str(), true);
        let held = status.map_or(unknown_user == UnknownUser::Hold, |one| one == Status::Held);
        Ok(if held { Decision::Hold(newcomer) } else { Decision::Create(newcomer) })
    }

    /// Somebody new who is a guest of the provider. They are never linked to an account by their
    /// address, whatever `link` says, so nothing is asked about who has it, until it counts or
    /// nothing of the answer shows.
    pub(super) fn guest(&mut self, case: &Case<'_>, guest: Guest) -> Result<Decision, Refusal> {
        let guests = case.policy.guests.value;
        let turned_away = guests == Guests::Refuse;
        self.saw("guests", format!("{}: {}", guest.code(), guests.as_str()), turned_away);
        if turned_away {
            return Err(match guest {
                Guest::ByAddress => Refusal::EmailUntrusted,
                Guest::ByTenant => Refusal::GuestRefused,
            });
        }
        let address = self.guest_address(case, guests)?;
        let (status, newcomer) = self.newcomer(case, &address)?;
        if guests == Guests::Hold {
            return Ok(Decision::Hold(newcomer));
        }
        let taken = case.known.candidate.is_some();
        self.saw("guest_account", has_it(taken), taken);
        match status {
            _ if taken => Err(Refusal::LinkingOff),
            Some(Status::Held) => Ok(Decision::Hold(newcomer)),
            _ => Ok(Decision::Create(newcomer)),
        }
    }

    /// An administrator looks at whoever is held; whoever is let in at once needs a good word.
    fn guest_address<'a>(
        &mut self,
        case: &Case<'a>,
        guests: Guests,
    ) -> Result<Address<'a>, Refusal> {
        let Case { arrival, known, .. } = *case;
        let user_type = arrival.application.user_type;
        let trust = trust::weigh(&arrival.external, &known.provider, user_type);
        let good = trust.counts() || (trust == EmailTrust::NoGround && guests == Guests::Hold);
        self.saw("email_trust", trust.code(), !good);
        let email = arrival.external.email.as_ref().ok_or(Refusal::EmailMissing)?;
        let standing =
            if trust.counts() { EmailStanding::Verified } else { EmailStanding::Unconfirmed };
        if good { Ok(Address { email, standing }) } else { Err(Refusal::EmailUntrusted) }
    }

    fn newcomer(
        &mut self,
        case: &Case<'_>,
        address: &Address<'_>,
    ) -> Result<(Option<Status>, NewUser), Refusal> {
        self.ask(case, None, |rules| {
            rules.create()?;
            rules.sign_in()?;
            let status = rules.newcomer_status()?;
            let (name, locale) = rules.newcomer_profile()?;
            let groups = rules.newcomer_groups()?;
            let (email, email_standing) = (address.email.clone(), address.standing);
            Ok((status, NewUser { email, email_standing, name, locale, groups }))
        })
    }
}

fn has_it(taken: bool) -> &'static str {
    if taken { "a user has the address" } else { "nobody has the address" }
}

/// A guest who would be held, and whose address is somebody's already: nobody is made, and what
/// they see is what they would see if one were. This comes last of all, after the hook, which
/// could otherwise answer the one and is not asked about the other.
pub(super) fn weigh_held_guest(arrival: &Arrival, known: &Known, mut decided: Decided) -> Decided {
    let held = matches!(decided.decision, Decision::Hold(_));
    let hook_is_ahead = arrival.hook == HookWord::Ahead && hook_of(arrival, known).is_some();
    if !held || hook_is_ahead || new_guest(arrival, known).is_none() {
        return decided;
    }
    let taken = known.candidate.is_some();
    let (rule, saw) = ("guest_account", has_it(taken).to_owned());
    decided.rules.push(Weighed { rule, saw, settled: true });
    if taken {
        decided.decision = Decision::Refuse { reason: Refusal::UserHeld };
    }
    decided
}
