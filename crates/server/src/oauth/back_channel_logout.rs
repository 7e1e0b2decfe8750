//! Tells clients that a session which they have seen is over (OpenID Connect Back-Channel Logout
//! 1.0), and tries again later when they do not hear.

use std::collections::HashMap;
use std::time::Duration;

use identity::federation::reach::AddressFault;
use identity::ids::ClientId;
use identity::oauth::back_channel_logout::{
    Ended, Heard, LOGOUT_TYP, allowed_hosts, heard, logout_token, wait_after,
};
use identity::oauth::clients::Client;
use store::{LeasedLogout, LogoutOutcome};
use tokio::task::{AbortHandle, JoinSet};

use super::signing::sign;
use crate::app::App;
use crate::federation::upstream::WireFault;

/// Between two looks into an empty queue.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Logouts that one client is told of at once.
const BATCH: u32 = 8;

/// What a lease lasts longer than a client may take to answer.
const MARGIN: Duration = Duration::from_secs(60);

/// Works for ever, with one task for each client: whoever is slow or gone holds up nobody else.
/// What is under way when the house closes is told again after its lease; twice does no harm.
pub async fn work(app: App) {
    let mut tasks = JoinSet::new();
    let mut busy: HashMap<ClientId, AbortHandle> = HashMap::new();
    loop {
        while tasks.try_join_next().is_some() {}
        busy.retain(|_, task| !task.is_finished());
        match app.store.list_clients_due_a_logout(app.now()).await {
            Ok(clients) => {
                for client in clients {
                    let task = || tasks.spawn(tell_all(app.clone(), client.clone()));
                    busy.entry(client.clone()).or_insert_with(task);
                }
            }
            Err(error) => tracing::warn!(%error, "cannot read whom to tell of logouts"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Everything that is due at one client.
async fn tell_all(app: App, client: ClientId) {
    let lease = Duration::from_secs(app.config.outbound.timeout_seconds) + MARGIN;
    loop {
        let now = app.now();
        match app.store.lease_back_channel_logouts(&client, now, BATCH, lease).await {
            Ok(leased) if leased.is_empty() => return,
            Ok(leased) => {
                let mut batch = JoinSet::new();
                for one in leased {
                    batch.spawn(tell(app.clone(), one));
                }
                while batch.join_next().await.is_some() {}
            }
            Err(error) => {
                tracing::warn!(%error, %client, "cannot read what to tell a client");
                return;
            }
        }
    }
}

/// What came of one try.
enum Came {
    Over(LogoutOutcome, String),
    NotYet(String),
}

/// One logout, and a note of what came of it.
async fn tell(app: App, leased: LeasedLogout) {
    let client = app.directory.now().client(leased.client.as_str());
    let registered = client.as_deref();
    let uri = registered.and_then(|one| one.backchannel_logout_uri.as_deref());
    let came = match registered.zip(uri) {
        Some((client, uri)) => send(&app, client, uri, &leased).await,
        None => Came::Over(LogoutOutcome::NotWanted, "no address is registered".to_owned()),
    };
    if let Err(error) = note(&app, &leased, registered, came).await {
        tracing::warn!(%error, client = %leased.client, "cannot note what a client was told");
    }
}

async fn send(app: &App, client: &Client, uri: &str, leased: &LeasedLogout) -> Came {
    let issuer = app.issuer();
    let LeasedLogout { session, subject, .. } = leased;
    let claims = logout_token(
        Ended { issuer: &issuer, client, subject, session },
        app.now(),
        app.entropy.as_ref(),
    );
    let token = match sign(app, client.id_token_algorithm, LOGOUT_TYP, &claims).await {
        Ok(token) => token,
        Err(error) => return Came::NotYet(error.to_string()),
    };
    let form = [("logout_token", token.as_str())];
    match app.upstream.tell(uri, &allowed_hosts(client), &form).await {
        Ok(status) => {
            let said = format!("HTTP status {status}");
            match heard(status) {
                Heard::Done => Came::Over(LogoutOutcome::Done, said),
                Heard::Refused => Came::Over(LogoutOutcome::Refused, said),
                Heard::NotYet => Came::NotYet(said),
            }
        }
        Err(fault) => Came::NotYet(in_words(&fault, client)),
    }
}

/// A guard's own words speak of providers.
fn in_words(fault: &WireFault, client: &Client) -> String {
    match fault {
        WireFault::Address(AddressFault::Private { ip, .. }) => format!(
            "its address is the private {ip}; if the client really is there, allow it with: \
             vestibule clients change {} --backchannel-logout-private",
            client.id
        ),
        other => other.to_string(),
    }
}

async fn note(
    app: &App,
    leased: &LeasedLogout,
    client: Option<&Client>,
    came: Came,
) -> Result<(), store::Error> {
    let (outcome, said) = match came {
        Came::Over(outcome, said) => (outcome, said),
        Came::NotYet(said) => match wait_after(leased.tries, app.entropy.as_ref()) {
            Some(wait) => {
                let LeasedLogout { client, tries, .. } = leased;
                tracing::warn!(%client, tries, said, "a client has to be told of a logout later");
                let next = app.now().plus(wait);
                return app.store.put_off_back_channel_logout(leased, &said, next).await;
            }
            None => (LogoutOutcome::GivenUp, said),
        },
    };
    if matches!(outcome, LogoutOutcome::Refused | LogoutOutcome::GivenUp) {
        let outcome = outcome.as_str();
        tracing::error!(client = %leased.client, outcome, said, "a client was not signed out of");
    }
    let application = client.map(|client| &client.application);
    app.store.end_back_channel_logout(leased, application, outcome, &said, app.now()).await
}
