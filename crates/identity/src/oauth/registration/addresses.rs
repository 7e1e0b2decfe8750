//! Where a client may have us send codes, browsers and logout tokens.

use super::RegistrationFault;
use crate::federation::reach::{AddressFault, Reach};
use crate::oauth::back_channel_logout::allowed_hosts;
use crate::oauth::clients::Client;
use crate::oauth::redirect_uri;

/// Every address of a client.
pub(super) fn check_addresses(client: &Client) -> Result<(), RegistrationFault> {
    for uri in &client.redirect_uris {
        redirect_uri::check(uri, client.kind).map_err(RegistrationFault::RedirectUri)?;
    }
    for uri in &client.post_logout_redirect_uris {
        redirect_uri::check(uri, client.kind).map_err(RegistrationFault::PostLogoutUri)?;
    }
    if let Some(uri) = &client.backchannel_logout_uri {
        redirect_uri::check_endpoint(uri).map_err(RegistrationFault::BackchannelLogoutUri)?;
        check_reach(client, uri)?;
    }
    Ok(())
}

/// What is written as a private address, or is plain http; a name is looked up at every call.
fn check_reach(client: &Client, uri: &str) -> Result<(), RegistrationFault> {
    let hosts = allowed_hosts(client);
    let Ok(url) = url::Url::parse(uri) else { return Ok(()) };
    match (Reach { allow_private: &hosts }).check_url(&url) {
        Ok(()) => Ok(()),
        Err(AddressFault::Private { .. } | AddressFault::PlainHttp(_)) => {
            Err(RegistrationFault::BackchannelLogoutPrivate(uri.to_owned()))
        }
        Err(_) => Err(RegistrationFault::BackchannelLogoutNowhere(uri.to_owned())),
    }
}
