//! A client, a request and a grant that tests change one thing of.

use std::time::Duration;

use crate::applications::ApplicationKey;
use crate::email::Email;
use crate::ids::{ClientId, GrantId, PublicId, SessionId, UserId};
use crate::oauth::authorize::{AuthorizationRequest, Target};
use crate::oauth::clients::{Client, ClientAuthMethod, ClientKind, GrantType, SigningAlgorithm};
use crate::oauth::error::OAuthFault;
use crate::oauth::grants::Grant;
use crate::oauth::parameters::Parameters;
use crate::oauth::scopes::Scopes;
use crate::sessions::{Method, Session, SessionTimes};
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

pub(crate) const REDIRECT_URI: &str = "https://shop.test/callback?shop=1";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) fn at(seconds: i64) -> Moment {
    Moment::from_seconds(1_800_000_000 + seconds)
}

pub(crate) fn client() -> Client {
    Client {
        id: ClientId::from_stored("shop"),
        application: ApplicationKey::from_stored("storefront"),
        name: "Shop".to_owned(),
        kind: ClientKind::Confidential,
        authentication: ClientAuthMethod::ClientSecretBasic,
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        backchannel_logout_session_required: true,
        backchannel_logout_private: false,
        cors_origins: Vec::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: ["openid", "profile", "email", "groups", "offline_access"]
            .map(str::to_owned)
            .to_vec(),
        resources: vec!["https://orders.test".to_owned()],
        id_token_algorithm: SigningAlgorithm::Rs256,
        require_pkce: true,
        require_nonce: true,
        require_par: false,
        require_dpop: false,
        jwks: None,
        disabled: false,
        created_at: at(0),
    }
}

/// What a well-behaved client sends.
pub(crate) fn sent() -> Vec<(&'static str, &'static str)> {
    vec![
        ("client_id", "shop"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// The same with these in place of those of the same name; an empty value leaves one out.
pub(crate) fn sent_with(
    changed: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    let mut pairs = sent();
    pairs.retain(|(name, _)| changed.iter().all(|(changed, _)| changed != name));
    pairs.extend_from_slice(changed);
    pairs
}

pub(crate) fn ask(
    client: &Client,
    changed: &[(&'static str, &'static str)],
) -> Result<AuthorizationRequest, OAuthFault> {
    let parameters = Parameters::read(sent_with(changed)).unwrap();
    let target = Target::of(&parameters, client)?;
    AuthorizationRequest::check(&parameters, client, target)
}

pub(crate) fn user() -> User {
    User {
        id: UserId::from_stored("user"),
        public_id: PublicId::from_stored("0123456789abcdef0123456789abcdef"),
        user_type: UserType::Customer,
        population: Population::default_one(),
        email: Email::parse("Ada@example.com").unwrap(),
        email_standing: EmailStanding::Verified,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en-GB".to_owned()),
        status: Status::Active,
        birth: Birth::Added,
        created_at: at(0),
    }
}

pub(crate) fn session() -> Session {
    Session {
        id: SessionId::from_stored("session"),
        user: UserId::from_stored("user"),
        user_type: UserType::Customer,
        population: Population::default_one(),
        application: ApplicationKey::from_stored("storefront"),
        provider: None,
        identity: None,
        organisation: None,
        methods: vec![Method::Password],
        began_at: at(0),
        auth_time: Some(at(0)),
        last_used_at: at(0),
        times: SessionTimes {
            idle: Duration::from_secs(3600),
            absolute: Duration::from_secs(36_000),
        },
        ended_at: None,
    }
}

pub(crate) fn grant() -> Grant {
    Grant {
        id: GrantId::from_stored("grant"),
        client: ClientId::from_stored("shop"),
        user: UserId::from_stored("user"),
        session: SessionId::from_stored("session"),
        offline: false,
        scopes: Scopes::of(["openid", "profile"]),
        resources: Vec::new(),
        organisation: None,
        methods: vec![Method::Password],
        auth_time: Some(at(0)),
        dpop_jkt: None,
        generation: 5,
        refreshed_at: at(0),
        created_at: at(0),
        revoked_at: None,
    }
}
