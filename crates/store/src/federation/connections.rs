//! Connections: which door knows which provider, and what becomes of strangers there.

use identity::applications::ApplicationKey;
use identity::federation::policy::{Connection, PolicyChange, PolicyFields};
use identity::ids::{ConnectionId, GroupId, ProviderId};
use identity::time::Moment;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Meaning, Result};
use crate::row::{Keyed, json, to_json};
use crate::value::args;

/// A door to be joined to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnection {
    /// Which door.
    pub application: ApplicationKey,
    /// What is set for it; the administrators' group among the default groups is refused with
    /// `Conflict(BuiltIn)`.
    pub policy: PolicyFields,
    /// Place among the buttons; lower first.
    pub position: i64,
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// What becomes of people who come through it.
    pub policy: PolicyChange,
    /// Place among the buttons.
    pub position: Option<i64>,
    /// Clients of the provider whose tokens are taken in exchange.
    pub exchange_audiences: Option<Vec<String>>,
    /// Whether of staff, too.
    pub exchange_staff: Option<bool>,
}

/// Columns of a connection, for `FROM connections c`.
macro_rules! connection_columns {
    () => {
        "c.id AS c_id, c.application AS c_application, c.provider_id AS c_provider_id, \
         c.policy AS c_policy, c.position AS c_position, \
         c.exchange_audiences AS c_exchange_audiences, c.exchange_staff AS c_exchange_staff"
    };
}
pub(crate) use connection_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct ConnectionRow {
    c_id: String,
    c_application: String,
    c_provider_id: String,
    c_policy: String,
    c_position: i64,
    c_exchange_audiences: String,
    c_exchange_staff: bool,
}

impl Keyed for ConnectionRow {
    const KEY: &'static str = "c_id";
}

impl ConnectionRow {
    pub(crate) fn read(self) -> std::result::Result<Connection, Fault> {
        Ok(Connection {
            id: ConnectionId::from_stored(self.c_id),
            application: ApplicationKey::from_stored(self.c_application),
            provider: ProviderId::from_stored(self.c_provider_id),
            policy: json(&self.c_policy)?,
            position: self.c_position,
            exchange_audiences: json(&self.c_exchange_audiences)?,
            exchange_staff: self.c_exchange_staff,
        })
    }
}

const BY_ID: &str =
    concat!("SELECT ", connection_columns!(), " FROM connections c WHERE c.id = $1");

impl Store {
    /// Joins a provider to a door. `Conflict(AlreadyConnected)`, or `NotFound` when either does
    /// not exist. Whether the connection could ever let anybody in is asked of
    /// `identity::federation::policy` before.
    pub async fn add_connection(
        &self,
        provider: &ProviderId,
        new: &NewConnection,
        by: &By,
        now: Moment,
    ) -> Result<Connection> {
        transact!(self.db, Mode::Plain, |tx| {
            let connection = self.insert_connection(tx, provider, new, now).await?;
            self.noted(tx, "connection.add", &connection, by, now).await?;
            Ok(connection)
        })
    }

    /// Every connection of a door, or of all doors, in the order of the buttons.
    pub async fn list_connections(
        &self,
        application: Option<&ApplicationKey>,
    ) -> Result<Vec<Connection>> {
        const ALL: &str = concat!(
            "SELECT ",
            connection_columns!(),
            " FROM connections c ORDER BY c.application, c.position, c.id"
        );
        const OF_ONE: &str = concat!(
            "SELECT ",
            connection_columns!(),
            " FROM connections c WHERE c.application = $1 ORDER BY c.position, c.id"
        );
        let rows: Vec<ConnectionRow> = match application {
            None => self.db.all(ALL, args![]).await?,
            Some(application) => self.db.all(OF_ONE, args![application]).await?,
        };
        Ok(rows.into_iter().map(ConnectionRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// Changes a connection's policy. `Conflict(KeptOut)` where no administrator would be known to
    /// get in at its door any more, unless it is forced.
    pub async fn change_connection(
        &self,
        id: &ConnectionId,
        change: &ConnectionChange,
        by: &By,
        now: Moment,
    ) -> Result<Connection> {
        transact!(self.db, Mode::Plain, |tx| {
            // In the same order as where a connection is removed.
            if !by.forced {
                tx.lock_administrators().await?;
            }
            // Every column is written below: two changes at once must not undo each other.
            tx.run("UPDATE connections SET position = position WHERE id = $1", args![id]).await?;
            let mut connection = tx.one::<ConnectionRow>(BY_ID, args![id]).await?.read()?;
            let before = Box::pin(tx.policies_before(&connection.application, by)).await?;
            if let Some(groups) = &change.policy.set.default_groups {
                tx.check_default_groups(&connection.application, groups).await?;
            }
            connection.policy = change.policy.apply(connection.policy);
            connection.position = change.position.unwrap_or(connection.position);
            if let Some(audiences) = &change.exchange_audiences {
                connection.exchange_audiences.clone_from(audiences);
            }
            connection.exchange_staff = change.exchange_staff.unwrap_or(connection.exchange_staff);
            tx.update_connection(&connection).await?;
            Box::pin(tx.keep_administrators_in(before, now)).await?;
            self.noted(tx, "connection.change", &connection, by, now).await?;
            Ok(connection)
        })
    }

    /// Takes a provider away from a door. Sessions that came by it are refused there from now on;
    /// what the door's clients got in them is revoked, and they are told.
    pub async fn remove_connection(&self, id: &ConnectionId, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            let ways = tx.ways_in(by, now).await?;
            let connection = tx.one::<ConnectionRow>(BY_ID, args![id]).await?.read()?;
            tx.run("DELETE FROM connections WHERE id = $1", args![id]).await?;
            tx.keep_ways_in(ways, now).await?;
            let Connection { provider, application, .. } = &connection;
            const STAY: &str = "UPDATE applications SET auto_redirect = NULL \
                                WHERE key = $1 AND auto_redirect = $2";
            tx.run(STAY, args![application, provider]).await?;
            tx.insert_logouts_by_provider(provider, application, now).await?;
            tx.revoke_grants_by_provider(provider, application, now).await?;
            self.noted(tx, "connection.remove", &connection, by, now).await
        })
    }

    pub(crate) async fn insert_connection(
        &self,
        tx: &mut Tx,
        provider: &ProviderId,
        new: &NewConnection,
        now: Moment,
    ) -> std::result::Result<Connection, Fault> {
        let groups = new.policy.default_groups.as_deref().unwrap_or_default();
        tx.check_default_groups(&new.application, groups).await?;
        let connection = Connection {
            id: ConnectionId::new(now, &self.entropy),
            application: new.application.clone(),
            provider: provider.clone(),
            policy: new.policy.clone(),
            position: new.position,
            exchange_audiences: Vec::new(),
            exchange_staff: false,
        };
        tx.run(
            "INSERT INTO connections (id, application, provider_id, policy, position) \
             VALUES ($1, $2, $3, $4, $5)",
            args![
                &connection.id,
                &connection.application,
                provider,
                to_json(&connection.policy)?,
                connection.position,
            ],
        )
        .await
        .on_unique(Conflict::AlreadyConnected)?;
        Ok(connection)
    }

    async fn noted(
        &self,
        tx: &mut Tx,
        action: &'static str,
        connection: &Connection,
        by: &By,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let mut policy = serde_json::to_value(&connection.policy)?;
        if let Some(Some(icon)) = &connection.policy.button_icon {
            // Which picture, and not the picture itself: the audit is kept for long.
            policy["button_icon"] = icon.file_name().into();
        }
        let happened = Happened::done(action)
            .at(&connection.application)
            .through(&connection.provider)
            .with("policy", policy)
            .with("exchange_audiences", connection.exchange_audiences.as_slice())
            .with("exchange_staff", connection.exchange_staff);
        self.note(tx, &happened, by, now).await?;
        tx.changed(&[(ChangeKind::Connection, connection.application.as_str())], now).await
    }
}

impl Tx {
    async fn update_connection(
        &mut self,
        connection: &Connection,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE connections SET policy = $2, position = $3, \
             exchange_audiences = $4, exchange_staff = $5 WHERE id = $1";
        let values = args![
            &connection.id,
            to_json(&connection.policy)?,
            connection.position,
            to_json(&connection.exchange_audiences)?,
            connection.exchange_staff,
        ];
        self.run(SQL, values).await.map(|_| ())
    }

    /// The door knows the provider.
    pub(crate) async fn check_connected(
        &mut self,
        application: &ApplicationKey,
        provider: &ProviderId,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "SELECT id FROM connections WHERE application = $1 AND provider_id = $2";
        let there: Option<(String,)> = self.opt(SQL, args![application, provider]).await?;
        match there {
            Some(_) => Ok(()),
            None => Err(Error::Conflict(Conflict::NotConnected).into()),
        }
    }

    /// Default groups exist, are for the door's users, and none of them makes administrators.
    pub(crate) async fn check_default_groups(
        &mut self,
        application: &ApplicationKey,
        groups: &[GroupId],
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "SELECT g.built_in, g.user_type = a.user_type FROM groups g \
                           JOIN applications a ON a.key = $2 WHERE g.id = $1";
        for group in groups {
            let (built_in, same_type): (bool, bool) =
                self.one(SQL, args![group, application]).await?;
            if built_in {
                return Err(Error::Conflict(Conflict::BuiltIn).into());
            }
            if !same_type {
                return Err(Error::Conflict(Conflict::WrongUserType).into());
            }
        }
        Ok(())
    }
}
