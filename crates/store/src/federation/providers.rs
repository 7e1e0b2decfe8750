//! Identity providers as set up, with their secrets sealed.

use identity::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use identity::ids::{OrganisationId, ProviderId};
use identity::time::Moment;
use serde::Serialize;
use serde_json::Value as Json;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Meaning, Result};
use crate::federation::connections::NewConnection;
use crate::row::{Keyed, json, to_json, word};
use crate::value::args;

/// What to change about a provider; what is none stays. Its issuer and key never change: they are
/// part of every identity and every redirect URI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderChange {
    /// What people read on the button.
    pub name: Option<String>,
    /// How far its word goes.
    pub authority: Option<Authority>,
    /// Whether sign-ins complete.
    pub state: Option<ProviderState>,
    /// Who we are there.
    pub client_id: Option<String>,
    /// How we prove it.
    pub client_authentication: Option<ClientAuthentication>,
    /// What we ask for.
    pub scopes: Option<Vec<String>>,
    /// Domains whose addresses it is trusted with.
    pub trusted_domains: Option<Vec<String>>,
    /// Hosts that may be private.
    pub allow_private: Option<Vec<String>>,
    /// Where it answers.
    pub endpoints: Option<Endpoints>,
    /// Signature algorithms that we accept.
    pub algorithms: Option<Vec<String>>,
    /// Whether it promised `iss`.
    pub promises_iss: Option<bool>,
    /// Whether it knows PKCE S256.
    pub pkce: Option<bool>,
    /// The new secret, sealed.
    #[serde(skip)]
    pub sealed_secret: Option<String>,
}

impl ProviderChange {
    /// The provider as it will be: for checks before the change is saved.
    pub fn apply(&self, mut provider: Provider) -> Provider {
        macro_rules! take {
            ($($field:ident),*) => {$(
                if let Some(value) = &self.$field {
                    provider.$field = value.clone();
                }
            )*};
        }
        take!(
            name,
            authority,
            state,
            client_id,
            client_authentication,
            scopes,
            trusted_domains,
            allow_private,
            endpoints,
            algorithms,
            promises_iss,
            pkce
        );
        provider
    }

    /// What the audit says of it: every new value except the secret.
    fn note(&self, mut happened: Happened) -> std::result::Result<Happened, Fault> {
        if let Json::Object(told) = serde_json::to_value(self)? {
            happened.detail.extend(told.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Ok(happened.with("secret_changed", self.sealed_secret.is_some()))
    }
}

/// Columns of a provider, for `FROM providers p`.
macro_rules! provider_columns {
    () => {
        "p.id AS p_id, p.key AS p_key, p.name AS p_name, p.organisation_id AS p_organisation_id, \
         p.authority AS p_authority, p.state AS p_state, p.issuer AS p_issuer, \
         p.client_id AS p_client_id, p.client_authentication AS p_client_authentication, \
         p.scopes AS p_scopes, p.trusted_domains AS p_trusted_domains, \
         p.allow_private AS p_allow_private, p.endpoints AS p_endpoints, \
         p.algorithms AS p_algorithms, p.promises_iss AS p_promises_iss, p.pkce AS p_pkce, \
         p.created_at AS p_created_at"
    };
}
pub(crate) use provider_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct ProviderRow {
    p_id: String,
    p_key: String,
    p_name: String,
    p_organisation_id: Option<String>,
    p_authority: String,
    p_state: String,
    p_issuer: String,
    p_client_id: String,
    p_client_authentication: String,
    p_scopes: String,
    p_trusted_domains: String,
    p_allow_private: String,
    p_endpoints: String,
    p_algorithms: String,
    p_promises_iss: bool,
    p_pkce: bool,
    p_created_at: i64,
}

impl Keyed for ProviderRow {
    const KEY: &'static str = "p_id";
}

impl ProviderRow {
    pub(crate) fn read(self) -> std::result::Result<Provider, Fault> {
        Ok(Provider {
            id: ProviderId::from_stored(self.p_id),
            key: self.p_key,
            name: self.p_name,
            organisation: self.p_organisation_id.map(OrganisationId::from_stored),
            authority: word(&self.p_authority)?,
            state: word(&self.p_state)?,
            issuer: self.p_issuer,
            client_id: self.p_client_id,
            client_authentication: word(&self.p_client_authentication)?,
            scopes: json(&self.p_scopes)?,
            trusted_domains: json(&self.p_trusted_domains)?,
            allow_private: json(&self.p_allow_private)?,
            endpoints: json(&self.p_endpoints)?,
            algorithms: json(&self.p_algorithms)?,
            promises_iss: self.p_promises_iss,
            pkce: self.p_pkce,
            created_at: Moment::from_micros(self.p_created_at),
        })
    }
}

const BY_ID: &str = concat!("SELECT ", provider_columns!(), " FROM providers p WHERE p.id = $1");

impl Store {
    /// Adds a provider and its first connections. The id is the caller's, because the secret is
    /// sealed for exactly this row. `Conflict(KeyTaken)` when the key is taken, `NotFound` when an
    /// application is unknown.
    pub async fn add_provider(
        &self,
        provider: &Provider,
        sealed_secret: Option<&str>,
        connections: &[NewConnection],
        by: &By,
        now: Moment,
    ) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.insert_provider(provider, sealed_secret).await.on_unique(Conflict::KeyTaken)?;
            for connection in connections {
                self.insert_connection(tx, &provider.id, connection, now).await?;
            }
            let happened = Happened::done("provider.add")
                .through(&provider.id)
                .with("key", provider.key.as_str())
                .with("issuer", provider.issuer.as_str());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Provider, provider.id.as_str())], now).await
        })
    }

    /// The provider with this id.
    pub async fn find_provider(&self, id: &ProviderId) -> Result<Option<Provider>> {
        let row: Option<ProviderRow> = self.db.opt(BY_ID, args![id]).await?;
        Ok(row.map(ProviderRow::read).transpose()?)
    }

    /// The provider with this key.
    pub async fn find_provider_by_key(&self, key: &str) -> Result<Option<Provider>> {
        const SQL: &str =
            concat!("SELECT ", provider_columns!(), " FROM providers p WHERE p.key = $1");
        let row: Option<ProviderRow> = self.db.opt(SQL, args![key]).await?;
        Ok(row.map(ProviderRow::read).transpose()?)
    }

    /// Every provider, by key.
    pub async fn list_providers(&self) -> Result<Vec<Provider>> {
        const SQL: &str =
            concat!("SELECT ", provider_columns!(), " FROM providers p ORDER BY p.key");
        let rows: Vec<ProviderRow> = self.db.all(SQL, args![]).await?;
        Ok(rows.into_iter().map(ProviderRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// The client secret as it was sealed; none when the provider has none. `NotFound` when there
    /// is no such provider.
    pub async fn get_provider_secret(&self, id: &ProviderId) -> Result<Option<String>> {
        let (sealed,): (Option<String>,) =
            self.db.one("SELECT sealed_secret FROM providers WHERE id = $1", args![id]).await?;
        Ok(sealed)
    }

    /// Changes a provider. Switching it off ends every session that came by it, and what outlives
    /// those: they do not come back when it is switched on again.
    pub async fn change_provider(
        &self,
        id: &ProviderId,
        change: &ProviderChange,
        by: &By,
        now: Moment,
    ) -> Result<Provider> {
        transact!(self.db, Mode::Plain, |tx| {
            // Every column is written below: two changes at once must not undo each other.
            let ways = tx.ways_in(by, now).await?;
            tx.run("UPDATE providers SET state = state WHERE id = $1", args![id]).await?;
            let before = tx.one::<ProviderRow>(BY_ID, args![id]).await?.read()?;
            let provider = change.apply(before);
            tx.update_provider(&provider).await?;
            tx.keep_ways_in(ways, now).await?;
            if let Some(sealed) = &change.sealed_secret {
                const SEALED: &str = "UPDATE providers SET sealed_secret = $2 WHERE id = $1";
                tx.run(SEALED, args![id, sealed]).await?;
            }
            let mut happened = change.note(Happened::done("provider.change").through(id))?;
            if provider.state == ProviderState::Disabled {
                happened = happened.with("ended", tx.end_provider_sessions(id, now).await?);
            }
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Provider, id.as_str())], now).await?;
            Ok(provider)
        })
    }

    /// Removes a provider and its connections. `Conflict(InUse)` when anybody ever came through
    /// it: their identities are how they are known, so such a provider is disabled instead.
    pub async fn remove_provider(&self, id: &ProviderId, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            const STAY: &str =
                "UPDATE applications SET auto_redirect = NULL WHERE auto_redirect = $1";
            tx.run(STAY, args![id]).await?;
            tx.run("DELETE FROM connections WHERE provider_id = $1", args![id]).await?;
            let removed = tx
                .run("DELETE FROM providers WHERE id = $1", args![id])
                .await
                .on_foreign_key(Conflict::InUse)?;
            if removed == 0 {
                return Err(Error::NotFound.into());
            }
            self.note(tx, &Happened::done("provider.remove").through(id), by, now).await?;
            tx.changed(&[(ChangeKind::Provider, id.as_str())], now).await
        })
    }
}

impl Tx {
    async fn insert_provider(
        &mut self,
        provider: &Provider,
        sealed_secret: Option<&str>,
    ) -> std::result::Result<(), Fault> {
        self.run(
            "INSERT INTO providers (id, key, name, organisation_id, authority, state, issuer, \
             client_id, client_authentication, scopes, trusted_domains, allow_private, endpoints, \
             algorithms, promises_iss, pkce, sealed_secret, created_at) VALUES ($1, $2, $3, $4, \
             $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            args![
                &provider.id,
                &provider.key,
                &provider.name,
                provider.organisation.as_ref(),
                provider.authority.as_str(),
                provider.state.as_str(),
                &provider.issuer,
                &provider.client_id,
                provider.client_authentication.as_str(),
                to_json(&provider.scopes)?,
                to_json(&provider.trusted_domains)?,
                to_json(&provider.allow_private)?,
                to_json(&provider.endpoints)?,
                to_json(&provider.algorithms)?,
                provider.promises_iss,
                provider.pkce,
                sealed_secret,
                provider.created_at,
            ],
        )
        .await
        .map(|_| ())
    }

    async fn update_provider(&mut self, provider: &Provider) -> std::result::Result<(), Fault> {
        self.run(
            "UPDATE providers SET name = $2, authority = $3, state = $4, client_id = $5, \
             client_authentication = $6, scopes = $7, trusted_domains = $8, allow_private = $9, \
             endpoints = $10, algorithms = $11, promises_iss = $12, pkce = $13 WHERE id = $1",
            args![
                &provider.id,
                &provider.name,
                provider.authority.as_str(),
                provider.state.as_str(),
                &provider.client_id,
                provider.client_authentication.as_str(),
                to_json(&provider.scopes)?,
                to_json(&provider.trusted_domains)?,
                to_json(&provider.allow_private)?,
                to_json(&provider.endpoints)?,
                to_json(&provider.algorithms)?,
                provider.promises_iss,
                provider.pkce,
            ],
        )
        .await
        .map(|_| ())
    }
}
