//! Applications: the doors, and the four that every house has.

use std::time::Duration;

use identity::applications::{Application, ApplicationKey};
use identity::federation::policy::PolicyChange;
use identity::ids::{GroupId, ProviderId};
use identity::return_to::Origin;
use identity::sessions::SessionTimes;
use identity::time::Moment;
use identity::users::Population;
use serde_json::Value as Json;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::row::{json, micros, span, to_json, word};
use crate::value::args;

/// What to change; what is none stays. Key, user type and population never change: sessions and
/// identities are bound to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationChange {
    /// What people read.
    pub name: Option<String>,
    /// Where a sign-in may return to.
    pub return_origins: Option<Vec<Origin>>,
    /// Whether a password of ours opens this door.
    pub local_login: Option<bool>,
    /// The provider that people are sent to; `Some(None)` shows the page. One that is not connected
    /// to the door is refused with `Conflict(NotConnected)`.
    pub auto_redirect: Option<Option<ProviderId>>,
    /// How long a session lasts; sessions that began before keep their own, or the shorter.
    pub session: Option<SessionTimes>,
    /// What a session from another door must bring; `Some(None)` admits any.
    pub fresh_within: Option<Option<Duration>>,
    /// For how long people count as authenticated.
    pub authenticated_for: Option<Duration>,
    /// What holds for its connections; the administrators' group among the default groups is
    /// refused with `Conflict(BuiltIn)`.
    pub defaults: PolicyChange,
}

impl ApplicationChange {
    /// The door as it will be: for checks before the change is saved.
    pub fn apply(&self, old: Application) -> Application {
        Application {
            name: self.name.clone().unwrap_or(old.name),
            return_origins: self.return_origins.clone().unwrap_or(old.return_origins),
            local_login: self.local_login.unwrap_or(old.local_login),
            auto_redirect: self.auto_redirect.clone().unwrap_or(old.auto_redirect),
            session: self.session.unwrap_or(old.session),
            fresh_within: self.fresh_within.unwrap_or(old.fresh_within),
            authenticated_for: self.authenticated_for.unwrap_or(old.authenticated_for),
            defaults: self.defaults.apply(old.defaults),
            ..old
        }
    }

    /// What the audit says of it: every new value, times in seconds.
    fn note(
        &self,
        mut happened: Happened,
        door: &Application,
    ) -> std::result::Result<Happened, Fault> {
        let mut tell = |name: &str, value: Option<Json>| {
            happened.detail.extend(value.map(|value| (name.to_owned(), value)));
        };
        let origins = |all: &Vec<Origin>| all.iter().map(Origin::as_str).collect::<Vec<_>>().into();
        tell("name", self.name.clone().map(Json::from));
        tell("return_origins", self.return_origins.as_ref().map(origins));
        tell("local_login", self.local_login.map(Json::from));
        let straight_to = |one: &Option<ProviderId>| one.as_ref().map(ProviderId::as_str).into();
        tell("auto_redirect", self.auto_redirect.as_ref().map(straight_to));
        tell("idle", self.session.map(|times| times.idle.as_secs().into()));
        tell("absolute", self.session.map(|times| times.absolute.as_secs().into()));
        let fresh = |within: Option<Duration>| within.map(|span| span.as_secs()).into();
        tell("fresh_within", self.fresh_within.map(fresh));
        tell("authenticated_for", self.authenticated_for.map(|span| span.as_secs().into()));
        let defaults = (!self.defaults.is_empty()).then_some(&door.defaults);
        tell("defaults", defaults.map(serde_json::to_value).transpose()?);
        Ok(happened)
    }
}

#[derive(sqlx::FromRow)]
struct ApplicationRow {
    key: String,
    name: String,
    user_type: String,
    population: String,
    return_origins: String,
    local_login: bool,
    auto_redirect: Option<String>,
    session_idle: i64,
    session_absolute: i64,
    fresh_within: Option<i64>,
    authenticated_for: i64,
    defaults: String,
}

impl ApplicationRow {
    fn read(self) -> std::result::Result<Application, Fault> {
        Ok(Application {
            key: ApplicationKey::from_stored(self.key),
            name: self.name,
            user_type: word(&self.user_type)?,
            population: Population::from_stored(self.population),
            return_origins: json(&self.return_origins)?,
            local_login: self.local_login,
            auto_redirect: self.auto_redirect.map(ProviderId::from_stored),
            session: SessionTimes {
                idle: span(self.session_idle),
                absolute: span(self.session_absolute),
            },
            fresh_within: self.fresh_within.map(span),
            authenticated_for: span(self.authenticated_for),
            defaults: json(&self.defaults)?,
        })
    }
}

const BY_KEY: &str = "SELECT * FROM applications WHERE key = $1";

impl Store {
    /// Every door, by key.
    pub async fn list_applications(&self) -> Result<Vec<Application>> {
        const SQL: &str = "SELECT * FROM applications ORDER BY key";
        let rows: Vec<ApplicationRow> = self.db.all(SQL, args![]).await?;
        Ok(rows.into_iter().map(ApplicationRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// The door with this key.
    pub async fn find_application(&self, key: &ApplicationKey) -> Result<Option<Application>> {
        let row: Option<ApplicationRow> = self.db.opt(BY_KEY, args![key]).await?;
        Ok(row.map(ApplicationRow::read).transpose()?)
    }

    /// The door with this key, or `NotFound`.
    pub async fn get_application(&self, key: &ApplicationKey) -> Result<Application> {
        self.find_application(key).await?.ok_or(Error::NotFound)
    }

    /// Changes a door. Where it takes no passwords from now on, what its clients got from people
    /// who came by one is revoked, and they are told; `Conflict(LockOut)` where no administrator
    /// would be known to get in any more, or
    /// `Conflict(KeptOut)` where policies would see to that, unless it is forced.
    pub async fn change_application(
        &self,
        key: &ApplicationKey,
        change: &ApplicationChange,
        by: &By,
        now: Moment,
    ) -> Result<Application> {
        transact!(self.db, Mode::Plain, |tx| {
            // Every column is written below: two changes at once must not undo each other.
            let ways = tx.ways_in(by, now).await?;
            let policies = Box::pin(tx.policies_before(key, by)).await?;
            tx.run("UPDATE applications SET name = name WHERE key = $1", args![key]).await?;
            let before = tx.application(key).await?;
            let closes = before.local_login && change.local_login == Some(false);
            let door = change.apply(before);
            let groups = change.defaults.set.default_groups.as_deref().unwrap_or_default();
            tx.check_default_groups(key, groups).await?;
            if let Some(Some(provider)) = &change.auto_redirect {
                tx.check_connected(key, provider).await?;
            }
            tx.update_application(&door).await?;
            // Of the two the one that says which rule keeps them out comes first.
            Box::pin(tx.keep_administrators_in(policies, now)).await?;
            tx.keep_ways_in(ways, now).await?;
            if closes {
                tx.insert_logouts_by_password(key, now).await?;
                tx.revoke_grants_by_password(key, now).await?;
            }
            let happened = change.note(Happened::done("application.change").at(key), &door)?;
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Application, key.as_str())], now).await?;
            Ok(door)
        })
    }

    /// Adds what every house has, unless it is there.
    pub(crate) async fn add_built_in(&self, now: Moment) -> Result<()> {
        const THERE: &str = "SELECT (SELECT count(*) FROM applications), \
                             (SELECT count(*) FROM groups WHERE built_in)";
        let (doors, groups): (i64, i64) = self.db.one(THERE, args![]).await?;
        // A start on a house that is there writes nothing.
        if doors >= 4 && groups >= 1 {
            return Ok(());
        }
        transact!(self.db, Mode::Plain, |tx| {
            for door in Application::built_in() {
                tx.insert_application(&door).await?;
            }
            tx.add_administrators(GroupId::new(now, &self.entropy), now).await
        })
    }
}

impl Tx {
    /// The door with this key, as this transaction sees it.
    pub(crate) async fn application(
        &mut self,
        key: &ApplicationKey,
    ) -> std::result::Result<Application, Fault> {
        self.one::<ApplicationRow>(BY_KEY, args![key]).await?.read()
    }

    async fn insert_application(&mut self, door: &Application) -> std::result::Result<(), Fault> {
        self.run(
            "INSERT INTO applications (key, name, user_type, population, return_origins, \
             local_login, session_idle, session_absolute, fresh_within, defaults, \
             auto_redirect, authenticated_for) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (key) DO NOTHING",
            args![
                &door.key,
                &door.name,
                door.user_type,
                &door.population,
                to_json(&door.return_origins)?,
                door.local_login,
                micros(door.session.idle),
                micros(door.session.absolute),
                door.fresh_within.map(micros),
                to_json(&door.defaults)?,
                door.auto_redirect.as_ref(),
                micros(door.authenticated_for),
            ],
        )
        .await
        .map(|_| ())
    }

    async fn update_application(&mut self, door: &Application) -> std::result::Result<(), Fault> {
        self.run(
            "UPDATE applications SET name = $2, return_origins = $3, local_login = $4, \
             session_idle = $5, session_absolute = $6, fresh_within = $7, defaults = $8, \
             auto_redirect = $9, authenticated_for = $10 WHERE key = $1",
            args![
                &door.key,
                &door.name,
                to_json(&door.return_origins)?,
                door.local_login,
                micros(door.session.idle),
                micros(door.session.absolute),
                door.fresh_within.map(micros),
                to_json(&door.defaults)?,
                door.auto_redirect.as_ref(),
                micros(door.authenticated_for),
            ],
        )
        .await
        .map(|_| ())
    }
}
