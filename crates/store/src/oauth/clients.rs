//! Clients as registered, with the digests of their secrets.

use identity::applications::ApplicationKey;
use identity::ids::ClientId;
use identity::oauth::client_auth::LiveSecret;
use identity::oauth::clients::Client;
use identity::oauth::once::OnceId;
use identity::oauth::registration::{ClientChange, RegistrationFault};
use identity::secret::Digest;
use identity::time::Moment;

use super::client_rows::{ClientRow, SecretRow, client_columns};
use super::grants::RevokeReason;
use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Meaning, Result};
use crate::row::{Maybe, to_json};
use crate::value::args;

/// A client with its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientWithSecrets {
    /// The client.
    pub client: Client,
    /// The newest first.
    pub secrets: Vec<LiveSecret>,
}

/// What became of a change of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOutcome {
    /// It is so now.
    Changed(Box<Client>),
    /// It would not fit together; nothing was written.
    Refused(RegistrationFault),
}

#[derive(sqlx::FromRow)]
struct ClientSecretRow {
    #[sqlx(flatten)]
    client: ClientRow,
    #[sqlx(flatten)]
    secret: Maybe<SecretRow>,
}

const BY_ID: &str = concat!("SELECT ", client_columns!(), " FROM clients c WHERE c.id = $1");

impl Store {
    /// Registers a client, with its first secret if it has one. `Conflict(KeyTaken)` when the id
    /// is taken, `NotFound` when there is no such application.
    pub async fn add_client(
        &self,
        client: &Client,
        secret: Option<&Digest>,
        by: &By,
        now: Moment,
    ) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.insert_client(client).await.on_unique(Conflict::KeyTaken)?;
            if let Some(secret) = secret {
                tx.insert_secret(&client.id, secret, now).await?;
            }
            self.note_client(tx, "client.add", client, by, now).await
        })
    }

    /// The client of this id.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<Client>> {
        let row: Option<ClientRow> = self.db.opt(BY_ID, args![id]).await?;
        Ok(row.map(ClientRow::read).transpose()?)
    }

    /// The client of this id with the secrets that count at `now`, in one statement.
    pub async fn find_client_with_secrets(
        &self,
        id: &ClientId,
        now: Moment,
    ) -> Result<Option<ClientWithSecrets>> {
        const SQL: &str = concat!(
            "SELECT ",
            client_columns!(),
            ", s.digest AS s_digest, s.expires_at AS s_expires_at FROM clients c \
             LEFT JOIN client_secrets s ON s.client_id = c.id \
             AND (s.expires_at IS NULL OR s.expires_at > $2) \
             WHERE c.id = $1 ORDER BY s.created_at DESC, s.digest"
        );
        let rows: Vec<ClientSecretRow> = self.db.all(SQL, args![id, now]).await?;
        Ok(gathered(rows)?.into_iter().next())
    }

    /// Every client, or those of one application, by application and id.
    pub async fn list_clients(&self, application: Option<&ApplicationKey>) -> Result<Vec<Client>> {
        const ALL: &str =
            concat!("SELECT ", client_columns!(), " FROM clients c ORDER BY c.application, c.id");
        const OF_ONE: &str = concat!(
            "SELECT ",
            client_columns!(),
            " FROM clients c WHERE c.application = $1 ORDER BY c.id"
        );
        let rows: Vec<ClientRow> = match application {
            None => self.db.all(ALL, args![]).await?,
            Some(application) => self.db.all(OF_ONE, args![application]).await?,
        };
        Ok(rows.into_iter().map(ClientRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// Every client with all of its secrets that are kept, those too that have ended since, by id,
    /// in one statement: a picture of one moment.
    pub async fn list_clients_with_secrets(&self) -> Result<Vec<ClientWithSecrets>> {
        const SQL: &str = concat!(
            "SELECT ",
            client_columns!(),
            ", s.digest AS s_digest, s.expires_at AS s_expires_at FROM clients c \
             LEFT JOIN client_secrets s ON s.client_id = c.id \
             ORDER BY c.id, s.created_at DESC, s.digest"
        );
        let rows: Vec<ClientSecretRow> = self.db.all(SQL, args![]).await?;
        Ok(gathered(rows)?)
    }

    /// Changes a client, if it fits together afterwards. What it was given before stays.
    pub async fn change_client(
        &self,
        id: &ClientId,
        change: &ClientChange,
        by: &By,
        now: Moment,
    ) -> Result<ClientOutcome> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_client(id).await?;
            let old = tx.one::<ClientRow>(BY_ID, args![id]).await?.read()?;
            let client = match change.apply(old) {
                Err(refusal) => return Ok(ClientOutcome::Refused(refusal)),
                Ok(client) => client,
            };
            tx.update_client(&client).await?;
            self.note_client(tx, "client.change", &client, by, now).await?;
            Ok(ClientOutcome::Changed(Box::new(client)))
        })
    }

    /// Switches a client off or on. Off, nothing that it was given works; on, it works again.
    pub async fn change_client_state(
        &self,
        id: &ClientId,
        disabled: bool,
        by: &By,
        now: Moment,
    ) -> Result<Client> {
        const SQL: &str = "UPDATE clients SET disabled = $2 WHERE id = $1";
        transact!(self.db, Mode::Plain, |tx| {
            tx.run(SQL, args![id, disabled]).await?;
            let client = tx.one::<ClientRow>(BY_ID, args![id]).await?.read()?;
            let action = if disabled { "client.disable" } else { "client.enable" };
            self.note_client(tx, action, &client, by, now).await?;
            Ok(client)
        })
    }

    /// Removes a client, and ends everything that it was given: whoever gets the same id later
    /// is somebody else.
    pub async fn remove_client(&self, id: &ClientId, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_client(id).await?;
            let client = tx.one::<ClientRow>(BY_ID, args![id]).await?.read()?;
            tx.end_given(id, now).await?;
            for sql in [
                "DELETE FROM client_secrets WHERE client_id = $1",
                "DELETE FROM clients WHERE id = $1",
            ] {
                tx.run(sql, args![id]).await?;
            }
            self.note_client(tx, "client.remove", &client, by, now).await
        })
    }

    /// Gives a client a new secret. The one before counts until `old_until`; older ones end now,
    /// so that at most two are live.
    pub async fn rotate_client_secret(
        &self,
        id: &ClientId,
        secret: &Digest,
        old_until: Moment,
        by: &By,
        now: Moment,
    ) -> Result<Client> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_client(id).await?;
            let client = tx.one::<ClientRow>(BY_ID, args![id]).await?.read()?;
            tx.end_secrets(id, old_until.max(now), now).await?;
            tx.insert_secret(id, secret, now).await.on_unique(Conflict::KeyTaken)?;
            let happened = Happened::done("client.rotate_secret")
                .at(&client.application)
                .with("client", id.as_str())
                .with("old_until", old_until.max(now).to_rfc3339());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Client, id.as_str())], now).await?;
            Ok(client)
        })
    }

    /// Takes what a client may show once: the JWT that it authenticates by, a proof of possession,
    /// or a provider's token that it brings in exchange. Of any number of callers one is told true.
    /// It is remembered until it expires.
    pub async fn take_once(&self, client: &ClientId, id: &OnceId) -> Result<bool> {
        const SQL: &str = "INSERT INTO client_assertions (digest, client_id, expires_at) \
             VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING RETURNING digest";
        let values = args![&id.digest, client, id.expires_at];
        let taken: Option<(String,)> = self.db.write_opt(SQL, values).await?;
        Ok(taken.is_some())
    }

    async fn note_client(
        &self,
        tx: &mut Tx,
        action: &'static str,
        client: &Client,
        by: &By,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        // Nothing of it is secret, and after an incident the addresses are what is asked for.
        let registered = serde_json::to_value(client)?;
        let happened = Happened::done(action)
            .at(&client.application)
            .with("client", client.id.as_str())
            .with("registered", registered);
        self.note(tx, &happened, by, now).await?;
        tx.changed(&[(ChangeKind::Client, client.id.as_str())], now).await
    }
}

/// Rows of one client after the other, each with one of its secrets or none.
fn gathered(rows: Vec<ClientSecretRow>) -> std::result::Result<Vec<ClientWithSecrets>, Fault> {
    let mut clients: Vec<ClientWithSecrets> = Vec::new();
    for row in rows {
        let secret = row.secret.0.map(SecretRow::read);
        match clients.last_mut() {
            Some(last) if last.client.id.as_str() == row.client.c_id => last.secrets.extend(secret),
            _ => {
                let client = row.client.read()?;
                clients.push(ClientWithSecrets { client, secrets: secret.into_iter().collect() });
            }
        }
    }
    Ok(clients)
}

impl Tx {
    /// Two who change a client meet here: the second waits for the first and then reads. Fails
    /// with `NotFound`.
    async fn lock_client(&mut self, id: &ClientId) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE clients SET disabled = disabled WHERE id = $1";
        match self.run(SQL, args![id]).await? {
            0 => Err(Error::NotFound.into()),
            _ => Ok(()),
        }
    }

    async fn insert_client(&mut self, client: &Client) -> std::result::Result<(), Fault> {
        const SQL: &str = "INSERT INTO clients (id, application, name, kind, authentication, \
             redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, cors_origins, \
             grant_types, scopes, resources, id_token_algorithm, require_pkce, require_nonce, \
             require_par, jwks, disabled, created_at, require_dpop, \
             backchannel_logout_session_required, backchannel_logout_private) VALUES ($1, $2, $3, \
             $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
             $22)";
        let values = args![
            &client.id,
            &client.application,
            &client.name,
            client.kind.as_str(),
            client.authentication.as_str(),
            to_json(&client.redirect_uris)?,
            to_json(&client.post_logout_redirect_uris)?,
            &client.backchannel_logout_uri,
            to_json(&client.cors_origins)?,
            to_json(&client.grant_types)?,
            to_json(&client.scopes)?,
            to_json(&client.resources)?,
            client.id_token_algorithm.as_str(),
            client.require_pkce,
            client.require_nonce,
            client.require_par,
            client.jwks.as_ref().map(to_json).transpose()?,
            client.disabled,
            client.created_at,
            client.require_dpop,
            client.backchannel_logout_session_required,
            client.backchannel_logout_private,
        ];
        self.run(SQL, values).await.map(|_| ())
    }

    async fn update_client(&mut self, client: &Client) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE clients SET name = $2, authentication = $3, \
             redirect_uris = $4, post_logout_redirect_uris = $5, backchannel_logout_uri = $6, \
             cors_origins = $7, grant_types = $8, scopes = $9, resources = $10, \
             id_token_algorithm = $11, require_pkce = $12, require_nonce = $13, \
             require_par = $14, jwks = $15, require_dpop = $16, \
             backchannel_logout_session_required = $17, backchannel_logout_private = $18 \
             WHERE id = $1";
        let values = args![
            &client.id,
            &client.name,
            client.authentication.as_str(),
            to_json(&client.redirect_uris)?,
            to_json(&client.post_logout_redirect_uris)?,
            &client.backchannel_logout_uri,
            to_json(&client.cors_origins)?,
            to_json(&client.grant_types)?,
            to_json(&client.scopes)?,
            to_json(&client.resources)?,
            client.id_token_algorithm.as_str(),
            client.require_pkce,
            client.require_nonce,
            client.require_par,
            client.jwks.as_ref().map(to_json).transpose()?,
            client.require_dpop,
            client.backchannel_logout_session_required,
            client.backchannel_logout_private,
        ];
        self.run(SQL, values).await.map(|_| ())
    }

    async fn insert_secret(
        &mut self,
        client: &ClientId,
        secret: &Digest,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "INSERT INTO client_secrets (digest, client_id, created_at) \
                           VALUES ($1, $2, $3)";
        self.run(SQL, args![secret, client, now]).await.map(|_| ())
    }

    /// The newest secret, which has no end, gets one; older ones end now.
    async fn end_secrets(
        &mut self,
        client: &ClientId,
        newest_until: Moment,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const OLDER: &str = "UPDATE client_secrets SET expires_at = $2 \
                             WHERE client_id = $1 AND expires_at > $2";
        const NEWEST: &str = "UPDATE client_secrets SET expires_at = $2 \
                              WHERE client_id = $1 AND expires_at IS NULL";
        self.run(OLDER, args![client, now]).await?;
        self.run(NEWEST, args![client, newest_until]).await.map(|_| ())
    }

    /// Ends codes, requests that wait, logouts that it was to hear of, and grants.
    async fn end_given(
        &mut self,
        client: &ClientId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const GRANTS: &str = "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
                              WHERE client_id = $1 AND revoked_at IS NULL";
        for sql in [
            "DELETE FROM authorization_requests WHERE client_id = $1",
            "DELETE FROM codes WHERE client_id = $1",
            "DELETE FROM back_channel_logouts WHERE client_id = $1",
        ] {
            self.run(sql, args![client]).await?;
        }
        let reason = RevokeReason::ClientRemoved.as_str();
        self.run(GRANTS, args![client, now, reason]).await.map(|_| ())
    }
}
