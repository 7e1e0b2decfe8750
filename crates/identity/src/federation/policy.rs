//! The policy of a connection: what becomes of people who come through a provider.

mod fields;
mod local_password;
mod rules;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::applications::{Application, ApplicationKey};
use crate::federation::button::{ButtonError, check_label};
use crate::federation::claims::is_language_tag;
use crate::federation::guests::Guests;
use crate::federation::hook::{DecisionHook, HookError};
use crate::federation::provider::{Authority, Provider};
use crate::federation::trust;
use crate::groups::Group;
use crate::ids::{ConnectionId, ProviderId};
use crate::users::UserType;

pub use fields::{
    Link, LocalPassword, Policy, PolicyChange, PolicyField, PolicyFields, Setting, Source,
    UnknownUser,
};
pub use local_password::{DoorPolicy, may_have_password};
pub use rules::{
    KindError, Mapping, NoGroupMatch, Parameters, ParametersError, SyncMode, SyncModes,
};

/// Longest exchange audience, in characters.
const MAX_AUDIENCE: usize = 255;

/// Most exchange audiences of a connection.
const MAX_AUDIENCES: usize = 20;

/// An application and a provider joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Name of the row.
    pub id: ConnectionId,
    /// Which door.
    pub application: ApplicationKey,
    /// Which provider.
    pub provider: ProviderId,
    /// What was set for it; [`Policy::of`] says what holds.
    pub policy: PolicyFields,
    /// Place among the buttons; lower first.
    pub position: i64,
    /// Clients of the provider whose tokens the application's own clients may bring in exchange
    /// for ours (RFC 8693), as `aud` says them. None of them: no token is taken.
    pub exchange_audiences: Vec<String>,
    /// Whether that holds for staff, too.
    pub exchange_staff: bool,
}

/// Why a connection cannot be saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody could ever come in by it for the first time.
    #[error(
        "through this connection nobody could ever sign in for the first time: no e-mail address \
         from \"{provider}\" would count, so it could neither be linked to a user nor make one; \
         {advice}"
    )]
    NothingCounts {
        /// Name of the provider.
        provider: String,
        /// What would help.
        advice: &'static str,
    },
    /// A public provider for people who work for somebody.
    #[error(
        "a public provider's word never counts for the users of {application}, so nobody could \
         sign in there for the first time; if the provider is your own, say --authority operator"
    )]
    PublicForPrivileged {
        /// Key of the application.
        application: String,
    },
    /// Everybody's provider for people who work for somebody.
    #[error(
        "anybody can make an account at \"{issuer}\", so at {application} its word counts only for \
         e-mail addresses of your own: say --authority organisation and name your domains \
         (--trusted-domain example.com)"
    )]
    OpenToEverybody {
        /// Issuer of the provider.
        issuer: String,
        /// Key of the application.
        application: String,
    },
    /// Who is not known stays unknown.
    #[error(
        "through this connection nobody could ever sign in for the first time: it neither links \
         accounts nor makes users; choose --link trusted_email, --unknown-user create or hold, or \
         --manual-linking on"
    )]
    NobodyNew,
    /// Any address is good enough for some people only.
    #[error(
        "\"any_email\" lets whoever runs the provider into every account whose address they name; \
         it is there for the customers of a provider of your own alone, and {application} or \
         \"{provider}\" is something else: choose --link trusted_email and name the domains that \
         the provider is trusted with (--trusted-domain example.com)"
    )]
    AnyEmail {
        /// Key of the application.
        application: String,
        /// Name of the provider.
        provider: String,
    },
    /// There is nothing that could be taken the first time alone.
    #[error(
        "the address of a user cannot be imported: everybody has one from the first day on; choose \
         email=force, and it follows the provider at every sign-in, or email=off"
    )]
    EmailImport,
    /// No tag of a language.
    #[error("\"{0}\" is no language; give a tag as browsers do, such as en, de or pt-BR")]
    Locale(String),
    /// Users cannot be made without an address.
    #[error(
        "new users are made from their e-mail address, but the scope \"email\" is not asked for; \
         add --scope email, or choose --unknown-user refuse and --guests refuse"
    )]
    CreateNeedsEmail,
    /// Guests are made users of by the word of somebody who has none about them.
    #[error(
        "guests of \"{provider}\" cannot be let in at once: an organisation's word about addresses \
         outside its own domains never counts; choose --guests hold, and approve them one by one"
    )]
    GuestsOfOrganisation {
        /// Name of the provider.
        provider: String,
    },
    /// Addresses are to be looked at that nobody asks for.
    #[error(
        "only people with an e-mail address in certain domains may pass, but the scope \"email\" is \
         not asked for; add --scope email, or let every domain pass (--any-domain)"
    )]
    DomainsNeedEmail,
    /// Newcomers would be administrators.
    #[error(
        "new users cannot be put into \"administrators\"; choose another default group and make \
         administrators by name"
    )]
    AdministratorsByDefault,
    /// A button that cannot be made.
    #[error(transparent)]
    Button(#[from] ButtonError),
    /// A decision hook that is not asked.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A rule that can never give what its place needs.
    #[error(transparent)]
    Rule(#[from] KindError),
    /// No client of a provider.
    #[error(
        "an exchange audience is a client id at the provider, of 1 to {MAX_AUDIENCE} characters \
         without control characters, and there are at most {MAX_AUDIENCES}; give each once, as \
         \"aud\" of their ID tokens says it"
    )]
    ExchangeAudience,
    /// Its members would be of another type than it is for.
    #[error(
        "the group \"{group}\" is for {of}s, but this application is for {wanted}s; choose a group \
         of the right user type"
    )]
    GroupOfAnotherType {
        /// Name of the group.
        group: String,
        /// Whom it is for.
        of: UserType,
        /// Whom the application is for.
        wanted: UserType,
    },
}

impl ConnectionError {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingCounts { .. } => "nothing_counts",
            Self::PublicForPrivileged { .. } => "public_for_privileged",
            Self::OpenToEverybody { .. } => "open_to_everybody",
            Self::NobodyNew => "nobody_new",
            Self::AnyEmail { .. } => "any_email",
            Self::EmailImport => "email_import",
            Self::Locale(_) => "locale",
            Self::CreateNeedsEmail => "create_needs_email",
            Self::GuestsOfOrganisation { .. } => "guests_of_organisation",
            Self::DomainsNeedEmail => "domains_need_email",
            Self::AdministratorsByDefault => "administrators_by_default",
            Self::Button(_) => "button",
            Self::Hook(_) => "decision_hook",
            Self::Rule(_) => "rule",
            Self::ExchangeAudience => "exchange_audience",
            Self::GroupOfAnotherType { .. } => "group_of_another_type",
        }
    }
}

/// Checks a connection before it is saved, and again before its provider or what holds for its
/// application changes: that somebody could ever come in by it, and that its newcomers get no
/// more than they should. `default_groups` are those that the policy names.
pub fn check_connection(
    provider: &Provider,
    application: &Application,
    policy: &Policy,
    default_groups: &[Group],
) -> Result<(), ConnectionError> {
    check_word(provider, application, policy)?;
    check_newcomers(provider, policy)?;
    rules::check_kinds(policy)?;
    policy.decision_hook.value.as_ref().map_or(Ok(()), DecisionHook::check)?;
    policy.button_label.value.as_deref().map_or(Ok(()), check_label)?;
    check_default_groups(application.user_type, default_groups)
}

/// What helps where the operator may take a provider's word.
const TRUST: &str = "name the domains that the provider is trusted with \
                     (--trusted-domain example.com)";

/// What helps where nobody may.
const SHOW: &str = "have people show that the address or the account is theirs \
                    (--link prove_mailbox or --link ask_proof)";

/// What helps before that.
const ASK: &str = "ask the provider for e-mail addresses (--scope email)";

/// That an address from this provider could ever count here, and none counts that should not.
fn check_word(
    provider: &Provider,
    application: &Application,
    policy: &Policy,
) -> Result<(), ConnectionError> {
    let wanted = application.user_type;
    let key = || application.key.to_string();
    if wanted.is_privileged()
        && provider.authority != Authority::Organisation
        && trust::is_open_to_everybody(&provider.issuer)
    {
        let issuer = provider.issuer.clone();
        return Err(ConnectionError::OpenToEverybody { issuer, application: key() });
    }
    let link = policy.link.value;
    if link == Link::AnyEmail && link.held_to(wanted, provider.authority) != link {
        let provider = provider.name.clone();
        return Err(ConnectionError::AnyEmail { application: key(), provider });
    }
    if could_ever_count(provider, wanted) || could_ever_be_proved(provider, link, wanted) {
        return Ok(());
    }
    Err(match provider.authority {
        Authority::Public if wanted.is_privileged() => {
            ConnectionError::PublicForPrivileged { application: key() }
        }
        _ if is_for_linking_alone(policy) => return Ok(()),
        authority => {
            let advice = match authority {
                Authority::Operator | Authority::Organisation => TRUST,
                Authority::Public if says_email(provider) => SHOW,
                Authority::Public => ASK,
            };
            ConnectionError::NothingCounts { provider: provider.name.clone(), advice }
        }
    })
}

/// Whether people come in by it who have linked it on their account page, and nobody else: then no
/// word about an address has to count.
fn is_for_linking_alone(policy: &Policy) -> bool {
    let makes_users = policy.unknown_user.value.makes_users() || policy.guests.value.makes_users();
    policy.manual_linking.value && policy.link.value == Link::Never && !makes_users
}

fn check_newcomers(provider: &Provider, policy: &Policy) -> Result<(), ConnectionError> {
    let makes_users = policy.unknown_user.value.makes_users();
    if !makes_users && policy.link.value == Link::Never && !is_for_linking_alone(policy) {
        return Err(ConnectionError::NobodyNew);
    }
    let guests = policy.guests.value;
    if guests == Guests::Create && provider.authority == Authority::Organisation {
        return Err(ConnectionError::GuestsOfOrganisation { provider: provider.name.clone() });
    }
    if (makes_users || guests.makes_users()) && !says_email(provider) {
        return Err(ConnectionError::CreateNeedsEmail);
    }
    if !policy.allowed_domains.value.is_empty() && !says_email(provider) {
        return Err(ConnectionError::DomainsNeedEmail);
    }
    if policy.sync.value.email == SyncMode::Import {
        return Err(ConnectionError::EmailImport);
    }
    match &policy.default_locale.value {
        Some(tag) if !is_language_tag(tag) => Err(ConnectionError::Locale(tag.clone())),
        _ => Ok(()),
    }
}

/// What new users may be put into: groups for such users, and never the administrators.
pub fn check_default_groups(wanted: UserType, groups: &[Group]) -> Result<(), ConnectionError> {
    if groups.iter().any(Group::is_administrators) {
        return Err(ConnectionError::AdministratorsByDefault);
    }
    match groups.iter().find(|group| group.user_type != wanted) {
        None => Ok(()),
        Some(group) => Err(ConnectionError::GroupOfAnotherType {
            group: group.name.clone(),
            of: group.user_type,
            wanted,
        }),
    }
}

/// Checks whose tokens may be brought in exchange, before it is saved.
pub fn check_exchange_audiences(audiences: &[String]) -> Result<(), ConnectionError> {
    let is_good = |audience: &String| {
        let length = audience.chars().count();
        (1..=MAX_AUDIENCE).contains(&length) && !audience.chars().any(char::is_control)
    };
    let unique: BTreeSet<&String> = audiences.iter().collect();
    let fits = audiences.len() <= MAX_AUDIENCES && unique.len() == audiences.len();
    if fits && audiences.iter().all(is_good) {
        Ok(())
    } else {
        Err(ConnectionError::ExchangeAudience)
    }
}

/// Whether any address from this provider could ever count, for a user type.
///
/// An operator's provider may say `email_verified`; whether it does is only seen at a sign-in, so
/// its scopes decide: without `email` it says nothing.
fn could_ever_count(provider: &Provider, user_type: UserType) -> bool {
    let says_email = says_email(provider);
    match provider.authority {
        Authority::Operator => says_email || !provider.trusted_domains.is_empty(),
        Authority::Organisation => !provider.trusted_domains.is_empty(),
        Authority::Public => {
            !user_type.is_privileged() && says_email && trust::knows_mailboxes(&provider.issuer)
        }
    }
}

/// Whether anybody could show that an account of theirs has the address, where it does not count.
/// Whoever comes with an address outside an organisation's own domains is a guest, and is not asked.
fn could_ever_be_proved(provider: &Provider, link: Link, user_type: UserType) -> bool {
    link.held_to(user_type, provider.authority).asks(user_type).is_some()
        && provider.authority != Authority::Organisation
        && says_email(provider)
}

fn says_email(provider: &Provider) -> bool {
    provider.scopes.iter().any(|scope| scope == "email")
}

#[cfg(test)]
mod tests;
