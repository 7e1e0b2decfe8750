//! What can be said about a client, when it is added and when it is changed.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use identity::oauth::clients::{ClientAuthMethod, GrantType, SigningAlgorithm};
use identity::oauth::registration::{ClientChange, NewClient, RegistrationFault};
use identity::return_to::Origin;
use serde_json::Value;

use crate::cli::Failure;

/// What a client may do, and where.
#[derive(Debug, Args)]
pub struct Settings {
    /// How it proves who it is: client_secret_basic (the default), client_secret_post or
    /// private_key_jwt; a public client proves nothing (none)
    #[arg(long = "auth", value_name = "METHOD")]
    authentication: Option<ClientAuthMethod>,
    /// Where codes may go, exactly as it is sent; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where a browser may go after a logout; may be given several times
    #[arg(long = "post-logout-uri", value_name = "URI")]
    post_logout_uris: Vec<String>,
    /// Where it wants to hear of logouts
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// Origin of pages that may ask from a browser; may be given several times
    #[arg(long = "cors-origin", value_name = "ORIGIN", value_parser = origin)]
    cors_origins: Vec<Origin>,
    /// What it may bring to the token endpoint: authorization_code, refresh_token,
    /// client_credentials or token_exchange; may be given several times; authorization_code and refresh_token
    /// unless it is given
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    grants: Vec<GrantType>,
    /// What it may ask for, such as openid, profile, email, groups, organisation or
    /// offline_access; may be given several times; openid, profile and email unless it is
    /// given
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Resource server that its tokens may be for, as an absolute URI; may be given several times
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// What its ID tokens are signed with: RS256, ES256 or EdDSA
    #[arg(long = "id-token-alg", value_name = "ALG")]
    signing_algorithm: Option<SigningAlgorithm>,
    /// File with its public keys as a JWK Set, for private_key_jwt
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    #[command(flatten)]
    switches: Switches,
}

/// What is needed of its requests, and what it is told.
#[derive(Debug, Args)]
pub struct Switches {
    /// Codes need PKCE; the default
    #[arg(long, overrides_with = "no_require_pkce")]
    require_pkce: bool,
    /// Codes need no PKCE; for confidential clients only
    #[arg(long)]
    no_require_pkce: bool,
    /// Requests need a nonce; the default
    #[arg(long, overrides_with = "no_require_nonce")]
    require_nonce: bool,
    /// Requests need no nonce; for confidential clients only
    #[arg(long)]
    no_require_nonce: bool,
    /// Requests must be pushed (PAR)
    #[arg(long, overrides_with = "no_require_par")]
    require_par: bool,
    /// Requests need not be pushed; the default
    #[arg(long)]
    no_require_par: bool,
    /// Tokens must be bound to a key of the client (DPoP)
    #[arg(long, overrides_with = "no_require_dpop")]
    require_dpop: bool,
    /// Tokens need not be bound to a key; the default
    #[arg(long)]
    no_require_dpop: bool,
    /// Logout tokens name the session (sid); the default
    #[arg(long, overrides_with = "no_backchannel_logout_session_required")]
    backchannel_logout_session_required: bool,
    /// Logout tokens name the person alone, and mean all of their sessions at the client
    #[arg(long)]
    no_backchannel_logout_session_required: bool,
    /// The back-channel logout URI may be at a private address, or plain http on this machine
    #[arg(long, overrides_with = "no_backchannel_logout_private")]
    backchannel_logout_private: bool,
    /// The back-channel logout URI is at a public address; the default
    #[arg(long)]
    no_backchannel_logout_private: bool,
}

/// What a change can empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cleared {
    /// Every post-logout redirect URI
    PostLogoutUri,
    /// The back-channel logout URI
    BackchannelLogoutUri,
    /// Every CORS origin
    CorsOrigin,
    /// Every resource
    Resource,
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text).map_err(|error| error.to_string())
}

/// The registered name of the last one is long; its short one is taken too.
fn grant(text: &str) -> Result<GrantType, String> {
    match text {
        "token_exchange" => Ok(GrantType::TokenExchange),
        other => other.parse().map_err(|_: identity::users::UnknownWord| {
            format!(
                "\"{other}\" is no grant: use authorization_code, refresh_token, \
                 client_credentials or token_exchange"
            )
        }),
    }
}

const fn switched(on: bool, off: bool) -> Option<bool> {
    match (on, off) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

impl Settings {
    /// Onto a new client.
    pub(super) fn describe(self, new: &mut NewClient) -> Result<(), Failure> {
        let change = self.change(&[])?;
        let replace = |old: &mut bool, switch: Option<bool>| *old = switch.unwrap_or(*old);
        replace(&mut new.require_pkce, change.require_pkce);
        replace(&mut new.require_nonce, change.require_nonce);
        replace(&mut new.require_par, change.require_par);
        replace(&mut new.require_dpop, change.require_dpop);
        let named = change.backchannel_logout_session_required;
        replace(&mut new.backchannel_logout_session_required, named);
        replace(&mut new.backchannel_logout_private, change.backchannel_logout_private);
        new.authentication = change.authentication;
        new.redirect_uris = change.redirect_uris.unwrap_or_default();
        new.post_logout_redirect_uris = change.post_logout_redirect_uris.unwrap_or_default();
        new.backchannel_logout_uri = change.backchannel_logout_uri.flatten();
        new.cors_origins = change.cors_origins.unwrap_or_default();
        new.grant_types = change.grant_types.unwrap_or_default();
        new.scopes = change.scopes.unwrap_or_default();
        new.resources = change.resources.unwrap_or_default();
        new.id_token_algorithm = change.id_token_algorithm.unwrap_or(new.id_token_algorithm);
        new.jwks = change.jwks;
        Ok(())
    }

    /// As a change: a list that is given replaces the old one, and what is cleared is emptied
    /// first.
    pub(super) fn change(self, cleared: &[Cleared]) -> Result<ClientChange, Failure> {
        let clears = |what| cleared.contains(&what);
        let switches = self.switches;
        let backchannel = self.backchannel_logout_uri.map(Some);
        Ok(ClientChange {
            name: None,
            authentication: self.authentication,
            redirect_uris: given(self.redirect_uris, false),
            post_logout_redirect_uris: given(self.post_logout_uris, clears(Cleared::PostLogoutUri)),
            backchannel_logout_uri: match clears(Cleared::BackchannelLogoutUri) {
                true => backchannel.or(Some(None)),
                false => backchannel,
            },
            backchannel_logout_session_required: switched(
                switches.backchannel_logout_session_required,
                switches.no_backchannel_logout_session_required,
            ),
            backchannel_logout_private: switched(
                switches.backchannel_logout_private,
                switches.no_backchannel_logout_private,
            ),
            cors_origins: given(self.cors_origins, clears(Cleared::CorsOrigin)),
            grant_types: given(self.grants, false),
            scopes: given(self.scopes, false),
            resources: given(self.resources, clears(Cleared::Resource)),
            id_token_algorithm: self.signing_algorithm,
            require_pkce: switched(switches.require_pkce, switches.no_require_pkce),
            require_nonce: switched(switches.require_nonce, switches.no_require_nonce),
            require_par: switched(switches.require_par, switches.no_require_par),
            require_dpop: switched(switches.require_dpop, switches.no_require_dpop),
            jwks: self.jwks_file.as_deref().map(read_keys).transpose()?,
        })
    }
}

fn given<T>(entries: Vec<T>, cleared: bool) -> Option<Vec<T>> {
    (cleared || !entries.is_empty()).then_some(entries)
}

fn read_keys(file: &Path) -> Result<Value, Failure> {
    let failed = |error: String| {
        let text = format!("cannot read the keys in {}: {error}", file.display());
        Failure::new("jwks_file", text)
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(format!("{error}; write a JWK Set as JSON")))
}

impl From<RegistrationFault> for Failure {
    fn from(fault: RegistrationFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
