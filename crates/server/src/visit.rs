//! A request as every handler needs it: when, from where, by which browser, at which door.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use identity::applications::Application;
use identity::entropy::draw;
use identity::secret::Secret;
use identity::time::Moment;
use store::AuditNote;

use crate::app::App;
use crate::error::PageError;
use crate::network::client_address;

/// Longest `User-Agent` that is kept.
const USER_AGENT_LIMIT: usize = 200;

/// Names a request in the log, in its answer and in the audit.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// A fresh one: 16 hexadecimal digits.
    pub fn new(app: &App) -> Self {
        Self(identity::ids::hex(&draw::<8>(app.entropy.as_ref())).into())
    }
}

/// When, from where, by which browser.
#[derive(Clone, Debug)]
pub struct Visit {
    /// When it came in.
    pub now: Moment,
    /// Its name.
    pub request_id: Arc<str>,
    /// Whose address, as far as trusted proxies tell.
    pub address: IpAddr,
    /// The browser's token, when it has one.
    pub browser: Option<Secret>,
    /// What the browser calls itself, shortened.
    pub user_agent: String,
    /// Everything that it sent along.
    pub headers: HeaderMap,
}

impl Visit {
    /// What the audit keeps of it.
    pub fn note(&self) -> AuditNote {
        AuditNote {
            request_id: Some(self.request_id.to_string()),
            address: Some(identity::throttle::network_of(self.address)),
            user_agent: Some(self.user_agent.clone()),
            detail: serde_json::Map::new(),
        }
    }

    /// The browser's token, or a new one that the answer must set.
    pub fn browser_or_new(&self, app: &App) -> (Secret, bool) {
        match &self.browser {
            Some(browser) => (browser.clone(), false),
            None => (Secret::generate(app.entropy.as_ref()), true),
        }
    }
}

/// Who is at the other end of the connection.
pub fn peer(parts: &Parts) -> IpAddr {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip())
}

/// Whether what this peer says of others is believed.
pub fn is_trusted(app: &App, peer: IpAddr) -> bool {
    app.trusted_proxies.iter().any(|network| network.contains(peer))
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = peer(parts);
        let now = app.now();
        if !is_trusted(app, peer) {
            app.ignored.look(&parts.headers, peer, now);
        }
        let forwarded: Vec<&str> = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|line| line.to_str().ok())
            .collect();
        let request_id = match parts.extensions.get::<RequestId>() {
            Some(id) => Arc::clone(&id.0),
            None => RequestId::new(app).0,
        };
        let user_agent = parts.headers.get("user-agent").and_then(|value| value.to_str().ok());
        Ok(Self {
            now,
            request_id,
            address: client_address(peer, &forwarded, &app.trusted_proxies),
            browser: app.cookies.browser(&parts.headers),
            user_agent: user_agent.unwrap_or("").chars().take(USER_AGENT_LIMIT).collect(),
            headers: parts.headers.clone(),
        })
    }
}

/// The application whose key begins the path.
pub struct Door(pub Arc<Application>);

impl FromRequestParts<App> for Door {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Path(segments) =
            Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, app)
                .await
                .map_err(|_| PageError::NotFound)?;
        segments
            .get("application")
            .and_then(|key| app.directory.now().application(key))
            .map(Self)
            .ok_or(PageError::NotFound)
    }
}
