//! `POST /{application}/account/profile`: what somebody is called, and the language they read.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use identity::federation::claims::is_language_tag;
use identity::users::Name;
use serde::Deserialize;
use store::{By, ProfileChange};

use super::Desk;
use super::page::{Shown, Typed};
use crate::app::App;
use crate::error::PageError;
use crate::pages::sentence;
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct ProfileForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    given_name: String,
    #[serde(default)]
    family_name: String,
    /// Empty: none; not sent: as it is.
    locale: Option<String>,
}

/// `POST /{application}/account/profile`
pub async fn save(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<ProfileForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::of(&app, &door, &visit).await? {
        Ok(desk) => desk,
        Err(login) => return Ok(login),
    };
    let was = desk.who.user.locale.clone().unwrap_or_default();
    let typed = || Typed {
        given: form.given_name.clone(),
        family: form.family_name.clone(),
        locale: form.locale.clone().unwrap_or_else(|| was.clone()),
    };
    if !desk.allows(&form.csrf) {
        return desk.form_expired(Some(typed())).await;
    }
    let change = match change(&form) {
        Ok(change) => change,
        Err((field, reason, text)) => {
            let wrong = Shown::wrong(field, reason, text);
            return desk.page(Shown { typed: Some(typed()), ..wrong }).await;
        }
    };
    let id = &desk.who.user.id;
    let by = By::user(id.clone(), visit.note());
    app.store.change_user_profile(id, &change, &by, visit.now).await?;
    app.forget_user(id);
    Ok(desk.done("saved"))
}

/// What is to be changed, or which field is wrong, and how.
fn change(form: &ProfileForm) -> Result<ProfileChange, (&'static str, &'static str, String)> {
    let name = |field: &'static str, given: &str, family: &str| {
        Name::parse(given, family)
            .map_err(|refusal| (field, "bad_name", sentence(&refusal.to_string())))
    };
    let Name { given, .. } = name("given_name", &form.given_name, "")?;
    let Name { family, .. } = name("family_name", "", &form.family_name)?;
    let locale = match form.locale.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(tag) if is_language_tag(tag) => Some(Some(tag.to_owned())),
        Some(_) => {
            let text = "This is no language that we know; choose one of the list.";
            return Err(("locale", "bad_locale", text.to_owned()));
        }
    };
    Ok(ProfileChange { name: Some(Name { given, family }), locale, email: None })
}
