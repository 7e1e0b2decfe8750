//! Why a sign-in through a provider was refused: one stable code each.

use serde::Serialize;

/// Every way in which a trip to a provider, or an exchange of its token, ends without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The user is deactivated.
    UserDeactivated,
    /// The user waits for approval.
    UserHeld,
    /// The user was deleted.
    UserDeleted,
    /// Nobody we know, and this door makes no users.
    UnknownUser,
    /// The provider gave no address, and nothing else ties the person to a user.
    EmailMissing,
    /// The provider's word for the address does not count.
    EmailUntrusted,
    /// The address belongs to an account whose own address nobody has confirmed.
    AccountUnconfirmed,
    /// The account is tied to somebody else at the same provider.
    LinkedToAnother,
    /// The policy lets nobody with such an address, or such claims, pass.
    NotAllowed,
    /// The policy names no group for them, and turns such people away.
    NoGroup,
    /// A rule of the policy cannot be applied to what the provider said.
    RuleFailed,
    /// A guest of the provider, and the policy takes none.
    GuestRefused,
    /// The operator's decision hook turned them away.
    HookRefused,
    /// The decision hook did not say what it has to, so nobody knows whether they may pass.
    HookFailed,
    /// An account has the address, and the policy links nobody.
    LinkingOff,
    /// What was shown is about another account than the one that has the address now.
    ProofVoid,
    /// The provider is switched off.
    ProviderDisabled,
    /// This door does not know the provider.
    ProviderNotConnected,
    /// No such trip was begun here, or too long ago to remember.
    AttemptUnknown,
    /// The trip took too long.
    AttemptExpired,
    /// The trip was already used.
    AttemptReplayed,
    /// The trip was begun in another browser.
    AttemptForeign,
    /// The answer belongs to another provider (RFC 9207, and mix-up defence of RFC 9700 4.4).
    IssuerMismatch,
    /// The provider answered with an error.
    ProviderError,
    /// The person said no at the provider (`access_denied`).
    ProviderDenied,
    /// The provider did not answer, or not in time.
    ProviderUnreachable,
    /// The provider answered with something that is no answer.
    ProviderMalformed,
    /// The token did not hold.
    TokenInvalid,
    /// The provider did not say that the person signed in there as lately as was asked.
    NotSignedInAnew,
    /// UserInfo spoke of somebody else.
    UserinfoMismatch,
    /// The connection takes no such token in exchange.
    ExchangeOff,
    /// People do not link this provider themselves.
    LinkingNotOffered,
    /// It is not the same person, in the same session, who is signed in as when the link was begun.
    NotSignedInAsBefore,
    /// The identity that was to be linked is somebody else's.
    IdentityTaken,
    /// The account that it was to be linked to has another identity of the provider.
    LinkedAlready,
    /// The account would have to be linked first, and a token in exchange links nobody.
    LinkNeedsSignIn,
    /// A user would have to be made who waits for approval, and a token in exchange asks for none.
    ApprovalNeedsSignIn,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 37] = [
        Self::UserDeactivated,
        Self::UserHeld,
        Self::UserDeleted,
        Self::UnknownUser,
        Self::EmailMissing,
        Self::EmailUntrusted,
        Self::AccountUnconfirmed,
        Self::LinkedToAnother,
        Self::NotAllowed,
        Self::NoGroup,
        Self::RuleFailed,
        Self::GuestRefused,
        Self::HookRefused,
        Self::HookFailed,
        Self::LinkingOff,
        Self::ProofVoid,
        Self::ProviderDisabled,
        Self::ProviderNotConnected,
        Self::AttemptUnknown,
        Self::AttemptExpired,
        Self::AttemptReplayed,
        Self::AttemptForeign,
        Self::IssuerMismatch,
        Self::ProviderError,
        Self::ProviderDenied,
        Self::ProviderUnreachable,
        Self::ProviderMalformed,
        Self::TokenInvalid,
        Self::NotSignedInAnew,
        Self::UserinfoMismatch,
        Self::ExchangeOff,
        Self::LinkingNotOffered,
        Self::NotSignedInAsBefore,
        Self::IdentityTaken,
        Self::LinkedAlready,
        Self::LinkNeedsSignIn,
        Self::ApprovalNeedsSignIn,
    ];

    /// The step of the trip that refuses so first.
    pub const fn step(self) -> Step {
        match self {
            Self::AttemptUnknown
            | Self::AttemptExpired
            | Self::AttemptReplayed
            | Self::AttemptForeign => Step::Recall,
            Self::IssuerMismatch | Self::ProviderDenied => Step::Accept,
            Self::ProviderError | Self::ProviderUnreachable | Self::ProviderMalformed => {
                Step::Exchange
            }
            Self::TokenInvalid | Self::NotSignedInAnew | Self::UserinfoMismatch => Step::Read,
            Self::UserDeactivated
            | Self::UserHeld
            | Self::UserDeleted
            | Self::UnknownUser
            | Self::EmailMissing
            | Self::EmailUntrusted
            | Self::AccountUnconfirmed
            | Self::LinkedToAnother
            | Self::NotAllowed
            | Self::NoGroup
            | Self::RuleFailed
            | Self::GuestRefused
            | Self::HookRefused
            | Self::HookFailed
            | Self::LinkingOff
            | Self::ProofVoid
            | Self::ProviderDisabled
            | Self::ProviderNotConnected => Step::Settle,
            Self::LinkingNotOffered
            | Self::NotSignedInAsBefore
            | Self::IdentityTaken
            | Self::LinkedAlready => Step::Link,
            Self::ExchangeOff | Self::LinkNeedsSignIn | Self::ApprovalNeedsSignIn => {
                Step::TokenExchange
            }
        }
    }

    /// What happened, in a sentence for an operator.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UserDeactivated => "the user is deactivated",
            Self::UserHeld => "the user waits for approval",
            Self::UserDeleted => "the user was deleted",
            Self::UnknownUser => "nobody has this identity or address, and the door makes no users",
            Self::EmailMissing => "a new identity came without an address that we take",
            Self::EmailUntrusted => {
                "a new identity came with an address for which the provider's word does not count"
            }
            Self::AccountUnconfirmed => {
                "the account of this address never showed that the address is its own"
            }
            Self::LinkedToAnother => {
                "the account of this address is tied to somebody else at the same provider"
            }
            Self::NotAllowed => "the policy lets nobody with such an address or such claims pass",
            Self::NoGroup => "the policy names no group for them that there is",
            Self::RuleFailed => "a rule of the policy cannot be applied to what the provider said",
            Self::GuestRefused => "a new identity is a guest's, and the policy takes no guests",
            Self::HookRefused => "the operator's decision hook turned them away",
            Self::HookFailed => "the decision hook did not answer as it has to, or not in time",
            Self::LinkingOff => "an account has this address, and the policy links nobody by it",
            Self::ProofVoid => "what was shown is not about the account that has the address now",
            Self::ProviderDisabled => "the provider is disabled, perhaps since the trip began",
            Self::ProviderNotConnected => "the provider is not, or no more, connected to this door",
            Self::AttemptUnknown => "no such trip was begun here, or too long ago to remember",
            Self::AttemptExpired => "the trip took too long",
            Self::AttemptReplayed => "the trip was already used",
            Self::AttemptForeign => "the trip was begun in another browser",
            Self::IssuerMismatch => {
                "the answer came from another provider, or does not say from which"
            }
            Self::ProviderError => "the provider answered with an error",
            Self::ProviderDenied => "the person said no at the provider",
            Self::ProviderUnreachable => "the provider did not answer, or not in time",
            Self::ProviderMalformed => "the provider's answer is no answer",
            Self::TokenInvalid => "the ID token did not hold",
            Self::NotSignedInAnew => {
                "the ID token does not show that the person signed in as lately as was asked with \
                 max_age (auth_time)"
            }
            Self::UserinfoMismatch => "UserInfo spoke of somebody else",
            Self::ExchangeOff => {
                "the connection takes no such token in exchange: its audience is not listed, or it \
                 is about staff"
            }
            Self::LinkingNotOffered => "the policy lets nobody link this provider themselves",
            Self::NotSignedInAsBefore => "whoever began the link is not signed in as before",
            Self::IdentityTaken => "the identity that was to be linked is somebody else's",
            Self::LinkedAlready => "the account has another identity of the provider already",
            Self::LinkNeedsSignIn => {
                "the account of this address has to be linked first, by a sign-in in a browser"
            }
            Self::ApprovalNeedsSignIn => {
                "nobody has this identity, and whoever wants an account has to ask for it by a \
                 sign-in in a browser"
            }
        }
    }

    /// Stable name for pages, logs, tests and the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UserDeactivated => "user_deactivated",
            Self::UserHeld => "user_held",
            Self::UserDeleted => "user_deleted",
            Self::UnknownUser => "unknown_user",
            Self::EmailMissing => "email_missing",
            Self::EmailUntrusted => "email_untrusted",
            Self::AccountUnconfirmed => "account_unconfirmed",
            Self::LinkedToAnother => "linked_to_another",
            Self::NotAllowed => "not_allowed",
            Self::NoGroup => "no_group",
            Self::RuleFailed => "rule_failed",
            Self::GuestRefused => "guest_refused",
            Self::HookRefused => "hook_refused",
            Self::HookFailed => "hook_failed",
            Self::LinkingOff => "linking_off",
            Self::ProofVoid => "proof_void",
            Self::ProviderDisabled => "provider_disabled",
            Self::ProviderNotConnected => "provider_not_connected",
            Self::AttemptUnknown => "attempt_unknown",
            Self::AttemptExpired => "attempt_expired",
            Self::AttemptReplayed => "attempt_replayed",
            Self::AttemptForeign => "attempt_foreign",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::ProviderError => "provider_error",
            Self::ProviderDenied => "provider_denied",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::ProviderMalformed => "provider_malformed",
            Self::TokenInvalid => "token_invalid",
            Self::NotSignedInAnew => "not_signed_in_anew",
            Self::UserinfoMismatch => "userinfo_mismatch",
            Self::ExchangeOff => "exchange_off",
            Self::LinkingNotOffered => "linking_not_offered",
            Self::NotSignedInAsBefore => "not_signed_in_as_before",
            Self::IdentityTaken => "identity_taken",
            Self::LinkedAlready => "linked_already",
            Self::LinkNeedsSignIn => "link_needs_sign_in",
            Self::ApprovalNeedsSignIn => "approval_needs_sign_in",
        }
    }
}

/// A step of the trip to a provider and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The attempt is found and taken.
    Recall,
    /// The answer in the address is checked against the attempt.
    Accept,
    /// The code is exchanged, the keys and UserInfo are fetched.
    Exchange,
    /// The ID token and UserInfo are checked and read.
    Read,
    /// The policy decides.
    Settle,
    /// A trip that was begun on an account page: what was asked for there is weighed.
    Link,
    /// No trip at all: a token that a client brings (RFC 8693).
    TokenExchange,
}

impl Step {
    /// The word for it in the decision table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Accept => "accept",
            Self::Exchange => "exchange",
            Self::Read => "read",
            Self::Settle => "settle",
            Self::Link => "link",
            Self::TokenExchange => "token_exchange",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_in_pages_and_in_json() {
        for refusal in Refusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.code());
        }
    }

    #[test]
    fn no_two_refusals_have_one_code() {
        let mut codes = Refusal::ALL.map(Refusal::code).to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }

    #[test]
    fn every_refusal_says_in_words_of_its_own_what_happened() {
        let mut meanings = Refusal::ALL.map(Refusal::meaning).to_vec();
        assert!(meanings.iter().all(|meaning| meaning.contains(' ')), "{meanings:?}");
        meanings.sort_unstable();
        meanings.dedup();
        assert_eq!(meanings.len(), Refusal::ALL.len());
    }

    #[test]
    fn every_step_has_its_word_in_the_decision_table_and_in_json() {
        for (step, word) in [
            (Step::Recall, "recall"),
            (Step::Accept, "accept"),
            (Step::Exchange, "exchange"),
            (Step::Read, "read"),
            (Step::Settle, "settle"),
            (Step::Link, "link"),
            (Step::TokenExchange, "token_exchange"),
        ] {
            assert_eq!(step.as_str(), word);
            assert_eq!(serde_json::to_value(step).unwrap(), word);
        }
    }
}
