//! `POST /oauth/token`: a code, a refresh token or the client's own word becomes tokens.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use identity::ids::{GrantId, PublicId};
use identity::oauth::authorize::resources;
use identity::oauth::clients::{Client, ClientKind, GrantType, SigningAlgorithm};
use identity::oauth::error::OAuthError;
use identity::oauth::grants::{Grant, Redeemed};
use identity::oauth::parameters::Parameters;
use identity::oauth::scopes::{OPENID, Scopes};
use identity::oauth::tokens::{self, ACCESS_TYP, ID_TYP, Issue, OwnIssue, Subject, TOKEN_LIFE};
use identity::secret::Secret;
use identity::users::User;
use serde_json::json;
use store::{By, Refreshed, TakenCode};

use super::answer::{Failure, good};
use super::client_auth::authenticate;
use super::dpop::key_for_tokens;
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
    let dpop_jkt = key_for_tokens(&app, &visit, &client, "/oauth/token").await?;
    let dpop_jkt = dpop_jkt.as_deref();
    let call = Call { app: &app, visit: &visit, client: &client, form: &form, dpop_jkt };
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
    /// The key that it proved to hold (RFC 9449); what it gets is bound to it.
    pub(super) dpop_jkt: Option<&'a str>,
}

impl Call<'_> {
    /// RFC 6749 section 4.1.3.
    async fn code(&self) -> Result<Response, Failure> {
        let Self { app, visit, client, form, dpop_jkt } = *self;
        let redeemed = Redeemed {
            client: &client.id,
            redirect_uri: form.once("redirect_uri").unwrap_or(""),
            verifier: form.once("code_verifier"),
            dpop_jkt,
        };
        let id = GrantId::new(visit.now, app.entropy.as_ref());
        let refreshable = client.grant_types.contains(&GrantType::RefreshToken);
        let code = Secret::new(form.needed("code")?).digest();
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
        let Self { app, visit, client, form, dpop_jkt } = *self;
        let invalid = || Failure::new(OAuthError::InvalidGrant, NO_REFRESH);
        let presented = app.refresh_key.read(form.needed("refresh_token")?).ok_or_else(invalid)?;
        let narrowed = self.scope()?;
        if let Some(scopes) = &narrowed {
            // Before the token is used up by a request that comes to nothing.
            let found = app.store.find_grant(&presented.grant).await?.ok_or_else(invalid)?;
            if found.grant.client == client.id && !scopes.is_within(&found.grant.scopes) {
                let text = "a refresh cannot ask for more than was granted";
                return Err(Failure::new(OAuthError::InvalidScope, text));
            }
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
        let Self { app, visit, client, form, dpop_jkt } = *self;
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
        let resources = resources(form.all("resource"), client)?;
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

    /// Everything that a grant gives (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).
    async fn tokens(
        &self,
        grant: &Grant,
        user: &User,
        scopes: &Scopes,
        nonce: Option<&str>,
    ) -> Result<Response, Failure> {
        let Self { app, visit, client, dpop_jkt, .. } = *self;
        let issuer = app.issuer();
        let issue = Issue { issuer: &issuer, grant, scopes, dpop_jkt, now: visit.now };
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
