//! Applications, providers, connections and clients in memory: read by every request, changed
//! rarely.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};

use identity::applications::{Application, ApplicationKey};
use identity::federation::button::{Colour, Icon};
use identity::federation::policy::{Connection, Policy};
use identity::federation::provider::{Provider, ProviderState};
use identity::federation::subject_token::Claimed;
use identity::forward_auth::ProtectedHost;
use identity::ids::ProviderId;
use identity::oauth::client_auth::Registered;
use identity::oauth::clients::Client;
use store::Store;

use crate::oauth::form_post;

/// One consistent picture.
#[derive(Debug, Default)]
pub struct Listing {
    applications: HashMap<String, Arc<Application>>,
    providers: HashMap<String, Arc<Provider>>,
    keys: HashMap<ProviderId, String>,
    connections: HashMap<ApplicationKey, Vec<Connection>>,
    clients: HashMap<String, Arc<Registered>>,
    cors_origins: HashSet<String>,
    hosts: HashMap<String, Arc<ProtectedHost>>,
    icons: HashMap<String, Arc<Icon>>,
}

impl Listing {
    /// The application of this key.
    pub fn application(&self, key: &str) -> Option<Arc<Application>> {
        self.applications.get(key).cloned()
    }

    /// The provider of this key.
    pub fn provider(&self, key: &str) -> Option<Arc<Provider>> {
        self.providers.get(key).cloned()
    }

    /// The provider of this id.
    pub fn provider_by_id(&self, id: &ProviderId) -> Option<Arc<Provider>> {
        self.keys.get(id).and_then(|key| self.provider(key))
    }

    /// Whether a session that came by `provider` still counts at this application.
    pub fn is_connected(&self, application: &ApplicationKey, provider: &ProviderId) -> bool {
        let enabled = self
            .provider_by_id(provider)
            .is_some_and(|provider| provider.state == ProviderState::Enabled);
        enabled && self.of(application).iter().any(|one| one.provider == *provider)
    }

    /// Enabled providers of an application, in the order of their buttons.
    pub fn buttons(&self, application: &ApplicationKey) -> Vec<Arc<Provider>> {
        self.of(application)
            .iter()
            .filter_map(|one| self.provider_by_id(&one.provider))
            .filter(|provider| provider.state == ProviderState::Enabled)
            .collect()
    }

    /// The buttons of an application's login page: the same providers, without those whose button
    /// is hidden.
    pub fn shown_buttons(&self, application: &Application) -> Vec<Button> {
        let all = self.of(&application.key).iter().filter_map(|connection| {
            let provider = self.provider_by_id(&connection.provider)?;
            let policy = &connection.policy;
            let policy = Policy::of(policy, &application.defaults, application.user_type);
            let is_shown = provider.state == ProviderState::Enabled && !policy.button_hidden.value;
            is_shown.then(|| Button {
                label: policy.button_label.value,
                icon: policy.button_icon.value.map(|icon| icon.file_name()),
                colour: policy.button_colour.value,
                provider,
            })
        });
        all.collect()
    }

    /// The icon that is served under this name.
    pub fn icon(&self, file_name: &str) -> Option<Arc<Icon>> {
        self.icons.get(file_name).cloned()
    }

    /// The client of this id, switched off or not.
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.get(id).map(|registered| Arc::clone(&registered.client))
    }

    /// The client of this id, unless it is switched off.
    pub fn live_client(&self, id: &str) -> Option<Arc<Client>> {
        self.client(id).filter(|client| !client.disabled)
    }

    /// The client of this id with what it proves itself by.
    pub fn registered(&self, id: &str) -> Option<Arc<Registered>> {
        self.clients.get(id).cloned()
    }

    /// Where codes of an application may go, as `form-action` says it (CSP Level 3): origins, and
    /// schemes of apps. Apps on the person's own machine choose their port themselves.
    pub fn redirect_origins(&self, application: &ApplicationKey) -> BTreeSet<String> {
        let clients = self.clients.values().map(|registered| &registered.client);
        clients
            .filter(|client| client.application == *application && !client.disabled)
            .flat_map(|client| &client.redirect_uris)
            .filter_map(|uri| match uri.starts_with("http://127.0.0.1") {
                true => Some("http://127.0.0.1:*".to_owned()),
                false => form_post::origin(uri),
            })
            .collect()
    }

    /// Whether pages of this origin may ask machine endpoints: some client has registered it.
    pub fn is_cors_origin(&self, origin: &str) -> bool {
        self.cors_origins.contains(origin)
    }

    /// The protected host that browsers call so.
    pub fn host(&self, authority: &str) -> Option<Arc<ProtectedHost>> {
        self.hosts.get(authority).cloned()
    }

    /// Origins of the protected hosts of an application: a login may end there.
    pub fn host_origins(&self, application: &ApplicationKey) -> BTreeSet<String> {
        let hosts = self.hosts.values().filter(|host| host.application == *application);
        hosts.map(|host| host.origin.to_string()).collect()
    }

    /// The connection by which the application takes tokens of this issuer in exchange, if one of
    /// its providers is that issuer: of several the one that lists whom the token names.
    pub fn lending(&self, application: &ApplicationKey, claimed: &Claimed) -> Option<Lending> {
        let lists = |one: &Connection| {
            let listed = &one.exchange_audiences;
            (claimed.audiences.iter().any(|name| listed.contains(name)), !listed.is_empty())
        };
        let all = self.of(application).iter().filter_map(|connection| {
            let provider = self.provider_by_id(&connection.provider)?;
            let is_its = provider.issuer == claimed.issuer;
            is_its.then(|| Lending { provider, connection: connection.clone() })
        });
        // Of equals the last one is the greatest; the first button wins.
        all.rev().max_by_key(|lending| lists(&lending.connection))
    }

    /// How an application and a provider are joined, if they are.
    pub fn connection(
        &self,
        application: &ApplicationKey,
        provider: &ProviderId,
    ) -> Option<&Connection> {
        self.of(application).iter().find(|connection| connection.provider == *provider)
    }

    fn of(&self, application: &ApplicationKey) -> &[Connection] {
        self.connections.get(application).map_or(&[], Vec::as_slice)
    }
}

/// A button of a login page.
#[derive(Clone, Debug)]
pub struct Button {
    /// Where it leads.
    pub provider: Arc<Provider>,
    /// What it says, where that is set.
    pub label: Option<String>,
    /// Name of the file with its icon ([`Listing::icon`]).
    pub icon: Option<String>,
    /// Its colour.
    pub colour: Option<Colour>,
}

/// A provider whose tokens an application takes.
#[derive(Clone, Debug)]
pub struct Lending {
    /// Whose.
    pub provider: Arc<Provider>,
    /// How.
    pub connection: Connection,
}

/// The current picture, exchanged whole when something changed.
pub struct Directory {
    listing: RwLock<Arc<Listing>>,
    /// Held from the read to the exchange, so that a slow reload never puts an older picture in
    /// the place of a newer one.
    reloading: tokio::sync::Mutex<()>,
}

impl Directory {
    /// Reads everything.
    pub async fn load(store: &Store) -> Result<Self, store::Error> {
        let listing = RwLock::new(Arc::new(read(store).await?));
        Ok(Self { listing, reloading: tokio::sync::Mutex::default() })
    }

    /// Reads everything again.
    pub async fn reload(&self, store: &Store) -> Result<(), store::Error> {
        let _alone = self.reloading.lock().await;
        let fresh = Arc::new(read(store).await?);
        match self.listing.write() {
            Ok(mut listing) => *listing = fresh,
            Err(poisoned) => *poisoned.into_inner() = fresh,
        }
        Ok(())
    }

    /// The picture as it is now.
    pub fn now(&self) -> Arc<Listing> {
        match self.listing.read() {
            Ok(listing) => Arc::clone(&listing),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }
}

async fn read(store: &Store) -> Result<Listing, store::Error> {
    let mut listing = Listing::default();
    for application in store.list_applications().await? {
        listing.applications.insert(application.key.as_str().to_owned(), Arc::new(application));
    }
    for provider in store.list_providers().await? {
        listing.keys.insert(provider.id.clone(), provider.key.clone());
        listing.providers.insert(provider.key.clone(), Arc::new(provider));
    }
    for connection in store.list_connections(None).await? {
        if let Some(Some(icon)) = &connection.policy.button_icon {
            listing.icons.insert(icon.file_name(), Arc::new(icon.clone()));
        }
        listing.connections.entry(connection.application.clone()).or_default().push(connection);
    }
    for connections in listing.connections.values_mut() {
        connections.sort_by_key(|one| one.position);
    }
    for host in store.list_protected_hosts().await? {
        listing.hosts.insert(host.authority().to_owned(), Arc::new(host));
    }
    for kept in store.list_clients_with_secrets().await? {
        if !kept.client.disabled {
            let origins = kept.client.cors_origins.iter().map(ToString::to_string);
            listing.cors_origins.extend(origins);
        }
        let id = kept.client.id.to_string();
        let registered = Registered::new(Arc::new(kept.client), kept.secrets);
        listing.clients.insert(id, Arc::new(registered));
    }
    Ok(listing)
}
