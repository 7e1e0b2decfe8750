//! Identities that people tie to their own account, and cut from it again.

use identity::applications::{Application, ApplicationKey};
use identity::federation::attempt::Asker;
use identity::federation::decide::Arrival;
use identity::federation::link::{
    LinkDecided, LinkDecision, LinkKnown, SignedIn, UnlinkKnown, UnlinkRefusal,
};
use identity::federation::policy::{Policy, PolicyFields};
use identity::federation::refusal::Refusal;
use identity::ids::{AttemptId, IdentityId, ProviderId, UserId};
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::User;
use serde_json::Value as Json;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::federation::identities::{Identity, IdentityRow, identity_columns};
use crate::mails::NewMail;
use crate::row::json;
use crate::sessions::{EndReason, SessionRow, session_columns};
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// Everything that a trip to link is settled with.
#[derive(Clone, Debug)]
pub struct SettleLink {
    /// Who arrived, and where; its `now` is the time of everything that is written.
    pub arrival: Arrival,
    /// Who began the trip, in which session.
    pub asker: Asker,
    /// The trip.
    pub attempt: AttemptId,
    /// Digest of the session cookie of the browser that came back.
    pub session: Option<Digest>,
    /// Tells the user of the new way into their account.
    pub notice: NewMail,
    /// What they are shown, should it be refused.
    pub support_code: String,
    /// Who does it, with the request's note; the decision and its rules are added here.
    pub by: By,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettledLink {
    /// The identity is tied.
    Linked,
    /// It was tied to them before.
    Stays,
    /// It is not tied, and only the audit was written.
    Refused {
        /// Why.
        reason: Refusal,
        /// As handed in.
        support_code: String,
    },
}

/// A tie to be cut.
#[derive(Clone, Debug)]
pub struct Unlink {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub identity: IdentityId,
    /// At which door they ask for it.
    pub application: ApplicationKey,
    /// Tells them that this way into their account is gone.
    pub notice: NewMail,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// The tie is cut; so many sessions that came by it have ended.
    Done {
        /// How many.
        ended: u64,
    },
    /// It stays, and only the audit was written.
    Refused(UnlinkRefusal),
}

#[derive(sqlx::FromRow)]
struct SignedInRow {
    #[sqlx(flatten)]
    session: SessionRow,
    #[sqlx(flatten)]
    user: UserRow,
    w_local_login: bool,
    w_connected: bool,
}

impl Store {
    /// Decides with `decider` on the facts as they are in this transaction, and carries out what it
    /// says. A lost race runs it again on fresh facts. `NotFound` when the provider was removed
    /// meanwhile.
    pub async fn settle_link(
        &self,
        settle: &SettleLink,
        decider: impl Fn(&LinkKnown) -> LinkDecided + Sync,
    ) -> Result<SettledLink> {
        let now = settle.arrival.now;
        transact!(self.db, Mode::Settle, |tx| {
            // Whoever ends their sessions or deactivates them comes before, or after all of this.
            tx.lock_user(&settle.asker.user).await?;
            let known = tx.link_known(settle).await?;
            let decided = decider(&known);
            let support_code = settle.support_code.clone();
            let (happened, settled) = match decided.decision {
                LinkDecision::Refuse { reason } => (
                    Happened::refused("identity.link", reason.code()).coded(support_code.as_str()),
                    SettledLink::Refused { reason, support_code },
                ),
                LinkDecision::Stays => (Happened::done("identity.link"), SettledLink::Stays),
                LinkDecision::Link => {
                    let user = &settle.asker.user;
                    self.insert_identity(tx, &settle.arrival, user).await?;
                    tx.insert_mail(&settle.notice, now).await?;
                    tx.changed(&[(ChangeKind::User, user.as_str())], now).await?;
                    (Happened::done("identity.link"), SettledLink::Linked)
                }
            };
            let happened = explained(happened, settle, &decided)?;
            self.note(tx, &happened, &settle.by, now).await?;
            Ok(settled)
        })
    }

    /// Cuts a tie, if `decider` says so on the facts as they are in this transaction, ends the
    /// sessions that came by it, and what outlives those. `NotFound` when the user has no such tie.
    pub async fn remove_identity(
        &self,
        unlink: &Unlink,
        decider: impl Fn(&UnlinkKnown) -> std::result::Result<(), UnlinkRefusal> + Sync,
        by: &By,
        now: Moment,
    ) -> Result<Unlinked> {
        const FIND: &str = concat!(
            "SELECT ",
            identity_columns!(),
            " FROM identities i WHERE i.id = $1 AND i.user_id = $2"
        );
        transact!(self.db, Mode::Plain, |tx| {
            // Two ties that are cut at once must not both count on the other one.
            tx.lock_user(&unlink.user).await?;
            let row: Option<IdentityRow> =
                tx.opt(FIND, args![&unlink.identity, &unlink.user]).await?;
            let identity = row.ok_or(Error::NotFound)?.read();
            let user = tx.user(&unlink.user).await?;
            let known = tx.unlink_known(&unlink.application, &user, &identity).await?;
            let noted = |happened: Happened| {
                happened.about(&user.id).at(&unlink.application).through(&identity.provider)
            };
            if let Err(refusal) = decider(&known) {
                let refused = noted(Happened::refused("identity.unlink", refusal.code()));
                self.note(tx, &refused, by, now).await?;
                return Ok(Unlinked::Refused(refusal));
            }
            let ended = tx.end_identity_sessions(&user.id, &identity.id, now).await?;
            tx.run("DELETE FROM identities WHERE id = $1", args![&identity.id]).await?;
            tx.insert_mail(&unlink.notice, now).await?;
            let done = noted(Happened::done("identity.unlink")).with("ended", ended);
            self.note(tx, &done, by, now).await?;
            tx.changed(&[(ChangeKind::User, user.id.as_str())], now).await?;
            Ok(Unlinked::Done { ended })
        })
    }
}

impl Tx {
    async fn link_known(&mut self, settle: &SettleLink) -> std::result::Result<LinkKnown, Fault> {
        const SIGNED_IN: &str = concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            user_columns!(),
            ", EXISTS (SELECT 1 FROM applications a WHERE a.key = $2 AND a.local_login) \
             AS w_local_login, EXISTS (SELECT 1 FROM connections c \
             JOIN providers p ON p.id = c.provider_id AND p.state = 'enabled' \
             WHERE c.application = $2 AND c.provider_id = s.provider_id) AS w_connected \
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = $1"
        );
        const OTHER: &str = "SELECT count(*) FROM identities WHERE user_id = $1 \
                             AND provider_id = $2";
        let known = self.known(&settle.arrival).await?;
        let door = &settle.arrival.application.key;
        let row: Option<SignedInRow> = match &settle.session {
            Some(digest) => self.opt(SIGNED_IN, args![digest, door]).await?,
            None => None,
        };
        let signed_in = row.map(|row| {
            let session = row.session.read()?;
            let way_closed = session.way_closed(door, row.w_local_login, row.w_connected);
            Ok::<_, Fault>(SignedIn { session, user: row.user.read()?, way_closed })
        });
        let values = args![&settle.asker.user, &settle.arrival.external.provider];
        let (others,): (i64,) = self.one(OTHER, values).await?;
        Ok(LinkKnown {
            provider: known.provider,
            connection: known.connection,
            defaults: known.defaults,
            signed_in: signed_in.transpose()?,
            owner: known.linked.map(|linked| linked.user.id),
            has_identity_of_provider: others > 0,
        })
    }

    async fn unlink_known(
        &mut self,
        application: &ApplicationKey,
        user: &User,
        identity: &Identity,
    ) -> std::result::Result<UnlinkKnown, Fault> {
        const PASSWORD: &str = "SELECT count(*) FROM passwords WHERE user_id = $1";
        const LOCAL: &str = "SELECT count(*) FROM applications WHERE user_type = $1 \
                             AND population = $2 AND local_login";
        const OTHER: &str = "SELECT count(*) FROM identities i \
             JOIN providers p ON p.id = i.provider_id AND p.state = 'enabled' \
             JOIN connections c ON c.provider_id = p.id \
             JOIN applications a ON a.key = c.application AND a.user_type = i.user_type \
             AND a.population = i.population WHERE i.user_id = $1 AND i.id <> $2";
        let (passwords,): (i64,) = self.one(PASSWORD, args![&user.id]).await?;
        let (local,): (i64,) = self.one(LOCAL, args![user.user_type, &user.population]).await?;
        let (others,): (i64,) = self.one(OTHER, args![&user.id, &identity.id]).await?;
        let policy = self.policy_of(application, &identity.provider, user).await?;
        Ok(UnlinkKnown {
            manual_linking: policy.manual_linking.value,
            password: passwords > 0 && self.may_have_password(user).await?,
            local_login: local > 0,
            other_identity: others > 0,
        })
    }

    /// What holds at a door for people of a provider, whether it is connected any more or not.
    async fn policy_of(
        &mut self,
        application: &ApplicationKey,
        provider: &ProviderId,
        user: &User,
    ) -> std::result::Result<Policy, Fault> {
        const SQL: &str = "SELECT a.defaults, c.policy FROM applications a LEFT JOIN connections c \
             ON c.application = a.key AND c.provider_id = $2 WHERE a.key = $1";
        let (defaults, policy): (String, Option<String>) =
            self.one(SQL, args![application, provider]).await?;
        let connection: PolicyFields = policy.as_deref().map(json).transpose()?.unwrap_or_default();
        Ok(Policy::of(&connection, &json(&defaults)?, user.user_type))
    }

    /// Ends the sessions that came by an identity, and what outlives them. By whom a session came
    /// that is forgotten already, nobody knows: what outlives those ends as well. The caller holds
    /// the user and appends their change.
    async fn end_identity_sessions(
        &mut self,
        user: &UserId,
        identity: &IdentityId,
        now: Moment,
    ) -> std::result::Result<u64, Fault> {
        const SQL: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
                           WHERE user_id = $4 AND identity_id = $1 AND ended_at IS NULL";
        self.insert_logouts_of_identity(user, identity, now).await?;
        self.revoke_offline_grants_by_identity(user, identity, now).await?;
        self.run(SQL, args![identity, now, EndReason::Unlinked.as_str(), user]).await
    }
}

fn explained(
    happened: Happened,
    settle: &SettleLink,
    decided: &LinkDecided,
) -> std::result::Result<Happened, Fault> {
    let Json::Object(decided) = serde_json::to_value(decided)? else {
        return Err(Fault::Final(Error::Broken("a decision is no JSON object".to_owned())));
    };
    let Application { key, .. } = &settle.arrival.application;
    let mut happened = happened
        .about(&settle.asker.user)
        .at(key)
        .through(&settle.arrival.external.provider)
        .with("attempt", settle.attempt.as_str());
    happened.detail.extend(decided);
    Ok(happened)
}
