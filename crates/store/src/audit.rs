//! The audit: what was done or refused, by whom, written in the transaction that did it.

use identity::applications::ApplicationKey;
use identity::ids::{AuditId, ProviderId, UserId};
use identity::time::Moment;
use serde_json::{Map, Value as Json};

use crate::Store;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Fault, Meaning, Result};
use crate::page::{Page, Paging};
use crate::value::args;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Name of the row; sorts by time.
    pub id: AuditId,
    /// When.
    pub at: Moment,
    /// `operator`, `user:ID`, `visitor` or `system`.
    pub actor: String,
    /// What was done: `user.deactivate`, `sign_in.provider`.
    pub action: String,
    /// `done`, or the stable code of the refusal.
    pub outcome: String,
    /// Whom it was about.
    pub user: Option<UserId>,
    /// At which door.
    pub application: Option<ApplicationKey>,
    /// Through which provider.
    pub provider: Option<ProviderId>,
    /// What the person was shown.
    pub support_code: Option<String>,
    /// What the log calls the request.
    pub request_id: Option<String>,
    /// The client's network.
    pub address: Option<String>,
    /// The client's browser.
    pub user_agent: Option<String>,
    /// Everything else, as a JSON object.
    pub detail: Map<String, Json>,
}

/// What happened, as the verbs of this crate and the refusals of the server write it.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// `user.add`, `sign_in.provider`.
    pub action: &'static str,
    /// `done`, or the stable code of the refusal.
    pub outcome: &'static str,
    /// Whom it is about.
    pub user: Option<UserId>,
    /// At which door.
    pub application: Option<ApplicationKey>,
    /// Through which provider.
    pub provider: Option<ProviderId>,
    /// What the person is shown.
    pub support_code: Option<String>,
    /// Put beside the note's detail.
    pub detail: Map<String, Json>,
    /// Who arrived, as JSON; it is forgotten before the entry is.
    pub(crate) arrival: Option<String>,
}

impl Happened {
    /// Something that was done.
    pub fn done(action: &'static str) -> Self {
        Self { action, outcome: "done", ..Self::default() }
    }

    /// Something that was refused, with its stable code.
    pub fn refused(action: &'static str, code: &'static str) -> Self {
        Self { action, outcome: code, ..Self::default() }
    }

    /// About this user.
    #[must_use]
    pub fn about(mut self, user: &UserId) -> Self {
        self.user = Some(user.clone());
        self
    }

    /// At this door.
    #[must_use]
    pub fn at(mut self, application: &ApplicationKey) -> Self {
        self.application = Some(application.clone());
        self
    }

    /// Through this provider.
    #[must_use]
    pub fn through(mut self, provider: &ProviderId) -> Self {
        self.provider = Some(provider.clone());
        self
    }

    /// With the code that the person is shown.
    #[must_use]
    pub fn coded(mut self, support_code: impl Into<String>) -> Self {
        self.support_code = Some(support_code.into());
        self
    }

    /// With one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    id: String,
    at: i64,
    actor: String,
    action: String,
    outcome: String,
    user_id: Option<String>,
    application: Option<String>,
    provider_id: Option<String>,
    support_code: Option<String>,
    request_id: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    detail: String,
}

impl AuditRow {
    fn read(self) -> std::result::Result<AuditEntry, Fault> {
        Ok(AuditEntry {
            id: AuditId::from_stored(self.id),
            at: Moment::from_micros(self.at),
            actor: self.actor,
            action: self.action,
            outcome: self.outcome,
            user: self.user_id.map(UserId::from_stored),
            application: self.application.map(ApplicationKey::from_stored),
            provider: self.provider_id.map(ProviderId::from_stored),
            support_code: self.support_code,
            request_id: self.request_id,
            address: self.address,
            user_agent: self.user_agent,
            detail: serde_json::from_str(&self.detail)?,
        })
    }
}

impl Store {
    /// Writes what was refused before any other verb had a say: a foreign attempt, a token that
    /// did not hold, a wrong password. `Conflict(KeyTaken)` when the support code was given out
    /// before; draw another.
    pub async fn add_refusal(&self, refused: &Happened, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            self.note(tx, refused, by, now).await.on_unique(Conflict::KeyTaken)
        })
    }

    /// Writes what was done without any other verb: a token was given to whoever acts for somebody.
    pub async fn add_audit(&self, happened: &Happened, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| self.note(tx, happened, by, now).await)
    }

    /// The entry behind a code that somebody reads out to the support.
    pub async fn find_audit_by_support_code(&self, code: &str) -> Result<Option<AuditEntry>> {
        let row: Option<AuditRow> =
            self.db.opt("SELECT * FROM audit WHERE support_code = $1", args![code]).await?;
        Ok(row.map(AuditRow::read).transpose()?)
    }

    /// The entry of this id.
    pub async fn find_audit(&self, id: &AuditId) -> Result<Option<AuditEntry>> {
        let row: Option<AuditRow> =
            self.db.opt("SELECT * FROM audit WHERE id = $1", args![id]).await?;
        Ok(row.map(AuditRow::read).transpose()?)
    }

    /// Entries, the latest first; of one user, if named. The cursor is the last entry's id.
    pub async fn list_audit(
        &self,
        user: Option<&UserId>,
        paging: &Paging,
    ) -> Result<Page<AuditEntry>> {
        // '~' sorts behind every hexadecimal digit and the hyphen.
        let before = paging.after.as_deref().unwrap_or("~");
        let rows: Vec<AuditRow> = match user {
            None => {
                const LATEST: &str = "SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
                self.db.all(LATEST, args![before, paging.fetch()]).await?
            }
            Some(user) => {
                const OF_USER: &str = "SELECT * FROM audit WHERE user_id = $3 AND id < $1 \
                                       ORDER BY id DESC LIMIT $2";
                self.db.all(OF_USER, args![before, paging.fetch(), user]).await?
            }
        };
        let entries: std::result::Result<Vec<_>, Fault> =
            rows.into_iter().map(AuditRow::read).collect();
        Ok(Page::of(entries?, paging, |entry| entry.id.as_str().to_owned()))
    }

    /// Writes an entry in the transaction that does what it says.
    pub(crate) async fn note(
        &self,
        tx: &mut Tx,
        happened: &Happened,
        by: &By,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let mut detail = by.note.detail.clone();
        detail.extend(happened.detail.clone());
        if by.forced {
            detail.insert("forced".to_owned(), true.into());
        }
        tx.run(
            "INSERT INTO audit (id, at, actor, action, outcome, user_id, application, \
             provider_id, support_code, request_id, address, user_agent, detail, arrival) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            args![
                &AuditId::new(now, &self.entropy),
                now,
                by.actor.text(),
                happened.action,
                happened.outcome,
                happened.user.as_ref(),
                happened.application.as_ref(),
                happened.provider.as_ref(),
                &happened.support_code,
                &by.note.request_id,
                &by.note.address,
                &by.note.user_agent,
                serde_json::to_string(&detail)?,
                &happened.arrival,
            ],
        )
        .await?;
        Ok(())
    }
}
