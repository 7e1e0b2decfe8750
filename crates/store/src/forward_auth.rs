//! Protected hosts, tickets that carry a session to one of them, and the cookies that stand there.

use identity::applications::ApplicationKey;
use identity::forward_auth::{ProtectedHost, TICKET_LIFE};
use identity::ids::SessionId;
use identity::return_to::Origin;
use identity::secret::Digest;
use identity::time::Moment;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, transact};
use crate::error::{Error, Fault, Result};
use crate::value::args;

/// What a ticket is made for.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Digest of the ticket.
    pub ticket: Digest,
    /// The host and application that may redeem it.
    pub host: ProtectedHost,
    /// Digest of the cookie that the browser has at that host.
    pub browser: Digest,
    /// The session that it carries there.
    pub session: SessionId,
    /// Path on that host to go on to.
    pub return_to: String,
}

/// A cookie of another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSession {
    /// Where it holds, and nowhere else.
    pub host: ProtectedHost,
    /// Digest of the session that it stands for; find it to see whether it lives.
    pub session: Digest,
}

#[derive(sqlx::FromRow)]
struct HostRow {
    origin: String,
    application: String,
}

impl HostRow {
    fn read(self) -> std::result::Result<ProtectedHost, Fault> {
        let origin = Origin::parse(&self.origin);
        let origin = origin.map_err(|error| Error::Broken(format!("{}: {error}", self.origin)))?;
        Ok(ProtectedHost { origin, application: ApplicationKey::from_stored(self.application) })
    }
}

#[derive(sqlx::FromRow)]
struct HostSessionRow {
    #[sqlx(flatten)]
    host: HostRow,
    digest: String,
}

impl Store {
    /// Registers a host. `NotFound` without such an application, `Conflict(AlreadyThere)` when the
    /// host is registered already, for whatever application.
    pub async fn add_protected_host(
        &self,
        host: &ProtectedHost,
        by: &By,
        now: Moment,
    ) -> Result<()> {
        const SQL: &str = "INSERT INTO protected_hosts (authority, origin, application, added_at) \
                           VALUES ($1, $2, $3, $4)";
        self.get_application(&host.application).await?;
        let key = &host.application;
        transact!(self.db, Mode::Plain, |tx| {
            tx.run(SQL, args![host.authority(), host.origin.as_str(), key, now]).await?;
            let happened = Happened::done("host.add").at(key).with("origin", host.origin.as_str());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Application, key.as_str())], now).await
        })
    }

    /// Every host, by name.
    pub async fn list_protected_hosts(&self) -> Result<Vec<ProtectedHost>> {
        const SQL: &str = "SELECT origin, application FROM protected_hosts ORDER BY authority";
        let rows: Vec<HostRow> = self.db.all(SQL, args![]).await?;
        Ok(rows.into_iter().map(HostRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// Removes a host and whoever is signed in there. `NotFound` when it is not registered.
    pub async fn remove_protected_host(
        &self,
        origin: &Origin,
        by: &By,
        now: Moment,
    ) -> Result<ProtectedHost> {
        const REMOVE: &str =
            "DELETE FROM protected_hosts WHERE origin = $1 RETURNING origin, application";
        let origin = origin.as_str();
        transact!(self.db, Mode::Plain, |tx| {
            let host = tx.one::<HostRow>(REMOVE, args![origin]).await?.read()?;
            tx.run("DELETE FROM host_tickets WHERE origin = $1", args![origin]).await?;
            tx.run("DELETE FROM host_sessions WHERE origin = $1", args![origin]).await?;
            let happened = Happened::done("host.remove").at(&host.application);
            self.note(tx, &happened.with("origin", origin), by, now).await?;
            tx.changed(&[(ChangeKind::Application, host.application.as_str())], now).await?;
            Ok(host)
        })
    }

    /// Keeps a ticket for its minute.
    pub async fn add_host_ticket(&self, new: &NewTicket, now: Moment) -> Result<()> {
        const SQL: &str = "INSERT INTO host_tickets (digest, origin, application, browser_digest, \
                           session_id, return_to, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        transact!(self.db, Mode::Plain, |tx| {
            let values = args![
                &new.ticket,
                new.host.origin.as_str(),
                &new.host.application,
                &new.browser,
                &new.session,
                &new.return_to,
                now.plus(TICKET_LIFE),
            ];
            tx.run(SQL, values).await.map(|_| ())
        })
    }

    /// Redeems a ticket, once: from now on `token` stands for its session at `host`. Answers where
    /// to go on to; nothing when there is no such ticket for this host, application and browser,
    /// or its session has ended.
    pub async fn take_host_ticket(
        &self,
        ticket: &Digest,
        host: &ProtectedHost,
        browser: &Digest,
        token: &Digest,
        now: Moment,
    ) -> Result<Option<String>> {
        const TAKE: &str = "UPDATE host_tickets SET taken_at = $5 WHERE digest = $1 \
                            AND origin = $2 AND application = $3 AND browser_digest = $4 \
                            AND taken_at IS NULL AND expires_at > $5 \
                            RETURNING session_id, return_to";
        const ALIVE: &str =
            "SELECT id FROM sessions WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
        const BEGIN: &str = "INSERT INTO host_sessions (digest, origin, application, session_id, \
                             begun_at) VALUES ($1, $2, $3, $4, $5)";
        let (origin, key) = (host.origin.as_str(), &host.application);
        transact!(self.db, Mode::Plain, |tx| {
            let taken: Option<(String, String)> =
                tx.opt(TAKE, args![ticket, origin, key, browser, now]).await?;
            let Some((session, return_to)) = taken else { return Ok(None) };
            let alive: Option<(String,)> = tx.opt(ALIVE, args![&session, now]).await?;
            if alive.is_none() {
                return Ok(None);
            }
            tx.run(BEGIN, args![token, origin, key, &session, now]).await?;
            Ok(Some(return_to))
        })
    }

    /// What a cookie of another host stands for.
    pub async fn find_host_session(&self, token: &Digest) -> Result<Option<HostSession>> {
        const SQL: &str = "SELECT h.origin, h.application, s.digest FROM host_sessions h \
                           JOIN sessions s ON s.id = h.session_id WHERE h.digest = $1";
        let row: Option<HostSessionRow> = self.db.opt(SQL, args![token]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(HostSession { host: row.host.read()?, session: Digest::from_stored(row.digest) }))
    }
}
