//! The sample shop of the demo: an ordinary OpenID client, as a developer of an application writes
//! one. It knows Vestibule's address and its own secret, and nothing else of Vestibule.

mod heard;
mod issuer;
mod memory;
mod pages;

use std::io;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router, middleware};
use identity::secret::Secret;
use identity::time::Moment;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::clock::{Clock, SystemClock, SystemEntropy};
use issuer::{Issuer, Trip};
use memory::{Cookies, Memory, Session};
use pages::{Pages, STYLE, Shown, headers};

/// Its client id.
pub(super) const CLIENT: &str = "demo-shop";

/// Its secret. Real ones are drawn by `vestibule clients add`.
pub(super) const CLIENT_SECRET: &str = "demo-shop-secret";

/// Where people come back with a code.
pub(super) const CALLBACK: &str = "/callback";

/// Where it hears of logouts that began elsewhere.
pub(super) const BACKCHANNEL_LOGOUT: &str = "/backchannel-logout";

/// Where people come back signed out.
pub(super) const SIGNED_OUT: &str = "/signed-out";

/// Everything that the shop has.
pub(super) struct Shop {
    url: String,
    issuer: Issuer,
    cookies: Cookies,
    memory: Memory,
    pages: Pages,
}

impl Shop {
    /// A shop at `url` that signs its people in through `issuer`.
    pub(super) fn new(url: &str, issuer: &str) -> Result<Self, reqwest::Error> {
        Ok(Self {
            url: url.to_owned(),
            issuer: Issuer::new(issuer, format!("{url}{CALLBACK}"))?,
            cookies: Cookies::at(url),
            memory: Memory::default(),
            pages: Pages::new(),
        })
    }

    fn now(&self) -> Moment {
        SystemClock.now()
    }

    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        self.memory.session(&self.cookies.session(headers)?, self.now())
    }
}

/// Serves until `stop` comes.
pub(super) async fn serve(
    shop: Shop,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let shop = Arc::new(shop);
    let router = Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route(CALLBACK, get(callback))
        .route("/logout", post(logout))
        .route(BACKCHANNEL_LOGOUT, post(heard::hear))
        .route(SIGNED_OUT, get(signed_out))
        .route("/style.css", get(|| async { ([(header::CONTENT_TYPE, "text/css")], STYLE) }))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(&shop), headers))
        .with_state(shop);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// `GET /`
async fn home(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let session = shop.session(&headers);
    shop.pages.answer(StatusCode::OK, &Shown { session: session.as_ref(), ..Shown::default() })
}

/// `GET /login`: off to Vestibule, with everything remembered that the answer is compared with.
async fn login(State(shop): State<Arc<Shop>>) -> Response {
    let trip = Trip::new(&SystemEntropy);
    let place = match shop.issuer.place_to_sign_in(&trip).await {
        Ok(place) => place,
        Err(problem) => return shop.pages.problem(StatusCode::BAD_GATEWAY, &problem.to_string()),
    };
    let cookie = shop.cookies.set_trip(&trip.state);
    shop.memory.add_trip(trip, shop.now());
    ([(header::SET_COOKIE, cookie)], Redirect::to(&place)).into_response()
}

/// What Vestibule sends people back with (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    state: String,
    code: Secret,
    iss: String,
    error: Option<String>,
}

/// `GET /callback`
async fn callback(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    // An answer is taken once, and only in the browser that asked.
    let asked = shop.cookies.trip(&headers).filter(|state| state.matches(&answer.state));
    let trip = asked.and_then(|state| shop.memory.take_trip(&state, shop.now()));
    let Some(trip) = trip else {
        let problem = "This browser has not asked to sign in, or not lately.";
        return shop.pages.problem(StatusCode::BAD_REQUEST, problem);
    };
    if answer.iss != shop.issuer.url() {
        let problem = "The answer did not come from where you were sent.";
        return shop.pages.problem(StatusCode::BAD_REQUEST, problem);
    }
    if let Some(error) = answer.error {
        let problem = if error == "access_denied" {
            "The sign-in was cancelled.".to_owned()
        } else {
            format!("Vestibule answered with the error \"{error}\".")
        };
        return shop.pages.problem(StatusCode::OK, &problem);
    }
    let proved = match shop.issuer.redeem(&answer.code, &trip, shop.now()).await {
        Ok(proved) => proved,
        Err(problem) => return shop.pages.problem(StatusCode::BAD_GATEWAY, &problem.to_string()),
    };
    // Another session at every sign-in: what the browser had before is worth nothing now.
    if let Some(before) = shop.cookies.session(&headers) {
        shop.memory.end_session(&before);
    }
    let token = shop.memory.begin_session(proved, &SystemEntropy, shop.now());
    let cookies = [shop.cookies.set_session(&token), shop.cookies.clear_trip()];
    let mut response = Redirect::to("/").into_response();
    response.headers_mut().extend(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// The form that logs out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LogoutForm {
    csrf: String,
}

/// `POST /logout`: out here first, and then at Vestibule (OpenID Connect RP-Initiated Logout 1.0).
async fn logout(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Form(form): Form<LogoutForm>,
) -> Response {
    let (Some(token), Some(session)) = (shop.cookies.session(&headers), shop.session(&headers))
    else {
        return Redirect::to("/").into_response();
    };
    if !session.csrf.matches(&form.csrf) {
        let problem = "That page was too old. Open the shop again and log out there.";
        return shop.pages.problem(StatusCode::FORBIDDEN, problem);
    }
    shop.memory.end_session(&token);
    let back = format!("{}{SIGNED_OUT}", shop.url);
    let place = shop.issuer.place_to_sign_out(&session.id_token, &back).await;
    let place = place.unwrap_or_else(|_| SIGNED_OUT.to_owned());
    ([(header::SET_COOKIE, shop.cookies.clear_session())], Redirect::to(&place)).into_response()
}

/// `GET /signed-out`
async fn signed_out(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let session = shop.session(&headers);
    let notice = session.is_none().then_some("You are logged out, here and at Vestibule.");
    let shown = Shown { session: session.as_ref(), notice, ..Shown::default() };
    shop.pages.answer(StatusCode::OK, &shown)
}

async fn nothing(State(shop): State<Arc<Shop>>) -> Response {
    shop.pages.problem(StatusCode::NOT_FOUND, "There is nothing at this address.")
}
