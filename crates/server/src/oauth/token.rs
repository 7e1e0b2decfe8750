//! `POST /oauth/token`: a code, a refresh token or the client's own word becomes tokens.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use identity::ids::{GrantId, PublicId};
use identity::oauth::clients::{Client, ClientKind, GrantType, SigningAlgorithm};
use identity::oauth::dpop::Proof;
use identity::oauth::error::OAuthError;
use identity::oauth::grants::{Grant, Redeemed};
use identity::oauth::parameters::Parameters;
use identity::oauth::resources;
use identity::oauth::scopes::{OPENID, Scopes};
use identity::oauth::tokens::{self, ACCESS_TYP, ID_TYP, Issue, OwnIssue, Subject, TOKEN_LIFE};
use identity::secret::Secret;
use identity::users::User;
use serde_json::json;
use store::{By, Refreshed, TakenCode};

use super::answer::{Failure, good};
use super::client_auth::authenticate;
use super::dpop;
use super::exchange;
use super::form::read_form;
use super::signing::sign;
use crate::app::App;
use crate::visit::Visit;

/// One text for every code that does not work: whoever tries codes learns nothing.
const NO_CODE: &str =
    "the code is used, too old or unknown; begin again at the authorization endpoint";

/// One text for every refresh token that does not work.
const NO_REFRESH: &str =
    "the refresh token does not hold any more; begin again at the authorization endpoint";

/// `POST /oauth/token` (RFC 6749 section 3.2)
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = read_form(&headers, &body)?;
    form.check_repetition()?;
    let client = authenticate(&app, &visit, &headers, &form).await?;
    let asked = form.needed("grant_type")?;
    let Ok(grant_type) = asked.parse::<GrantType>() else {
        let text = "grant_type is authorization_code, refresh_token, client_credentials or \
                    urn:ietf:params:oauth:grant-type:token-exchange";
        return Err(Failure::new(OAuthError::UnsupportedGrantType, text));
    };
    if !client.grant_types.contains(&grant_type) {
        let text = "this client is not registered for that grant_type";
        return Err(Failure::new(OAuthError::UnauthorizedClient, text));
    }
    let proof = dpop::proof_for_tokens(&app, &visit, &client, "/oauth/token")?;
    let proof = proof.as_ref();
    let dpop_jkt = proof.map(|proof| proof.jkt.as_str());
    let call = Call { app: &app, visit: &visit, client: &client, form: &form, proof, dpop_jkt };
    match grant_type {
        GrantType::AuthorizationCode => call.code().await,
        GrantType::RefreshToken => call.refresh().await,
        GrantType::ClientCredentials => call.client_credentials().await,
        GrantType::TokenExchange => exchange::answer(&call).await,
    }
}

/// One request of an authenticated client.
pub(super) struct Call<'a> {
    pub(super) app: &'a App,
    pub(super) visit: &'a Visit,
    pub(super) client: &'a Client,
    pub(super) form: &'a Parameters,
    /// The proof that came with it (RFC 9449), checked and not taken yet.
    proof: Option<&'a Proof>,
    /// The key that it is made with; what the client gets is bound to it.
    pub(super) dpop_jkt: Option<&'a str>,
}

impl Call<'_> {
    /// RFC 6749 section 4.1.3.
    async fn code(&self) -> Result<Response, Failure> {
        let Self { app, visit, client, form, dpop_jkt, .. } = *self;
        let redeemed = Redeemed {
            client: &client.id,
            redirect_uri: form.once("redirect_uri").unwrap_or(""),
            verifier: form.once("code_verifier"),
            dpop_jkt,
        };
        let id = GrantId::new(visit.now, app.entropy.as_ref());
        let refreshable = client.grant_types.contains(&GrantType::RefreshToken);
        let code = Secret::new(form.needed("code")?).digest();
        let terms = app.store.find_code(&code, &client.id, visit.now).await?;
        if let Some(terms) = terms {
            self.check_more(&terms.resources).await?;
        }
        // Whoever authenticates is bound by that already (RFC 9449 section 5).
        let bound = dpop_jkt.filter(|_| client.kind == ClientKind::Public).map(str::to_owned);
        let decide = |code: &store::CodeSession| {
            code.terms.accept(&redeemed)?;
            let (id, bound) = (id.clone(), bound.clone());
            Ok(code.terms.grant(id, &code.session, refreshable, bound, visit.now))
        };
        let by = By::visitor(visit.note());
        let taken = app.store.take_code(&code, &client.id, decide, &by, visit.now).await?;
        match taken {
            TakenCode::Granted { grant, user, nonce } => {
                self.tokens(&grant, &user, &grant.scopes, nonce.as_deref()).await
            }
            TakenCode::Refused(fault) => Err(fault.into()),
            TakenCode::Gone => Err(Failure::new(OAuthError::InvalidGrant, NO_CODE)),
            TakenCode::Replayed { grant } => {
                if let Some(grant) = grant {
                    app.grants.forget(&grant);
                }
                Err(Failure::new(OAuthError::InvalidGrant, NO_CODE))
            }
        }
    }

    /// RFC 6749 section 6. The scope may be narrowed for this one answer, never widened.
    async fn refresh(&self) -> Result<Response, Failure> {
        let Self { app, visit, client, form, dpop_jkt, .. } = *self;
        let invalid = || Failure::new(OAuthError::InvalidGrant, NO_REFRESH);
        let presented = app.refresh_key.read(form.needed("refresh_token")?).ok_or_else(invalid)?;
        let narrowed = self.scope()?;
        if narrowed.is_some() || form.has("resource") || self.proof.is_some() {
            let found = app.store.find_grant(&presented.grant).await?;
            let found = found.filter(|it| it.grant.client == client.id && it.holds(visit.now));
            let grant = found.ok_or_else(invalid)?.grant;
            if narrowed.as_ref().is_some_and(|scopes| !scopes.is_within(&grant.scopes)) {
                let text = "a refresh cannot ask for more than was granted";
                return Err(Failure::new(OAuthError::InvalidScope, text));
            }
            self.check_more(&grant.resources).await?;
        }
        let by = By::visitor(visit.note());
        let refreshed =
            app.store.refresh_grant(&presented, &client.id, dpop_jkt, &by, visit.now).await?;
        let found = match refreshed {
            Refreshed::Carried(found) => found,
            Refreshed::Replayed(grant) => {
                app.grants.forget(&grant);
                return Err(invalid());
            }
            Refreshed::Over => return Err(invalid()),
        };
        let scopes = narrowed.unwrap_or_else(|| found.grant.scopes.clone());
        self.tokens(&found.grant, &found.user, &scopes, None).await
    }

    /// RFC 6749 section 4.4: the client for itself. No refresh token, and nothing about people.
    async fn client_credentials(&self) -> Result<Response, Failure> {
        let Self { app, visit, client, form, dpop_jkt, .. } = *self;
        if client.kind != ClientKind::Confidential {
            let text = "only a confidential client acts for itself";
            return Err(Failure::new(OAuthError::UnauthorizedClient, text));
        }
        let allowed = Scopes::of(
            client
                .scopes
                .iter()
                .map(String::as_str)
                .filter(|scope| !identity::oauth::scopes::ABOUT_PEOPLE.contains(scope)),
        );
        let scopes = self.scope()?.unwrap_or_else(|| allowed.clone());
        if !scopes.is_within(&allowed) {
            let text = "this client has no such scope for itself; scopes about people need people";
            return Err(Failure::new(OAuthError::InvalidScope, text));
        }
        let resources = resources::registered(form.all("resource"), client)?;
        self.take_proof().await?;
        let issue = OwnIssue {
            issuer: &app.issuer(),
            client: &client.id,
            scopes: &scopes,
            resources: &resources,
            dpop_jkt,
            now: visit.now,
        };
        let claims = tokens::client_token(issue, &self.jti());
        let token = sign(app, SigningAlgorithm::Es256, ACCESS_TYP, &claims).await?;
        Ok(good(json!({
            "access_token": token,
            "token_type": self.token_type(),
            "expires_in": TOKEN_LIFE.as_secs(),
            "scope": scopes.to_string(),
        })))
    }

    /// What may make a request come to nothing besides the code or refresh token that it brings,
    /// once that has been found genuine, and before it is used up.
    async fn check_more(&self, granted: &[String]) -> Result<(), Failure> {
        resources::narrowed(self.form.all("resource"), granted)?;
        self.take_proof().await
    }

    /// Takes the proof, if one came.
    pub(super) async fn take_proof(&self) -> Result<(), Failure> {
        match self.proof {
            Some(proof) => dpop::take(self.app, self.client, proof).await,
            None => Ok(()),
        }
    }

    /// Everything that a grant gives (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).
    async fn tokens(
        &self,
        grant: &Grant,
        user: &User,
        scopes: &Scopes,
        nonce: Option<&str>,
    ) -> Result<Response, Failure> {
        let Self { app, visit, client, form, dpop_jkt, .. } = *self;
        let issuer = app.issuer();
        // RFC 8707 section 2.2: this access token may be for less; the grant keeps all.
        let resources = &resources::narrowed(form.all("resource"), &grant.resources)?;
        let issue = Issue { issuer: &issuer, grant, scopes, resources, dpop_jkt, now: visit.now };
        let access = tokens::access_token(issue, &user.public_id, &self.jti());
        let access = sign(app, SigningAlgorithm::Es256, ACCESS_TYP, &access).await?;
        let mut body = json!({
            "access_token": access,
            "token_type": self.token_type(),
            "expires_in": TOKEN_LIFE.as_secs(),
            "scope": scopes.to_string(),
        });
        if scopes.contains(OPENID) {
            let groups = self.groups(user, scopes).await?;
            let organisation = grant.organisation.as_ref();
            let subject = Subject { user, groups: &groups, organisation };
            let algorithm = client.id_token_algorithm;
            let claims = tokens::id_token(issue, subject, nonce, &access, algorithm);
            body["id_token"] = sign(app, algorithm, ID_TYP, &claims).await?.into();
        }
        if grant.generation > 0 {
            let refresh = app.refresh_key.token(&grant.id, grant.generation);
            body["refresh_token"] = refresh.expose().into();
        }
        Ok(good(body))
    }

    async fn groups(&self, user: &User, scopes: &Scopes) -> Result<Vec<String>, Failure> {
        if !scopes.contains("groups") {
            return Ok(Vec::new());
        }
        let groups = self.app.store.list_groups_of(&user.id).await?;
        Ok(groups.into_iter().map(|group| group.name).collect())
    }

    fn scope(&self) -> Result<Option<Scopes>, Failure> {
        self.form
            .once("scope")
            .map(Scopes::parse)
            .transpose()
            .map_err(|malformed| Failure::new(OAuthError::InvalidScope, &malformed.to_string()))
    }

    /// How the access token is to be used (RFC 9449 section 5).
    pub(super) const fn token_type(&self) -> &'static str {
        if self.dpop_jkt.is_some() { "DPoP" } else { "Bearer" }
    }

    /// Names a token in logs of resource servers; it opens nothing.
    pub(super) fn jti(&self) -> String {
        PublicId::new(self.app.entropy.as_ref()).as_str().to_owned()
    }
}
