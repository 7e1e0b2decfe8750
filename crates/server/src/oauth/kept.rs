//! Authorization requests that are kept: for whoever has to sign in first, or pushed by a client.

use std::time::Duration;

use identity::ids::ClientId;
use identity::oauth::authorize::KEPT;
use identity::oauth::parameters::Parameters;
use identity::secret::{Digest, Secret};
use identity::time::Moment;
use store::WaitingRequest;

use crate::app::App;
use crate::error::PageError;
use crate::visit::Visit;

/// How long somebody may take to sign in for a request.
const WAITS: Duration = Duration::from_secs(3600);

/// What stands before the name of a pushed request (RFC 9126 section 2.2).
pub const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

/// What a pushed request is kept as. It is not what a request that waits for a sign-in is kept as:
/// that one may be come back to, and this one works once (RFC 9126 section 7.3).
pub fn pushed(name: &str) -> Digest {
    Digest::of_parts(&["pushed", name])
}

/// Keeps a request that has been checked; answers its name. Anybody may ask in the name of any
/// client, so that a network which has done so often enough is told how long to wait instead.
pub async fn keep(
    app: &App,
    visit: &Visit,
    client: &ClientId,
    parameters: Parameters,
    begun_at: Moment,
) -> Result<Result<Secret, Duration>, PageError> {
    if let Err(wait) = app.flood.request(visit.address, visit.now) {
        return Ok(Err(wait));
    }
    let name = Secret::generate(app.entropy.as_ref());
    let parameters = parameters.only(&KEPT);
    let waiting = WaitingRequest { client: client.clone(), parameters, begun_at };
    app.store.add_authorization_request(&name.digest(), &waiting, WAITS).await?;
    Ok(Ok(name))
}
