//! Rust's `openidconnect`, which shares no line with us, reads our metadata, runs the code flow,
//! and checks our ID tokens.

use identity::oauth::clients::SigningAlgorithm;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope,
    TokenResponse,
};
use testkit::{Browser, Engine, House};

use crate::shop::{EMAIL, REDIRECT_URI, Shop, brought, machine};

/// How it asks us.
async fn ask(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let asked = machine().request(parts.method, parts.uri.to_string());
    let response = asked.headers(parts.headers).body(body).send().await?;
    let mut answer = HttpResponse::default();
    *answer.status_mut() = response.status();
    answer.headers_mut().clone_from(response.headers());
    *answer.body_mut() = response.bytes().await?.to_vec();
    Ok(answer)
}

/// A client that knows of us what our metadata says, and one of its people.
struct Scene<'a> {
    house: &'a House,
    shop: Shop<'a>,
    browser: Browser,
    metadata: CoreProviderMetadata,
}

impl<'a> Scene<'a> {
    async fn set(house: &'a House, algorithm: SigningAlgorithm) -> Self {
        Shop::open(house).await;
        let shop =
            Shop::register(house, "independent", |new| new.id_token_algorithm = algorithm).await;
        let issuer = IssuerUrl::new(house.app.issuer()).expect("an address");
        let metadata = CoreProviderMetadata::discover_async(issuer, &ask).await;
        let metadata = metadata.expect("metadata that it understands");
        Self { house, shop, browser: house.browser(), metadata }
    }

    /// From the authorization request to the tokens.
    async fn go(&self) -> (CoreTokenResponse, Nonce) {
        let secret = ClientSecret::new("generated-for-independent".to_owned());
        let id = ClientId::new("independent".to_owned());
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect("an address"));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let code = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(code, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email"].map(|one| Scope::new(one.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let page = self.shop.enter(&self.browser, url.as_str()).await;
        assert_eq!(brought(&page, "state").as_ref(), Some(state.secret()));
        let code = AuthorizationCode::new(brought(&page, "code").expect("a code"));
        let asked = client.exchange_code(code).expect("a token endpoint");
        let tokens = asked.set_pkce_verifier(verifier).request_async(&ask).await;
        let tokens = tokens.expect("tokens");
        let token = tokens.access_token().clone();
        let asked = client.user_info(token, None).expect("a userinfo endpoint");
        let info: CoreUserInfoClaims = asked.request_async(&ask).await.expect("claims");
        assert_eq!(info.email().map(|email| email.as_str()), Some(EMAIL));
        (tokens, nonce)
    }

    /// What it checks ID tokens with; its time is the house's.
    fn verifier(&self, client: &str) -> CoreIdTokenVerifier<'_> {
        let secret = ClientSecret::new("generated-for-independent".to_owned());
        let now = self.house.app.now().to_rfc3339();
        CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(client.to_owned()),
            secret,
            self.metadata.issuer().clone(),
            self.metadata.jwks().clone(),
        )
        .set_allowed_algs(self.metadata.id_token_signing_alg_values_supported().clone())
        .set_time_fn(move || now.parse().expect("a time"))
    }
}

async fn holds_for(algorithm: SigningAlgorithm, expected: CoreJwsSigningAlgorithm) {
    let house = House::start(Engine::Sqlite).await;
    let scene = Scene::set(&house, algorithm).await;
    let (tokens, nonce) = scene.go().await;
    let id_token = tokens.id_token().expect("an ID token");
    let verifier = scene.verifier("independent");
    let claims = id_token.claims(&verifier, &nonce).expect("it holds");
    let user = house.find_staff(EMAIL).await.expect("Grace");
    assert_eq!(claims.subject().as_str(), user.public_id.as_str());
    assert_eq!(id_token.signing_alg().expect("an algorithm"), &expected);
    let key = id_token.signing_key(&verifier).expect("a published key");
    let hash = AccessTokenHash::from_token(tokens.access_token(), &expected, key).expect("a hash");
    assert_eq!(claims.access_token_hash(), Some(&hash));
    // It does check: another nonce, another client, and a changed token are refused.
    let other = Nonce::new("another".to_owned());
    assert!(id_token.claims(&verifier, &other).is_err());
    assert!(id_token.claims(&scene.verifier("somebody-else"), &nonce).is_err());
    let old = id_token.to_string();
    let (_, old_signature) = old.rsplit_once('.').expect("three parts");
    let (again, nonce) = scene.go().await;
    let new = again.id_token().expect("an ID token").to_string();
    let (new_message, _) = new.rsplit_once('.').expect("three parts");
    let mixed: CoreIdToken = format!("{new_message}.{old_signature}").parse().expect("a token");
    assert!(mixed.claims(&verifier, &nonce).is_err());
}

#[tokio::test]
async fn openidconnect_agrees_with_us_about_rs256() {
    holds_for(SigningAlgorithm::Rs256, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256).await;
}

#[tokio::test]
async fn openidconnect_agrees_with_us_about_es256() {
    holds_for(SigningAlgorithm::Es256, CoreJwsSigningAlgorithm::EcdsaP256Sha256).await;
}

#[tokio::test]
async fn openidconnect_agrees_with_us_about_eddsa() {
    holds_for(SigningAlgorithm::EdDsa, CoreJwsSigningAlgorithm::EdDsa).await;
}
