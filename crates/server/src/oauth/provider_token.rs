//! A provider's token in exchange for ours (RFC 8693): proved, decided as at a callback, and given
//! a session that lasts as long as the token that comes of it.

use axum::response::Response;
use identity::applications::Application;
use identity::federation::claims;
use identity::federation::decide::Arrival;
use identity::federation::exchange::{Brought, decide_exchange};
use identity::federation::external::ExternalIdentity;
use identity::federation::hook::HookWord;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::federation::subject_token::{Claimed, SubjectToken};
use identity::ids::GrantId;
use identity::oauth::error::OAuthError;
use identity::oauth::exchange::Terms;
use identity::oauth::grants::Grant;
use identity::oauth::tokens::{self, Issue};
use identity::secret::Secret;
use identity::sessions::{Method, Session, SessionTimes};
use identity::users::User;
use serde_json::{Map, Value};
use store::{By, NewSession, Settle, Settled};

use super::answer::Failure;
use super::exchange::{Exchange, invalid};
use super::token::Call;
use crate::audit::support_code;
use crate::error::PageError;
use crate::federation::address::address_letter;
use crate::federation::hook;
use crate::federation::upstream::{self, BroughtToken};

/// Exchanges a token that says it is a provider's.
pub(super) async fn answer(
    exchange: &Exchange<'_>,
    claimed: &Claimed,
) -> Result<Response, Failure> {
    let Call { app, client, .. } = *exchange.call;
    let door = exchange.door().ok_or_else(|| Failure::from(PageError::broken("a lost client")))?;
    let Some(lent) = app.directory.now().lending(&door.key, claimed) else {
        let refusal = Refusal::ProviderNotConnected;
        return refused(exchange, OAuthError::InvalidRequest, refusal, None, Map::new()).await;
    };
    let provider = lent.provider.as_ref();
    if lent.connection.exchange_audiences.is_empty() {
        let (error, refusal) = (OAuthError::InvalidRequest, Refusal::ExchangeOff);
        return refused(exchange, error, refusal, Some(provider), Map::new()).await;
    }
    let brought = BroughtToken {
        token: &exchange.asked.subject,
        kind: exchange.asked.kind,
        audiences: &lent.connection.exchange_audiences,
        house: &app.issuer(),
    };
    // The only network; no transaction is open.
    let subject = match app.upstream.prove(provider, &brought, app.clock.as_ref()).await {
        Ok(subject) => subject,
        Err(failure) => return failed(exchange, provider, failure).await,
    };
    // What is wrong with the rest of the request does not use the token up.
    let terms = exchange.terms(None, subject.expires_at)?;
    let external = match claims::read(provider, &subject.claims, None) {
        Ok(external) => external,
        Err(refusal) => {
            let error = OAuthError::InvalidRequest;
            return refused(exchange, error, refusal, Some(provider), Map::new()).await;
        }
    };
    if !app.store.take_once(&client.id, &subject.id).await? {
        return Err(invalid("subject_token was exchanged before; bring a new one each time"));
    }
    let visitor = Visitor { exchange, door: &door, provider, audiences: &claimed.audiences };
    visitor.settle(external, &subject, &terms).await
}

/// What the provider's word is worth here, and whether it could be had.
async fn failed(
    exchange: &Exchange<'_>,
    provider: &Provider,
    failure: upstream::Failure,
) -> Result<Response, Failure> {
    let error = match failure.refusal {
        Refusal::TokenInvalid => OAuthError::InvalidRequest,
        _ => OAuthError::TemporarilyUnavailable,
    };
    let mut detail = Map::new();
    detail.insert("detail".to_owned(), failure.detail.into());
    if let Some(claims) = failure.claims {
        detail.insert("claims".to_owned(), claims);
    }
    refused(exchange, error, failure.refusal, Some(provider), detail).await
}

async fn refused(
    exchange: &Exchange<'_>,
    error: OAuthError,
    refusal: Refusal,
    provider: Option<&Provider>,
    detail: Map<String, Value>,
) -> Result<Response, Failure> {
    let code = exchange.note_refused(provider, refusal, detail).await?;
    Ok(exchange.refuse(error, refusal, provider, &code))
}

/// Somebody for whom a token has been proved.
struct Visitor<'a> {
    exchange: &'a Exchange<'a>,
    door: &'a Application,
    provider: &'a Provider,
    /// Whom the token is for; its signature has been checked meanwhile.
    audiences: &'a [String],
}

impl Visitor<'_> {
    async fn settle(
        &self,
        external: ExternalIdentity,
        subject: &SubjectToken,
        terms: &Terms,
    ) -> Result<Response, Failure> {
        let app = self.exchange.call.app;
        let brought = Brought { kind: self.exchange.asked.kind, audiences: self.audiences };
        let decider = |arrival: &_, known: &_| decide_exchange(arrival, known, brought);
        let (application, now) = (self.door.clone(), self.exchange.call.visit.now);
        let arrival = Arrival { external, application, hook: HookWord::Unasked, shown: None, now };
        let arrival = hook::ask(app, arrival, decider).await?;
        let settle = self.arrive(arrival, subject, terms);
        let decider = |known: &_| decider(&settle.arrival, known);
        match app.store.settle(&settle, decider).await? {
            Settled::SignedIn { session, user, .. } => self.give(&session, &user, terms).await,
            // A client shows nothing for anybody: `decide_exchange` refuses before.
            Settled::AskedForProof { .. } => {
                Err(PageError::broken("a token in exchange was asked for proof").into())
            }
            Settled::Refused { reason, support_code } => {
                let (error, provider) = (OAuthError::InvalidGrant, Some(self.provider));
                Ok(self.exchange.refuse(error, reason, provider, &support_code))
            }
        }
    }

    /// A session of its own, so that whatever ends sessions ends this, and with no cookie: the
    /// secret that would be in one is thrown away.
    fn arrive(&self, arrival: Arrival, subject: &SubjectToken, terms: &Terms) -> Settle {
        let Call { app, visit, client, .. } = *self.exchange.call;
        let mut note = visit.note();
        let said = claims::redacted(&Value::Object(subject.claims.claims.clone()));
        note.detail.insert("claims".to_owned(), serde_json::json!({ "subject_token": said }));
        note.detail.insert("client".to_owned(), client.id.as_str().into());
        if let Some(act) = &terms.act {
            note.detail.insert("act".to_owned(), act.clone());
        }
        let life = terms.life(visit.now);
        Settle {
            attempt: None,
            session: NewSession {
                token: Secret::generate(app.entropy.as_ref()).digest(),
                application: self.door.key.clone(),
                methods: vec![Method::Provider],
                auth_time: subject.signed_in_at,
                times: SessionTimes { idle: life, absolute: life },
                organisation: None,
                browser: None,
                user_agent: Some(visit.user_agent.clone()),
            },
            support_code: support_code(app.entropy.as_ref()),
            by: By::visitor(note),
            letter: Some(address_letter(app, self.door, self.provider, visit.now)),
            proof: None,
            arrival,
        }
    }

    /// No refresh token, and of how the person signed in there only when: what the provider calls
    /// a class of sign-in is not one of ours.
    async fn give(
        &self,
        session: &Session,
        user: &User,
        terms: &Terms,
    ) -> Result<Response, Failure> {
        let Call { app, visit, client, .. } = *self.exchange.call;
        let issuer = app.issuer();
        let resources = terms.audience.iter().filter(|one| **one != issuer).cloned();
        let grant = Grant {
            id: GrantId::new(visit.now, app.entropy.as_ref()),
            client: client.id.clone(),
            user: user.id.clone(),
            session: session.id.clone(),
            offline: false,
            scopes: terms.scopes.clone(),
            resources: resources.collect(),
            organisation: session.organisation.clone(),
            methods: session.methods.clone(),
            auth_time: session.auth_time,
            dpop_jkt: None,
            generation: 0,
            refreshed_at: visit.now,
            created_at: visit.now,
            revoked_at: None,
        };
        app.store.add_grant(&grant).await?;
        let issue = Issue {
            issuer: &issuer,
            grant: &grant,
            scopes: &terms.scopes,
            resources: &grant.resources,
            dpop_jkt: None,
            now: visit.now,
        };
        let person = tokens::access_token(issue, &user.public_id, "");
        self.exchange.give(terms, &person).await
    }
}
