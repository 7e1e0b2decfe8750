//! Everything that can be wrong with a provider or a connection, in sentences that say what to do.

use identity::federation::policy::ConnectionError;
use identity::seal::SealError;
use identity::users::UserType;

use super::MAX_NAME;
use crate::federation::upstream::DiscoverError;

/// Why a provider or a connection is not saved. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// A name that no button can show.
    #[error(
        "give the provider a name of 1 to {MAX_NAME} characters, as people shall read it on the button (--name)"
    )]
    Name,
    /// A key that no address can have.
    #[error(
        "\"{0}\" cannot be a key: it has 2 to 32 lower-case letters, digits and hyphens and \
         begins with a letter; choose one with --key"
    )]
    Key(String),
    /// Another provider has it.
    #[error("the key \"{0}\" is taken by another provider; choose another with --key")]
    KeyTaken(String),
    /// Nobody.
    #[error("give the client id that the provider shows for this application (--client-id)")]
    ClientId,
    /// Nothing.
    #[error("the client secret is empty; put what the provider shows into the file")]
    EmptySecret,
    /// No scope.
    #[error("\"{0}\" is no scope: a scope is one word without blanks and quotes (--scope)")]
    Scope(String),
    /// No domain.
    #[error("\"{0}\" is no domain; give it like example.com (--trusted-domain)")]
    Domain(String),
    /// No host.
    #[error("\"{0}\" is neither a host nor host:port (--allow-private)")]
    AllowPrivate(String),
    /// The discovery document, or what it names.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// No such door.
    #[error("there is no application \"{asked}\"; the applications are {there}")]
    UnknownApplication {
        /// What was asked for.
        asked: String,
        /// What there is, comma separated.
        there: String,
    },
    /// No such provider.
    #[error("there is no provider \"{0}\"; see: vestibule providers list")]
    UnknownProvider(String),
    /// No such group for this door's users.
    #[error(
        "there is no group \"{name}\" for the users of {application}; add it with: vestibule \
         groups add \"{name}\" --type {user_type}"
    )]
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// For which door.
        application: String,
        /// Whom the door is for.
        user_type: UserType,
    },
    /// A connection that nobody should or could use.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// Joined before.
    #[error(
        "{application} is connected to {provider} already; change how with: vestibule providers \
         change-connection {provider} --application {application}"
    )]
    AlreadyConnected {
        /// Which door.
        application: String,
        /// Key of the provider.
        provider: String,
    },
    /// Not joined.
    #[error(
        "{application} is not connected to {provider}; connect it with: vestibule providers \
         connect {provider} --application {application}"
    )]
    NotConnected {
        /// Which door.
        application: String,
        /// Key of the provider.
        provider: String,
    },
    /// The provider's document says something that weakens us or leads elsewhere.
    #[error(
        "the discovery document says something that nobody has confirmed: {what}; nothing was \
         changed. Ask whoever runs the provider whether that is right, then: vestibule providers \
         refresh {key} --confirm"
    )]
    NotConfirmed {
        /// Key of the provider.
        key: String,
        /// What it says, in sentences.
        what: String,
    },
    /// The secret cannot be sealed.
    #[error("cannot encrypt the client secret: {0}")]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl SaveError {
    /// Stable name for JSON and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Key(_) => "key_shape",
            Self::KeyTaken(_) => "key_taken",
            Self::ClientId => "client_id",
            Self::EmptySecret => "empty_secret",
            Self::Scope(_) => "scope",
            Self::Domain(_) => "domain",
            Self::AllowPrivate(_) => "allow_private",
            Self::Discover(error) => error.code(),
            Self::UnknownApplication { .. } => "unknown_application",
            Self::UnknownProvider(_) => "unknown_provider",
            Self::UnknownGroup { .. } => "unknown_group",
            Self::Connection(error) => error.code(),
            Self::AlreadyConnected { .. } => "already_connected",
            Self::NotConnected { .. } => "not_connected",
            Self::NotConfirmed { .. } => "not_confirmed",
            Self::Seal(_) => "seal",
            Self::Store(store::Error::Conflict(conflict)) => conflict.code(),
            Self::Store(_) => "database",
        }
    }
}
