//! Everything that can be wrong with a provider or a connection, in sentences that say what to do.

use identity::federation::policy::ConnectionError;
use identity::seal::SealError;

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
         groups add"
    )]
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// For which door.
        application: String,
    },
    /// A connection that nobody should or could use.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// A public provider for people who work for somebody.
    #[error(
        "a public provider's word never counts for the users of {0}, so nobody could sign in \
         there for the first time; if the provider is your own, say --authority operator"
    )]
    PublicForPrivileged(String),
    /// Users cannot be made without an address.
    #[error(
        "new users are made from their e-mail address, but the scope \"email\" is not asked for; \
         add --scope email, or choose --unknown-user refuse"
    )]
    CreateNeedsEmail,
    /// Joined before.
    #[error("{application} is connected to \"{provider}\" already")]
    AlreadyConnected {
        /// Which door.
        application: String,
        /// Which provider.
        provider: String,
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
            Self::PublicForPrivileged(_) => "public_for_privileged",
            Self::CreateNeedsEmail => "create_needs_email",
            Self::AlreadyConnected { .. } => "already_connected",
            Self::Seal(_) => "seal",
            Self::Store(store::Error::Conflict(conflict)) => conflict.code(),
            Self::Store(_) => "database",
        }
    }
}
