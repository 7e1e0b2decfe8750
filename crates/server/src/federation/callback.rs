//! The way back: six steps from a provider's answer to a session, or to a refusal with its reason.

use std::sync::Arc;

use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::federation::attempt::{Answer, Attempt, Intent, application_of};
use identity::federation::claims;
use identity::federation::decide::{Arrival, decide};
use identity::federation::external::ExternalIdentity;
use identity::federation::hook::HookWord;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::ProofId;
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use store::{By, NewProof, NewSession, Recalled, Settle, Settled};
use url::form_urlencoded;

use super::address::address_letter;
use super::refused::Refused;
use super::secrets::SecretError;
use super::trip::{Stop, Trip};
use super::upstream::{Exchange, Proof};
use super::{hook, link};
use crate::app::App;
use crate::audit::support_code;
use crate::error::PageError;
use crate::metrics::{PROOF_ASKED, SIGNED_IN};
use crate::pages::View;
use crate::sessions::replace::{begin_here, end_previous};
use crate::visit::Visit;

/// `GET /login/callback/{provider}`
pub async fn arrive(
    State(app): State<App>,
    visit: Visit,
    Path(key): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        // Whoever only looks must not use the trip up.
        return Err(PageError::MethodNotAllowed);
    }
    let way = Way { app: &app, visit: &visit, key: Some(&key) };
    way.answer(query.unwrap_or_default().as_bytes()).await
}

/// `GET /login/callback`: without a provider in the address, only `iss` says whose answer it is,
/// so it serves those providers alone that promised it (RFC 9700 section 4.4.2).
pub async fn bare(
    State(app): State<App>,
    visit: Visit,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        return Err(PageError::MethodNotAllowed);
    }
    let way = Way { app: &app, visit: &visit, key: None };
    way.answer(query.unwrap_or_default().as_bytes()).await
}

/// `POST /login/callback/{provider}`: `form_post` (OAuth 2.0 Form Post Response Mode). It comes
/// from the provider's page, and SameSite=Lax cookies stay at home then; so it changes nothing and
/// gets a page of ours that posts the same once more.
pub async fn repost(
    State(app): State<App>,
    visit: Visit,
    Path(key): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, PageError> {
    let way = Way { app: &app, visit: &visit, key: Some(&key) };
    let reposted = form_urlencoded::parse(&form).any(|(name, _)| name == "reposted");
    if reposted { way.answer(&form).await } else { way.once_more(&form).await }
}

/// One request to a redirect URI.
struct Way<'a> {
    app: &'a App,
    visit: &'a Visit,
    /// The provider that the path names.
    key: Option<&'a str>,
}

impl Way<'_> {
    async fn answer(&self, pairs: &[u8]) -> Result<Response, PageError> {
        let ended = match self.read(pairs) {
            Ok(answer) => self.end(&answer).await,
            Err(refused) => Err(refused.into()),
        };
        match ended {
            Ok(response) => Ok(response),
            Err(Stop::Refused(refused)) => refused.answer(self.app, self.visit).await,
            Err(Stop::Page(error)) => Err(error),
        }
    }

    /// The whole trip back, in the order of the design.
    async fn end(&self, answer: &Answer) -> Result<Response, Stop> {
        // 1 recall
        let trip = match self.recall(answer).await? {
            Recall::Taken(attempt) => self.trip(attempt)?,
            Recall::SignedInBefore(attempt) => {
                let target = self.trip(attempt)?.target();
                return Ok(Redirect::to(&target).into_response());
            }
        };
        // 2 accept
        let code = trip
            .attempt
            .accept(&trip.provider, answer, self.visit.now)
            .map_err(|refusal| trip.not_accepted(refusal, answer))?;
        // 3 exchange: the only network, and no transaction is open
        let exchange = Exchange {
            provider: &trip.provider,
            attempt: &trip.attempt,
            code: &code,
            client_secret: &self.client_secret(&trip).await?,
        };
        let proof = self.app.upstream.exchange(&exchange, self.app.clock.as_ref()).await;
        let proof = proof.map_err(|failure| trip.failed(failure))?;
        // 4 read
        let external = claims::read(&trip.provider, &proof.id, proof.userinfo.as_ref())
            .map_err(|refusal| trip.refused(refusal).with("claims", proof.redacted()))?;
        let (app, visit) = (self.app, self.visit);
        match &trip.attempt.intent {
            Intent::SignIn => {}
            Intent::Link(asker) => {
                return link::settle(app, visit, &trip, asker, external, &proof).await;
            }
            Intent::Prove(id) => {
                let back = super::proof::come_back(app, visit, &trip, id, external, &proof);
                return Box::pin(back).await;
            }
        }
        // 5 settle
        let token = Secret::generate(self.app.entropy.as_ref());
        // 6 answer
        match self.settle(&trip, external, &proof, &token).await? {
            Settled::SignedIn { user, changed, .. } => {
                if changed {
                    // Their other sessions here show it at once; other processes read of it.
                    self.app.forget_user(&user.id);
                }
                self.app.metrics.provider(Some(&trip.door), Some(&trip.provider), SIGNED_IN);
                Ok(self.welcome(&trip, &token).await)
            }
            Settled::AskedForProof { proof } => {
                self.app.metrics.provider(Some(&trip.door), Some(&trip.provider), PROOF_ASKED);
                Ok(Redirect::to(&super::proof::place(&trip.door, &proof)).into_response())
            }
            Settled::Refused { reason, support_code } => {
                Err(Refused { support_code: Some(support_code), ..trip.refused(reason) }.into())
            }
        }
    }

    fn read(&self, pairs: &[u8]) -> Result<Answer, Box<Refused>> {
        let pairs: Vec<_> = form_urlencoded::parse(pairs).collect();
        let pairs = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        Answer::parse(pairs).map_err(|fault| {
            let refused = Refused::new(fault.into()).with("detail", fault.to_string());
            Box::new(Refused { provider: self.named_provider(), ..refused })
        })
    }

    /// The trip, taken now and by nobody else; or where a repeated answer goes whose trip has
    /// already made a session in this browser.
    async fn recall(&self, answer: &Answer) -> Result<Recall, Stop> {
        let state = answer.state.as_deref();
        let lost = || Refused {
            application: state.and_then(application_of).and_then(|key| self.door(key)),
            provider: self.named_provider(),
            ..Refused::new(Refusal::AttemptUnknown)
        };
        let digest = answer.state_digest().ok_or_else(lost)?;
        // A browser without our cookie has begun no trip: nothing equals a fresh secret.
        let (browser, _) = self.visit.browser_or_new(self.app);
        let now = self.visit.now;
        let (refusal, application, return_to) =
            match self.app.store.take_attempt(&digest, &browser.digest(), now).await? {
                Recalled::Taken(attempt) => return Ok(Recall::Taken(attempt)),
                Recalled::Unknown => return Err(lost().into()),
                Recalled::Replayed { attempt, session }
                    if session.as_ref().is_some_and(|session| session.at(now).is_ok()) =>
                {
                    return Ok(Recall::SignedInBefore(attempt));
                }
                Recalled::Replayed { attempt, .. } => {
                    (Refusal::AttemptReplayed, attempt.application, attempt.return_to)
                }
                Recalled::Expired(attempt) => {
                    (Refusal::AttemptExpired, attempt.application, attempt.return_to)
                }
                Recalled::ForeignBrowser { application, return_to } => {
                    (Refusal::AttemptForeign, application, return_to)
                }
            };
        let refused = Refused {
            application: self.door(application.as_str()),
            provider: self.named_provider(),
            // A path alone: it may be told to a browser that did not choose it.
            return_to: ReturnTo::parse(&return_to, &[]),
            ..Refused::new(refusal)
        };
        Err(refused.into())
    }

    /// The trip with its door and the provider whose address this is.
    fn trip(&self, attempt: Attempt) -> Result<Trip, Stop> {
        let listing = self.app.directory.now();
        let door = self.door(attempt.application.as_str()).ok_or(PageError::NotFound)?;
        let refuse = |refusal, provider| Refused {
            application: Some(Arc::clone(&door)),
            provider,
            return_to: ReturnTo::parse(&attempt.return_to, &door.return_origins),
            ..Refused::new(refusal)
        };
        let provider = match self.key {
            Some(key) => listing.provider(key),
            None => listing.provider_by_id(&attempt.provider),
        };
        let Some(provider) = provider else {
            return Err(refuse(Refusal::ProviderNotConnected, None).into());
        };
        if self.key.is_none() && !provider.promises_iss {
            return Err(refuse(Refusal::IssuerMismatch, Some(provider)).into());
        }
        Ok(Trip { attempt, door, provider })
    }

    async fn client_secret(&self, trip: &Trip) -> Result<Secret, Stop> {
        let Self { app, .. } = self;
        match app.upstream.client_secret(&app.store, &app.keyring, &trip.provider).await {
            Ok(secret) => Ok(secret),
            Err(SecretError::Store(error)) => Err(error.into()),
            // Ours to mend, and nothing that the provider could help: the log says what it is.
            Err(error) => Err(PageError::broken(error).into()),
        }
    }

    async fn settle(
        &self,
        trip: &Trip,
        external: ExternalIdentity,
        proof: &Proof,
        token: &Secret,
    ) -> Result<Settled, Stop> {
        let Self { app, visit, .. } = self;
        let mut note = visit.note();
        note.detail.insert("claims".to_owned(), proof.redacted());
        let now = app.now();
        let application = Application::clone(&trip.door);
        let arrival = Arrival { external, application, hook: HookWord::Unasked, shown: None, now };
        // Still the network, and still no transaction: what the operator's own hook says to it.
        let arrival = hook::ask(app, arrival, decide).await?;
        let settle = Settle {
            attempt: Some(trip.attempt.id.clone()),
            session: NewSession {
                token: token.digest(),
                application: trip.door.key.clone(),
                methods: vec![identity::sessions::Method::Provider],
                auth_time: trip.attempt.auth_time(proof.id.auth_time, now),
                times: trip.door.session,
                organisation: None,
                browser: visit.browser.as_ref().map(Secret::digest),
                user_agent: Some(visit.user_agent.clone()),
            },
            support_code: support_code(app.entropy.as_ref()),
            by: By::visitor(note),
            letter: Some(address_letter(app, &trip.door, &trip.provider, now)),
            proof: visit.browser.as_ref().map(|browser| NewProof {
                id: ProofId::new(now, app.entropy.as_ref()),
                browser: browser.digest(),
                return_to: trip.attempt.return_to.clone(),
            }),
            arrival,
        };
        match app.store.settle(&settle, |known| decide(&settle.arrival, known)).await {
            // The provider was removed while we asked it.
            Err(store::Error::NotFound) => Err(trip.refused(Refusal::ProviderNotConnected).into()),
            outcome => Ok(outcome?),
        }
    }

    /// A new session at every sign-in (against fixation); the one before it ends.
    async fn welcome(&self, trip: &Trip, token: &Secret) -> Response {
        let Self { app, visit, .. } = self;
        end_previous(app, &trip.door, visit).await;
        let mut response = Redirect::to(&trip.target()).into_response();
        begin_here(app, &trip.door, visit, token, &mut response);
        response
    }

    /// The page that posts the answer once more, from our own site and with our cookies.
    async fn once_more(&self, form: &[u8]) -> Result<Response, PageError> {
        let answer = match self.read(form) {
            Ok(answer) => answer,
            Err(refused) => return refused.answer(self.app, self.visit).await,
        };
        let Some(provider) = self.named_provider() else {
            let refused = Refused::new(Refusal::ProviderNotConnected);
            return refused.answer(self.app, self.visit).await;
        };
        let door = answer.state.as_deref().and_then(application_of).and_then(|key| self.door(key));
        let fields: Vec<_> = [
            ("code", answer.code),
            ("state", answer.state),
            ("iss", answer.iss),
            ("error", answer.error),
            ("error_description", answer.error_description),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| minijinja::context! { name, value }))
        .collect();
        let mut view = View::new("repost.html", "Almost there")
            .with("provider", provider.name.as_str())
            .with("action", format!("/login/callback/{}", provider.key))
            .with("fields", fields);
        if let Some(door) = &door {
            // The sign-in behind this form may end at an application, or on a protected host.
            let listing = self.app.directory.now();
            view = view
                .at(door)
                .form_may_lead_to(listing.redirect_origins(&door.key))
                .form_may_lead_to(listing.host_origins(&door.key));
        }
        Ok(self.app.pages.page(StatusCode::OK, &view))
    }

    fn door(&self, key: &str) -> Option<Arc<Application>> {
        self.app.directory.now().application(key)
    }

    fn named_provider(&self) -> Option<Arc<Provider>> {
        self.key.and_then(|key| self.app.directory.now().provider(key))
    }
}

/// What a state leads to.
enum Recall {
    /// A trip that is ended now.
    Taken(Attempt),
    /// A trip that ended well before, in this browser.
    SignedInBefore(Attempt),
}
