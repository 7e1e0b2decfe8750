//! Why a sign-in through a provider was refused: one stable code each.

use serde::Serialize;

/// Every way in which a trip to a provider ends without a session.
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
    /// UserInfo spoke of somebody else.
    UserinfoMismatch,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 21] = [
        Self::UserDeactivated,
        Self::UserHeld,
        Self::UserDeleted,
        Self::UnknownUser,
        Self::EmailMissing,
        Self::EmailUntrusted,
        Self::AccountUnconfirmed,
        Self::LinkedToAnother,
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
        Self::UserinfoMismatch,
    ];

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
            Self::UserinfoMismatch => "userinfo_mismatch",
        }
    }
}
