//! What is remembered: the only crate that speaks SQL. Its face is verbs on [`Store`].
//!
//! Verbs have fixed meanings: `find_x` gives an `Option`, `get_x` gives it or `NotFound`, `list_x`
//! a page, `add_x`, `change_x` and `remove_x` write, `take_x` succeeds once only, `settle` decides
//! and carries out in one transaction. No SQL, row or transaction leaves this crate, so no caller
//! can hold a transaction over the network. Time is an argument of every verb that needs one.

mod applications;
mod audit;
mod backup;
mod break_glass;
mod by;
mod changes;
mod counter;
mod db;
mod error;
mod federation;
mod forward_auth;
mod groups;
mod keys;
mod mails;
mod oauth;
mod page;
mod passwords;
mod resets;
mod row;
mod sessions;
mod setup;
mod signing_keys;
mod throttles;
mod upkeep;
mod users;
mod value;
mod ways_in;

use std::fmt;
use std::sync::Arc;

use identity::entropy::Entropy;
use identity::time::Moment;

pub use applications::ApplicationChange;
pub use audit::{AuditEntry, Happened};
pub use backup::{BackedUp, BackupError, RestoreError};
pub use break_glass::{GlassOutcome, Opening, Seal, SealOutcome};
pub use by::{Actor, AuditNote, By};
pub use changes::{Change, ChangeKind, Changes};
pub use counter::Figures;
pub use db::examine::{Examined, Schema};
pub use error::{Conflict, Error, Result};
pub use federation::arrivals::RecordedArrival;
pub use federation::attempts::Recalled;
pub use federation::connections::{ConnectionChange, NewConnection};
pub use federation::identities::{Identity, LinkedIdentity};
pub use federation::link::{SettleLink, SettledLink, Unlink, Unlinked};
pub use federation::proofs::{
    CodeOutcome, HeldProof, MailboxProof, NewCode, NewProof, PasswordProof, ProviderProof,
    SettleProof,
};
pub use federation::providers::ProviderChange;
pub use federation::settle::{Settle, Settled};
pub use forward_auth::{HostSession, NewTicket};
pub use groups::MemberOutcome;
pub use mails::{LeasedMail, MailQueue, NewMail, Sealer};
pub use oauth::back_channel_logout::{LeasedLogout, LogoutOutcome};
pub use oauth::clients::{ClientOutcome, ClientWithSecrets};
pub use oauth::codes::{CodeSession, TakenCode};
pub use oauth::grants::{FoundGrant, Refreshed, RevokeReason};
pub use oauth::requests::WaitingRequest;
pub use page::{Page, Paging};
pub use passwords::{
    ChangedPassword, PasswordChange, PasswordLogin, PasswordOutcome, PasswordSignIn,
    VerifiedPassword,
};
pub use resets::{NewReset, Reset, ResetRefusal, TakeReset};
pub use sessions::{EndReason, FoundSession, ListedSession, NewSession};
pub use setup::{Setup, SetupUser};
pub use signing_keys::StoredSigningKey;
pub use upkeep::Pruned;
pub use users::{NewUser, ProfileChange, StatusOutcome, StatusWish, UserFilter};

/// The database, as verbs. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    db: db::Db,
    entropy: Arc<dyn Entropy>,
}

impl Store {
    /// Opens `url` (`sqlite:PATH`, `sqlite::memory:` or `postgres://…`), migrates it, and adds
    /// what every house has: the four applications and the administrators' group.
    ///
    /// `connections` is the most that are open at once: on PostgreSQL in all, on SQLite for
    /// reading, beside the one that writes. Several processes may open one database at once.
    /// Fails with `Busy` when the database cannot be reached, `Broken` when it is not ours.
    pub async fn open(
        url: &str,
        connections: u32,
        entropy: Arc<dyn Entropy>,
        now: Moment,
    ) -> Result<Self> {
        let store = Self { db: db::Db::open(url, connections).await?, entropy };
        store.add_built_in(now).await?;
        Ok(store)
    }

    /// Looks at the database that `url` names, without opening it as a house: nothing is made or
    /// written. None when it is a file that is not there. Fails as [`Self::open`] does.
    pub async fn examine(url: &str) -> Result<Option<Examined>> {
        db::examine::examine(url).await
    }

    /// `sqlite` or `postgres`, for logs and people.
    pub fn engine(&self) -> &'static str {
        self.db.engine()
    }

    /// What has been asked of the database since it was opened.
    pub fn counted(&self) -> Figures {
        self.db.counter().figures()
    }

    /// Closes every connection and waits for it. Verbs fail with `Busy` afterwards.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
