//! What a scriptable provider is told to do, and what it has seen.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

/// A change to something that the provider is about to send.
pub type Edit<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// One of its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/keys`
    Keys,
    /// `/authorize`
    Authorize,
    /// `/token`
    Token,
    /// `/userinfo`
    Userinfo,
}

/// An answer that an endpoint gives instead of its own.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with a JSON error.
    Status(u16),
    /// Status 200, a content type and a body.
    Says(&'static str, String),
    /// Its own answer and more than a megabyte besides.
    Huge,
    /// Its own answer under another content type.
    Kind(&'static str),
    /// A redirect to this address.
    Redirect(String),
}

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// With the published key.
    #[default]
    Own,
    /// `alg: none`, no signature.
    Nothing,
    /// `HS256` with the published key as the secret.
    PublicKeyAsSecret,
    /// With a key that is not published, under the published key's id.
    StrangersKey,
    /// With the published key, under an id that is not published.
    UnknownId,
}

/// The `iss` parameter of authorization responses (RFC 9207).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IssParameter {
    /// The issuer.
    #[default]
    Right,
    /// Not sent.
    Missing,
    /// Another text.
    Other(String),
}

/// What the provider does. Changed by [`super::FakeProvider::script`].
#[derive(Clone)]
pub struct Script {
    /// Claims about the person who signs in next, at UserInfo and in the ID token.
    pub claims: Map<String, Value>,
    /// Whether the ID token says nothing but who it is, so that UserInfo has to be asked.
    pub lean_id_token: bool,
    /// Changes the ID token's claims before it is signed.
    pub edit_id_token: Option<Edit<Map<String, Value>>>,
    /// Changes the ID token's header before it is signed.
    pub edit_header: Option<Edit<Map<String, Value>>>,
    /// Changes what UserInfo says.
    pub edit_userinfo: Option<Edit<Map<String, Value>>>,
    /// Changes the discovery document.
    pub edit_discovery: Option<Edit<Map<String, Value>>>,
    /// Changes the token endpoint's answer.
    pub edit_tokens: Option<Edit<Map<String, Value>>>,
    /// How ID tokens are signed.
    pub signing: Signing,
    /// Whether metadata promise `iss`.
    pub promises_iss: bool,
    /// What is sent as `iss`.
    pub iss_parameter: IssParameter,
    /// Whether the answer is posted by a form.
    pub form_post: bool,
    /// The error that `/authorize` answers with.
    pub error: Option<&'static str>,
    /// How far its clock is ahead of the house's, in seconds.
    pub ahead: i64,
    /// `Cache-Control` of the keys.
    pub keys_cache_control: Option<&'static str>,
    /// Answers that go wrong.
    pub faults: HashMap<Place, Fault>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            claims: person("ada", "ada@corp.example"),
            lean_id_token: false,
            edit_id_token: None,
            edit_header: None,
            edit_userinfo: None,
            edit_discovery: None,
            edit_tokens: None,
            signing: Signing::Own,
            promises_iss: true,
            iss_parameter: IssParameter::Right,
            form_post: false,
            error: None,
            ahead: 0,
            keys_cache_control: None,
            faults: HashMap::new(),
        }
    }
}

/// Claims of somebody with a verified address.
pub fn person(subject: &str, email: &str) -> Map<String, Value> {
    let claims = json!({
        "sub": subject,
        "email": email,
        "email_verified": true,
        "given_name": "Ada",
        "family_name": "Lovelace",
        "locale": "en-GB",
    });
    claims.as_object().cloned().unwrap_or_default()
}

/// What has come in so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often each endpoint was asked.
    pub count: HashMap<Place, usize>,
    /// Forms at the token endpoint.
    pub token_forms: Vec<HashMap<String, String>>,
    /// `Authorization` headers at the token endpoint.
    pub token_authorizations: Vec<Option<String>>,
    /// Parameters at the authorization endpoint.
    pub authorizations: Vec<HashMap<String, String>>,
    /// Access tokens that were given out.
    pub access_tokens: Vec<String>,
    /// ID tokens that were given out.
    pub id_tokens: Vec<String>,
    /// Codes that were given out.
    pub codes: Vec<String>,
}

impl Seen {
    /// How often an endpoint was asked.
    pub fn times(&self, place: Place) -> usize {
        self.count.get(&place).copied().unwrap_or(0)
    }
}
