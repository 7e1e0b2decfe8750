//! `/{application}/break-glass`: the way in when nothing else works, with a password and a sealed
//! code, once. No page leads here, and there is none unless a code is sealed.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::break_glass::{code_digest, session_times};
use identity::ids::UserId;
use identity::passwords::received;
use identity::secret::{Digest, Secret};
use identity::sessions::Method;
use identity::throttle::{Reservation, settled_ok};
use serde::Deserialize;
use store::{Conflict, GlassOutcome, NewSession, Opening};

use super::sign_in::Trial;
use crate::app::App;
use crate::audit::support_code;
use crate::error::PageError;
use crate::mail::{Letter, seal};
use crate::metrics::SIGNED_IN;
use crate::pages::{FORM_EXPIRED, Notice, SentBack, View, form_page, minutes_in_words, wait_page};
use crate::sessions::replace::{begin_here, end_previous};
use crate::visit::{Door, Visit};

/// One text for every way in which an address, a password and a code do not fit.
const NEUTRAL: &str = "That address, password and code do not open this door. Please check all \
                       three; a code works once.";

/// The form.
#[derive(Deserialize)]
pub struct GlassForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    code: Secret,
}

/// What came of it.
enum Outcome {
    Opened { token: Secret },
    Refused { support_code: Option<String> },
    Wait { minutes: u64 },
    Barrier,
}

impl Outcome {
    /// Stable name for metrics.
    const fn code(&self) -> &'static str {
        match self {
            Self::Opened { .. } => SIGNED_IN,
            Self::Refused { .. } => "not_accepted",
            Self::Wait { .. } => "throttled",
            Self::Barrier => "needs_reset",
        }
    }
}

/// `GET /{application}/break-glass`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Query(back): Query<SentBack>,
) -> Result<Response, PageError> {
    sealed_here(&app, &door).await?;
    let view = back.told(view(&door, ""));
    Ok(form_page(&app, &visit, StatusCode::OK, view))
}

/// `POST /{application}/break-glass`
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<GlassForm>,
) -> Result<Response, PageError> {
    sealed_here(&app, &door).await?;
    let view = view(&door, form.email.trim());
    let told =
        |text: &str, code| view.clone().notice(Some(Notice::Problem(text.to_owned()))).reason(code);
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let view = told(FORM_EXPIRED, "form_expired");
        return Ok(form_page(&app, &visit, StatusCode::FORBIDDEN, view));
    }
    let outcome = open(&app, &door, &visit, form).await?;
    app.metrics.break_glass(&door, outcome.code());
    Ok(match outcome {
        Outcome::Opened { token } => {
            let mut response = Redirect::to(&format!("/{}", door.key)).into_response();
            begin_here(&app, &door, &visit, &token, &mut response);
            response
        }
        Outcome::Refused { support_code } => {
            let view = told(NEUTRAL, "not_accepted").with("support_code", support_code);
            form_page(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, view)
        }
        Outcome::Wait { minutes } => {
            let wait = minutes_in_words(minutes);
            let text = format!("Too many failed tries. Please wait {wait} before the next one.");
            wait_page(&app, &visit, minutes, told(&text, "throttled"))
        }
        Outcome::Barrier => {
            let text = "There were too many failed tries in a row. On the machine that runs this, \
                        set a new password: vestibule users set-password ADDRESS. The sealed code \
                        stays good.";
            let view = told(text, "needs_reset");
            form_page(&app, &visit, StatusCode::TOO_MANY_REQUESTS, view)
        }
    })
}

/// Nothing says that the page could be here, unless it is.
async fn sealed_here(app: &App, door: &Application) -> Result<(), PageError> {
    if door.local_login || !app.store.has_usable_seal(&door.key).await? {
        return Err(PageError::NotFound);
    }
    Ok(())
}

fn view(door: &Application, email: &str) -> View {
    View::new("break_glass.html", "Break the glass").at(door).with("email", email).notice(None)
}

/// Counted and verified as every password is; only then the code is looked at, in the transaction
/// that uses it up.
async fn open(
    app: &App,
    door: &Application,
    visit: &Visit,
    form: GlassForm,
) -> Result<Outcome, PageError> {
    let trial = Trial::begin(app, door, visit, &form.email).await?;
    // As at the login: what no password can be is not tried, and not counted.
    let Some(password) = received(form.password.expose()) else {
        return Ok(Outcome::Refused { support_code: None });
    };
    match trial.reserve().await? {
        Reservation::Wait { minutes } => return Ok(Outcome::Wait { minutes }),
        Reservation::Barrier => return Ok(Outcome::Barrier),
        Reservation::Granted { .. } => {}
    }
    let is_right = trial.check(&password).await?.ok;
    let verified_hash = trial.stored_hash().filter(|_| is_right);
    let try_ = Try { trial: &trial, verified_hash, code: code_digest(&form.code) };
    // A support code that was given out before is drawn again.
    loop {
        match try_.once().await {
            Err(store::Error::Conflict(Conflict::KeyTaken)) => {}
            outcome => return Ok(outcome?),
        }
    }
}

/// A password that was verified, and a code.
struct Try<'a> {
    trial: &'a Trial<'a>,
    verified_hash: Option<&'a str>,
    code: Digest,
}

impl Try<'_> {
    async fn once(&self) -> Result<Outcome, store::Error> {
        let Trial { app, door, visit, login, buckets, throttles, by, .. } = self.trial;
        let token = Secret::generate(app.entropy.as_ref());
        let support_code = support_code(app.entropy.as_ref());
        let session = NewSession {
            token: token.digest(),
            application: door.key.clone(),
            methods: vec![Method::Password, Method::BreakGlass],
            auth_time: Some(visit.now),
            times: session_times(door.session),
            organisation: None,
            browser: visit.browser.as_ref().map(Secret::digest),
            user_agent: Some(visit.user_agent.clone()),
        };
        let opening = Opening {
            user: login.as_ref().map(|login| &login.user.id),
            verified_hash: self.verified_hash,
            code: &self.code,
            session: &session,
            buckets,
            support_code: &support_code,
            by,
        };
        let counters = |now: &[_]| settled_ok(throttles, visit.now, now);
        let letter = |to: &UserId| self.letter(to, &support_code);
        let outcome = app.store.open_break_glass(&opening, counters, letter, visit.now).await?;
        Ok(match outcome {
            GlassOutcome::Refused(_) => Outcome::Refused { support_code: Some(support_code) },
            GlassOutcome::Opened { user, .. } => {
                tracing::warn!(door = %door.key, user = %user.id, support_code, "the glass is broken");
                end_previous(app, door, visit).await;
                Outcome::Opened { token }
            }
        })
    }

    /// Tells an administrator; asked for in the transaction, and sealed there.
    fn letter(&self, to: &UserId, support_code: &str) -> Result<store::NewMail, String> {
        let Trial { app, door, visit, login, .. } = self.trial;
        let letter = Letter::GlassBroken {
            application: door.key.clone(),
            to: to.clone(),
            by: login.as_ref().map_or_else(|| to.clone(), |login| login.user.id.clone()),
            network: visit.note().address.unwrap_or_default(),
            at: visit.now,
            support_code: support_code.to_owned(),
        };
        seal(&app.keyring, app.entropy.as_ref(), &letter, visit.now)
            .map_err(|error| error.to_string())
    }
}
