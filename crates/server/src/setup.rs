//! The setup link: how the first administrator comes in, once.

use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::email::Email;
use identity::secret::Secret;
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Status};
use serde::Deserialize;
use store::{By, Conflict, NewUser, Setup, SetupUser, Store};
use url::Url;

use crate::app::App;
use crate::error::PageError;
use crate::pages::{FORM_EXPIRED, Notice, SentBack, View, form_page, sentence};
use crate::passwords::hasher::HashError;
use crate::passwords::{check_new, closed_page, policy};
use crate::visit::Visit;

/// The door whose first administrator it is.
pub(crate) const DOOR: &str = "back-office";

/// How long a setup link works.
pub const SETUP_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Makes a setup link; none when there is an administrator already.
pub async fn make_link(
    store: &Store,
    public_url: &Url,
    token: &Secret,
    by: &By,
    now: Moment,
) -> Result<Option<String>, store::Error> {
    match store.add_setup_link(&token.digest(), now.plus(SETUP_LIFE), by, now).await? {
        Setup::Open => {
            let origin = public_url.as_str().trim_end_matches('/');
            Ok(Some(format!("{origin}/{DOOR}/setup?token={}", token.expose())))
        }
        Setup::Done(_) | Setup::AdministratorExists | Setup::Unusable | Setup::LocalLoginClosed => {
            Ok(None)
        }
    }
}

/// What the link carries.
#[derive(Deserialize)]
pub struct SetupQuery {
    #[serde(default)]
    token: Secret,
}

/// The form.
#[derive(Default, Deserialize)]
pub struct SetupForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    token: Secret,
    #[serde(default)]
    email: String,
    #[serde(default)]
    given_name: String,
    #[serde(default)]
    family_name: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    repeat: Secret,
}

/// `GET /back-office/setup`
pub async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(back): Query<SentBack>,
    Query(query): Query<SetupQuery>,
) -> Result<Response, PageError> {
    if back.is_so() {
        let text = "This page was open for too long, or your browser keeps no cookies. Allow \
                    cookies for this site and open the setup link once more; it still works.";
        let view = View::message("Please open the link again", text).reason("form_expired");
        return Ok(app.pages.page(StatusCode::FORBIDDEN, &view.at(door(&app)?.as_ref())));
    }
    if let Some(closed) = closed(&app)? {
        return Ok(closed);
    }
    let found = app.store.find_setup_link(&query.token.digest(), visit.now).await?;
    if found != Setup::Open {
        return refused(&app, &found);
    }
    let form = SetupForm { token: query.token, ..SetupForm::default() };
    Ok(form_page(&app, &visit, StatusCode::OK, view(&app, &form, None)?))
}

/// `POST /back-office/setup`
pub async fn send(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<SetupForm>,
) -> Result<Response, PageError> {
    if let Some(closed) = closed(&app)? {
        return Ok(closed);
    }
    let found = app.store.find_setup_link(&form.token.digest(), visit.now).await?;
    if found != Setup::Open {
        return refused(&app, &found);
    }
    let again = |status, code, text: String| {
        Ok(form_page(&app, &visit, status, view(&app, &form, Some(text))?.reason(code)))
    };
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        return again(StatusCode::FORBIDDEN, "form_expired", FORM_EXPIRED.to_owned());
    }
    let checked = match check(&app, &form) {
        Ok(checked) => checked,
        Err((code, text)) => return again(StatusCode::UNPROCESSABLE_ENTITY, code, text),
    };
    let hash = app.hasher.hash(checked.password).await.map_err(|error| match error {
        HashError::Busy => PageError::Busy,
        HashError::Unreadable(_) => PageError::broken(error),
    })?;
    let application = door(&app)?.key.clone();
    let new = SetupUser { application, user: checked.user, hash: hash.to_string() };
    let by = By::visitor(visit.note());
    match app.store.take_setup_link(&form.token.digest(), &new, &by, visit.now).await {
        Ok(Setup::Done(_)) => {
            Ok(Redirect::to(&format!("/{DOOR}/login?notice=set_up")).into_response())
        }
        Ok(Setup::LocalLoginClosed) => Ok(closed_page(&app, door(&app)?.as_ref(), None)),
        Ok(other) => refused(&app, &other),
        Err(store::Error::Conflict(Conflict::EmailTaken)) => {
            let text = "Somebody has this address already. Use another one, or make them an \
                        administrator: vestibule groups add-member administrators ADDRESS";
            again(StatusCode::UNPROCESSABLE_ENTITY, "email_taken", text.to_owned())
        }
        Err(error) => Err(error.into()),
    }
}

/// The first administrator begins with a password, which a closed door would not take.
fn closed(app: &App) -> Result<Option<Response>, PageError> {
    let door = door(app)?;
    Ok((!door.local_login).then(|| closed_page(app, &door, None)))
}

struct Checked {
    user: NewUser,
    password: Secret,
}

fn check(app: &App, form: &SetupForm) -> Result<Checked, (&'static str, String)> {
    let email =
        Email::parse(&form.email).map_err(|error| (error.code(), sentence(&error.to_string())))?;
    if !form.password.matches(form.repeat.expose()) {
        let text = "The two passwords are not the same. Please type the same one twice.";
        return Err(("passwords_differ", text.to_owned()));
    }
    let name = Name::parse(&form.given_name, &form.family_name)
        .map_err(|refusal| ("name", sentence(&refusal.to_string())))?;
    let door = door(app).map_err(|error| (error.code(), error.words().1.to_owned()))?;
    let password = check_new(&app.config, &door.name, &name, email.as_typed(), &form.password)
        .map_err(|refusal| (refusal.code(), sentence(&refusal.to_string())))?;
    let user = NewUser {
        user_type: door.user_type,
        population: door.population.clone(),
        email,
        // Whoever has the link has the machine, and is as good as an operator.
        email_standing: EmailStanding::VouchedFor,
        name,
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
    };
    Ok(Checked { user, password })
}

fn door(app: &App) -> Result<std::sync::Arc<Application>, PageError> {
    app.directory.now().application(DOOR).ok_or(PageError::NotFound)
}

fn view(app: &App, form: &SetupForm, problem: Option<String>) -> Result<View, PageError> {
    Ok(View::new("setup.html", "Set up the back office")
        .at(door(app)?.as_ref())
        .with("token", form.token.expose())
        .with("email", form.email.trim())
        .with("given_name", form.given_name.trim())
        .with("family_name", form.family_name.trim())
        .with("min_length", policy(&app.config.passwords).min_length())
        .notice(problem.map(Notice::Problem)))
}

fn refused(app: &App, found: &Setup) -> Result<Response, PageError> {
    let door = door(app)?;
    let (code, text) = match found {
        Setup::AdministratorExists | Setup::Done(_) | Setup::Open => (
            "administrator_exists",
            "There is an administrator already. Sign in, or ask them to add you.",
        ),
        Setup::Unusable | Setup::LocalLoginClosed => (
            "setup_link_unusable",
            "This link was used, is too old, or is not complete. Make a new one on the machine \
             that runs this: vestibule setup-link",
        ),
    };
    let view = View::message("This link does not work", text)
        .at(&door)
        .reason(code)
        .way_on(format!("/{DOOR}/login"), "Go to the sign-in");
    Ok(app.pages.page(StatusCode::GONE, &view))
}
