//! The shop's side of OpenID Connect: away with state, nonce and PKCE, back with a proved ID token.

use std::fmt::Display;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::entropy::Entropy;
use identity::federation::id_token::{self, Expected, TokenFault};
use identity::federation::jwks::KeySet;
use identity::secret::Secret;
use identity::time::Moment;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::{CLIENT, CLIENT_SECRET};

/// What the shop wants to know about people.
const SCOPE: &str = "openid profile email";

/// Vestibule, as the shop sees it.
pub(super) struct Issuer {
    url: String,
    redirect_uri: String,
    http: Client,
    known: OnceCell<Document>,
}

/// The discovery document, as far as the shop needs it (OpenID Connect Discovery 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    end_session_endpoint: Url,
}

/// What the token endpoint answers; the shop asks nobody else, so it needs no access token.
#[derive(Deserialize)]
struct Tokens {
    id_token: Secret,
    access_token: Secret,
}

/// One sign-in under way: what the answer must fit.
pub(super) struct Trip {
    pub(super) state: Secret,
    nonce: Secret,
    verifier: Secret,
}

/// Somebody, proved.
pub(super) struct Proved {
    /// For the logout, where it says who leaves.
    pub(super) id_token: Secret,
    pub(super) claims: Map<String, Value>,
}

/// Why a sign-in did not work, in words for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("Vestibule does not answer as it should at the moment ({0}). Please try again.")]
    Wire(String),
    #[error("What came back was not accepted: {0}.")]
    Token(#[from] TokenFault),
}

impl Problem {
    fn wire(place: &str, error: impl Display) -> Self {
        Self::Wire(format!("{place}: {error}"))
    }
}

impl Trip {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let draw = || Secret::generate(entropy);
        Self { state: draw(), nonce: draw(), verifier: draw() }
    }

    /// RFC 7636 section 4.2.
    fn challenge(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.verifier.expose().as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }
}

impl Issuer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the shop is another program's example: it goes to its one issuer, not through \
                  Vestibule's own way out"
    )]
    pub(super) fn new(url: &str, redirect_uri: String) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { url: url.to_owned(), redirect_uri, http, known: OnceCell::new() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Where a browser signs in.
    pub(super) async fn place_to_sign_in(&self, trip: &Trip) -> Result<String, Problem> {
        let mut place = self.document().await?.authorization_endpoint.clone();
        place.query_pairs_mut().extend_pairs([
            ("client_id", CLIENT),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", SCOPE),
            ("state", trip.state.expose()),
            ("nonce", trip.nonce.expose()),
            ("code_challenge", &trip.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        Ok(place.into())
    }

    /// Where a browser signs out, and comes `back`.
    pub(super) async fn place_to_sign_out(
        &self,
        id_token: &Secret,
        back: &str,
    ) -> Result<String, Problem> {
        let mut place = self.document().await?.end_session_endpoint.clone();
        place.query_pairs_mut().extend_pairs([
            ("id_token_hint", id_token.expose()),
            ("post_logout_redirect_uri", back),
            ("client_id", CLIENT),
        ]);
        Ok(place.into())
    }

    /// A code for an ID token that fits the trip (OpenID Connect Core 3.1.3).
    pub(super) async fn redeem(
        &self,
        code: &Secret,
        trip: &Trip,
        now: Moment,
    ) -> Result<Proved, Problem> {
        let document = self.document().await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", trip.verifier.expose()),
        ];
        let request = self.http.post(document.token_endpoint.clone()).form(&form);
        // RFC 6749 section 2.3.1: both are form-encoded first.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let request = request.basic_auth(encoded(CLIENT), Some(encoded(CLIENT_SECRET)));
        let tokens = self.body("token endpoint", request).await?;
        let tokens: Tokens = serde_json::from_slice(&tokens)
            .map_err(|_| Problem::wire("token endpoint", "no ID token came"))?;
        let keys = self.keys().await?;
        let keys = KeySet::parse(&keys).map_err(|error| Problem::wire("keys", error))?;
        let expected = Expected {
            issuer: &self.url,
            client_id: CLIENT,
            nonce: &trip.nonce,
            algorithms: &["RS256".to_owned()],
            now,
            leeway: id_token::LEEWAY,
            max_age: None,
            access_token: Some(tokens.access_token.expose()),
        };
        let claims = id_token::verify(tokens.id_token.expose(), &keys, &expected)?.claims;
        Ok(Proved { id_token: tokens.id_token, claims })
    }

    /// What Vestibule signs with: fresh every time; a busy shop keeps them as long as Cache-Control
    /// says.
    pub(super) async fn keys(&self) -> Result<Vec<u8>, Problem> {
        let place = self.document().await?.jwks_uri.clone();
        self.body("keys", self.http.get(place)).await
    }

    /// Read when it is first needed, and kept.
    async fn document(&self) -> Result<&Document, Problem> {
        self.known
            .get_or_try_init(|| async {
                let place = "discovery document";
                let url = format!("{}/.well-known/openid-configuration", self.url);
                let body = self.body(place, self.http.get(url)).await?;
                let document: Document =
                    serde_json::from_slice(&body).map_err(|error| Problem::wire(place, error))?;
                // Discovery 4.3: equal to the letter.
                if document.issuer == self.url {
                    Ok(document)
                } else {
                    Err(Problem::wire(place, "it is another issuer's"))
                }
            })
            .await
    }

    async fn body(
        &self,
        place: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Vec<u8>, Problem> {
        // An address may hold what nobody should read on a page.
        let wire = |error: reqwest::Error| Problem::wire(place, error.without_url());
        let response = request.send().await.and_then(reqwest::Response::error_for_status);
        let bytes = response.map_err(wire)?.bytes().await.map_err(wire)?;
        Ok(bytes.to_vec())
    }
}
