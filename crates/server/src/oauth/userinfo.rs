//! `/oauth/userinfo`: what a token may see of its person, as they are now (OpenID Connect Core
//! 5.3).

use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use identity::oauth::dpop::ProofFault;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::scopes::OPENID;
use identity::oauth::tokens::{AccessToken, Subject, userinfo};
use serde_json::Value;

use super::access_token::verified;
use super::answer::{Failure, Scheme, good, token_failure, token_wanted};
use super::dpop;
use super::grants::{holding, is_on};
use crate::app::App;
use crate::visit::Visit;

/// Where it is asked; proofs of possession name it.
const PATH: &str = "/oauth/userinfo";

/// `GET` and `POST /oauth/userinfo`
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some((scheme, text)) = presented(&headers) else { return Ok(token_wanted()) };
    let invalid =
        |text: &str| token_failure(scheme, &OAuthFault::new(OAuthError::InvalidToken, text));
    let Some(token) = verified(&app, &visit, text) else {
        return Ok(invalid("this is no access token of this house, or it has expired"));
    };
    match check_key(&app, &visit, &method, (scheme, text), &token).await? {
        Ok(()) => {}
        Err(fault) => return Ok(token_failure(Scheme::Dpop, &fault)),
    }
    if !token.audience.contains(&app.issuer()) || !token.scopes.contains(OPENID) {
        let text = "this access token was not asked for with the scope openid";
        let fault = OAuthFault::new(OAuthError::InsufficientScope, text);
        return Ok(token_failure(scheme, &fault));
    }
    let held = match &token.grant {
        // A token that was exchanged is another client's than the grant behind it.
        Some(grant) if is_on(&app, &token.client) => holding(&app, &visit, grant).await?,
        _ => None,
    };
    let Some(held) = held else {
        return Ok(invalid("the sign-in behind this access token has ended"));
    };
    let organisation = held.found.grant.organisation.as_ref();
    let subject = Subject { user: &held.found.user, groups: &held.groups, organisation };
    Ok(good(Value::Object(userinfo(subject, &token.scopes))))
}

/// The token of the `Authorization` header (RFC 6750 section 2.1, RFC 9449 section 7.1), which is
/// the only place: in an address it would be logged, and in a form it would be a form.
fn presented(headers: &HeaderMap) -> Option<(Scheme, &str)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (name, token) = text.split_once(' ')?;
    let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let (_, scheme) = schemes.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
    Some((scheme, token.trim()))
}

/// RFC 9449 sections 7.1 and 7.2: a token that is bound to a key comes with a proof of that key,
/// and never as a bearer's.
async fn check_key(
    app: &App,
    visit: &Visit,
    method: &Method,
    (scheme, text): (Scheme, &str),
    token: &AccessToken,
) -> Result<Result<(), OAuthFault>, store::Error> {
    let invalid = |text: &str| Ok(Err(OAuthFault::new(OAuthError::InvalidToken, text)));
    let bound = match (scheme, &token.dpop_jkt) {
        (Scheme::Bearer, None) => return Ok(Ok(())),
        (Scheme::Bearer, Some(_)) => {
            return invalid("this access token is bound to a key; send it as DPoP, with a proof");
        }
        (Scheme::Dpop, None) => {
            return invalid("this access token is bound to no key; send it as Bearer");
        }
        (Scheme::Dpop, Some(bound)) => bound,
    };
    let proof = match dpop::read(app, visit, method, PATH, Some(text)) {
        Ok(Some(proof)) if proof.jkt == *bound => proof,
        Ok(Some(_)) => return Ok(Err(ProofFault::OtherKey.into())),
        Ok(None) => return Ok(Err(ProofFault::Number.into())),
        Err(fault) => return Ok(Err(fault.into())),
    };
    let first = app.store.take_once(&token.client, &proof.id).await?;
    Ok(if first { Ok(()) } else { Err(ProofFault::Replayed.into()) })
}
