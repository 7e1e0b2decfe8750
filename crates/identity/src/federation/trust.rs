//! How much a provider's word about an e-mail address counts (DESIGN, "Safe by default").

use serde::Serialize;
use url::Url;

use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::provider::{Authority, Provider};
use crate::users::UserType;

/// Whether the word counts, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailTrust {
    /// There is no address.
    Missing,
    /// The provider said that it is not verified; nothing outweighs that.
    DeniedByProvider,
    /// The operator trusts the provider with the domain.
    TrustedDomain,
    /// The operator's own provider said that it is verified.
    VerifiedByOperatorProvider,
    /// The provider runs the mailbox itself and said that it is verified.
    VerifiedByMailboxProvider,
    /// Nothing makes it count.
    NoGround,
}

impl EmailTrust {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Missing,
        Self::DeniedByProvider,
        Self::TrustedDomain,
        Self::VerifiedByOperatorProvider,
        Self::VerifiedByMailboxProvider,
        Self::NoGround,
    ];

    /// Whether the address may be linked by and made a user of.
    pub const fn counts(self) -> bool {
        matches!(
            self,
            Self::TrustedDomain
                | Self::VerifiedByOperatorProvider
                | Self::VerifiedByMailboxProvider
        )
    }

    /// Stable name for the audit and the decision table.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "email_missing",
            Self::DeniedByProvider => "denied_by_provider",
            Self::TrustedDomain => "trusted_domain",
            Self::VerifiedByOperatorProvider => "verified_by_operator_provider",
            Self::VerifiedByMailboxProvider => "verified_by_mailbox_provider",
            Self::NoGround => "no_ground",
        }
    }
}

/// Weighs the word. It looks at nothing that we store about users, so that what a stranger sees
/// for an untrusted address cannot depend on whether an account exists.
pub fn weigh(external: &ExternalIdentity, provider: &Provider, user_type: UserType) -> EmailTrust {
    let Some(email) = &external.email else {
        return EmailTrust::Missing;
    };
    if external.email_verified == EmailVerified::No {
        return EmailTrust::DeniedByProvider;
    }
    let verified = external.email_verified == EmailVerified::Yes;
    let in_trusted_domain = provider.trusted_domains.iter().any(|own| own == email.domain());
    match provider.authority {
        Authority::Operator | Authority::Organisation if in_trusted_domain => {
            EmailTrust::TrustedDomain
        }
        Authority::Operator if verified => EmailTrust::VerifiedByOperatorProvider,
        Authority::Public
            if verified && !user_type.is_privileged() && runs_mailbox(external, email.domain()) =>
        {
            EmailTrust::VerifiedByMailboxProvider
        }
        _ => EmailTrust::NoGround,
    }
}

/// Hosts of providers where anybody can make an account. What such a provider verified is that
/// somebody has a mailbox, and never that they work for the operator.
const OPEN_HOSTS: [&str; 19] = [
    "access.line.me",
    "accounts.google.com",
    "api.login.yahoo.com",
    "appleid.apple.com",
    "discord.com",
    "facebook.com",
    "github.com",
    "gitlab.com",
    "id.twitch.tv",
    "kauth.kakao.com",
    "limited.facebook.com",
    "linkedin.com",
    "login.live.com",
    "login.salesforce.com",
    "login.yahoo.com",
    "paypal.com",
    "slack.com",
    "www.facebook.com",
    "www.linkedin.com",
];

/// Hosts of Entra ID, where the first part of the path names the tenant.
const ENTRA_HOSTS: [&str; 2] = ["login.microsoftonline.com", "sts.windows.net"];

/// Entra's names for more than one tenant, and the tenant of personal accounts.
const ENTRA_OPEN_TENANTS: [&str; 4] =
    ["common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"];

/// Whether anybody can make an account with this issuer, as far as we know the large ones. Its
/// `email_verified` must not let strangers into a door of people who work for somebody.
pub fn is_open_to_everybody(issuer: &str) -> bool {
    let Ok(address) = Url::parse(issuer) else { return false };
    let Some(host) = address.host_str() else { return false };
    let host = host.trim_end_matches('.');
    let tenant = address.path_segments().and_then(|mut parts| parts.next()).unwrap_or_default();
    OPEN_HOSTS.contains(&host)
        || (ENTRA_HOSTS.contains(&host)
            && ENTRA_OPEN_TENANTS.iter().any(|open| tenant.eq_ignore_ascii_case(open)))
}

/// The tenant of Entra ID that an issuer names, if it names one alone.
pub(super) fn entra_tenant(issuer: &str) -> Option<String> {
    let address = Url::parse(issuer).ok()?;
    let tenant = address.path_segments()?.next().filter(|tenant| !tenant.is_empty())?;
    let is_one = ENTRA_HOSTS.contains(&address.host_str()?)
        && !ENTRA_OPEN_TENANTS.iter().any(|open| tenant.eq_ignore_ascii_case(open));
    is_one.then(|| tenant.to_owned())
}

/// The authority of a provider that nobody said anything else about.
pub fn usual_authority(issuer: &str) -> Authority {
    if is_open_to_everybody(issuer) { Authority::Public } else { Authority::Operator }
}

const GOOGLE: &str = "https://accounts.google.com";

/// Whether a public provider runs mailboxes in a way that we could tell. Google alone does.
pub(super) fn knows_mailboxes(issuer: &str) -> bool {
    issuer == GOOGLE
}

/// Google is authoritative for gmail.com, and for a company's domain when it says so in `hd`.
fn runs_mailbox(external: &ExternalIdentity, domain: &str) -> bool {
    knows_mailboxes(&external.issuer)
        && (domain == "gmail.com" || external.hosted_domain.as_deref() == Some(domain))
}

#[cfg(test)]
mod tests;
