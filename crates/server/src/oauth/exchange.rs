//! Token exchange (RFC 8693): a provider's token, or one of ours, becomes one that may do less.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::applications::Application;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::federation::subject_token::claimed;
use identity::oauth::clients::{ClientKind, SigningAlgorithm};
use identity::oauth::error::OAuthError;
use identity::oauth::exchange::{ACCESS_TOKEN, Bounds, ExchangeRequest, Terms, may_bring};
use identity::oauth::tokens::{ACCESS_TYP, AccessToken};
use identity::time::Moment;
use identity::users::User;
use serde_json::{Map, Value, json};
use store::{By, Conflict, Happened};

use super::access_token::verified;
use super::answer::{Failure, good};
use super::grants::{holding, is_on};
use super::provider_token;
use super::signing::sign;
use super::token::Call;
use crate::audit::support_code;

/// What the audit calls it.
const ACTION: &str = "token.exchange";

/// One exchange of an authenticated client.
pub(super) struct Exchange<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) asked: &'a ExchangeRequest,
    /// Who acts, proved; if somebody does.
    actor: Option<AccessToken>,
}

/// Answers a request with this grant type.
pub(super) async fn answer(call: &Call<'_>) -> Result<Response, Failure> {
    if call.client.kind != ClientKind::Confidential {
        let text = "only a confidential client exchanges tokens";
        return Err(Failure::new(OAuthError::UnauthorizedClient, text));
    }
    let asked = ExchangeRequest::read(call.form, call.client)?;
    call.take_proof().await?;
    let actor = match &asked.actor {
        None => None,
        Some(token) => Some(actor(call, token.expose())?),
    };
    let exchange = Exchange { call, asked: &asked, actor };
    match claimed(asked.subject.expose()) {
        None => Err(invalid("subject_token is no JSON Web Token with an issuer (iss)")),
        Some(claimed) if claimed.issuer == call.app.issuer() => exchange.of_our_own().await,
        Some(claimed) => provider_token::answer(&exchange, &claimed).await,
    }
}

/// A client, by a token that it got from us for itself.
fn actor(call: &Call<'_>, text: &str) -> Result<AccessToken, Failure> {
    let token = verified(call.app, call.visit, text);
    let token = token.filter(|token| token.grant.is_none() && is_on(call.app, &token.client));
    let token =
        token.filter(|token| may_bring(token, call.client, call.dpop_jkt, &call.app.issuer()));
    token.ok_or_else(|| {
        invalid(
            "actor_token is no access token that a client got from here for itself and that this \
             client may bring",
        )
    })
}

impl Exchange<'_> {
    /// What the result may be, by everything that bounds it.
    pub(super) fn terms(
        &self,
        subject: Option<&AccessToken>,
        ends_at: Moment,
    ) -> Result<Terms, Failure> {
        let bounds = Bounds {
            issuer: &self.call.app.issuer(),
            client: self.call.client,
            asked: self.asked,
            subject,
            actor: self.actor.as_ref(),
            ends_at,
            now: self.call.visit.now,
        };
        Ok(bounds.terms()?)
    }

    /// An access token of ours, for something narrower, or in whose name somebody acts.
    async fn of_our_own(&self) -> Result<Response, Failure> {
        let Call { app, visit, client, dpop_jkt, .. } = *self.call;
        // Its `typ` says that it is an access token: an ID token of ours is no subject here.
        let Some(token) = verified(app, visit, self.asked.subject.expose()) else {
            return Err(invalid(
                "subject_token is no access token of this house, or it has expired",
            ));
        };
        if !may_bring(&token, client, dpop_jkt, &app.issuer()) {
            return Err(invalid(
                "subject_token was given to another client, for something else, or for another \
                 DPoP key",
            ));
        }
        let Some(grant) = &token.grant else {
            return Err(invalid("subject_token is a client's own; ask for a new one instead"));
        };
        let held = holding(app, visit, grant).await?.filter(|_| is_on(app, &token.client));
        let Some(held) = held else {
            return Err(invalid("the sign-in behind subject_token has ended"));
        };
        let user = &held.found.user;
        if !self.is_for(user) {
            return Err(invalid("subject_token is about a user of another application's kind"));
        }
        let terms = self.terms(Some(&token), token.expires_at)?;
        if let Some(act) = &terms.act {
            let happened = Happened::done(ACTION)
                .about(&user.id)
                .at(&client.application)
                .with("client", client.id.as_str())
                .with("grant", grant.as_str())
                .with("scope", terms.scopes.to_string())
                .with("act", act.clone());
            app.store.add_audit(&happened, &By::visitor(visit.note()), visit.now).await?;
        }
        self.give(&terms, &token.claims).await
    }

    /// The user types never mix: a client gets nothing about people who could not sign in at its
    /// application.
    fn is_for(&self, user: &User) -> bool {
        self.door().is_some_and(|door| {
            door.user_type == user.user_type && door.population == user.population
        })
    }

    pub(super) fn door(&self) -> Option<Arc<Application>> {
        let Call { app, client, .. } = *self.call;
        app.directory.now().application(client.application.as_str())
    }

    /// RFC 8693 section 2.2.1.
    pub(super) async fn give(
        &self,
        terms: &Terms,
        person: &Map<String, Value>,
    ) -> Result<Response, Failure> {
        let Call { app, visit, client, dpop_jkt, .. } = *self.call;
        let claims = terms.claims(person, client, dpop_jkt, &self.call.jti(), visit.now);
        let token = sign(app, SigningAlgorithm::Es256, ACCESS_TYP, &claims).await?;
        Ok(good(json!({
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": self.call.token_type(),
            "expires_in": terms.life(visit.now).as_secs(),
            "scope": terms.scopes.to_string(),
        })))
    }

    /// Notes a refusal that no decision was needed for; gives its support code.
    pub(super) async fn note_refused(
        &self,
        provider: Option<&Provider>,
        refusal: Refusal,
        detail: Map<String, Value>,
    ) -> Result<String, Failure> {
        let Call { app, visit, client, .. } = *self.call;
        let mut happened = Happened::refused(ACTION, refusal.code()).at(&client.application);
        happened.provider = provider.map(|provider| provider.id.clone());
        happened.detail = detail;
        let happened = happened.with("client", client.id.as_str());
        let by = By::visitor(visit.note());
        loop {
            let code = support_code(app.entropy.as_ref());
            let entry = happened.clone().coded(code.as_str());
            match app.store.add_refusal(&entry, &by, visit.now).await {
                Err(store::Error::Conflict(Conflict::KeyTaken)) => {}
                outcome => return outcome.map(|()| code).map_err(Into::into),
            }
        }
    }

    /// The standard error with our reason, the code that finds it in the audit, and the address
    /// where the person can do something about it (RFC 6749 section 5.2: `error_uri`).
    pub(super) fn refuse(
        &self,
        error: OAuthError,
        refusal: Refusal,
        provider: Option<&Provider>,
        support_code: &str,
    ) -> Response {
        let Call { app, client, .. } = *self.call;
        let login = format!("/{}/login", client.application);
        let path = match provider {
            Some(provider) if refusal != Refusal::AccountUnconfirmed => {
                format!("{login}/{}", provider.key)
            }
            _ => login,
        };
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({
            "error": error.code(),
            "error_description": refusal.meaning(),
            "error_uri": app.url(&path),
            "reason": refusal.code(),
            "support_code": support_code,
        });
        (status, Json(body)).into_response()
    }
}

/// RFC 8693 section 2.2.2: whatever is wrong with either token is this error.
pub(super) fn invalid(text: &str) -> Failure {
    Failure::new(OAuthError::InvalidRequest, text)
}
