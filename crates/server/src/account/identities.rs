//! `POST /{application}/account/identities/…`: a provider becomes a way into one's own account, or
//! stops being one.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::federation::attempt::{Asker, Intent};
use identity::federation::link::{UnlinkRefusal, decide_unlink};
use identity::federation::policy::{Policy, PolicyFields};
use identity::federation::provider::Provider;
use identity::ids::{IdentityId, ProviderId};
use minijinja::{Value, context};
use serde::Deserialize;
use store::{By, LinkedIdentity, Unlink, Unlinked};

use super::page::Shown;
use super::times::{ago, date};
use super::{Desk, anew_place};
use crate::app::App;
use crate::error::PageError;
use crate::federation::leave::leave;
use crate::federation::refused::Refused;
use crate::federation::start::{Errand, parameters, rule_failed, set_out};
use crate::flood::wait_page;
use crate::mail::{Letter, sealed};
use crate::oauth::wishes::Wishes;
use crate::pages::Notice;
use crate::return_to::keep;
use crate::visit::{Door, Visit};

/// The provider that the path names.
#[derive(Debug, Deserialize)]
pub struct LinkPath {
    provider: String,
}

/// The form.
#[derive(Deserialize)]
pub struct IdentityForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    identity: String,
}

/// `POST /{application}/account/identities/link/{provider}`: a form, since a link on another site
/// must not begin this (RFC 9700 section 4.7). The trip is bound to the browser by its state, and to
/// the person and the session by what is kept with it.
pub async fn link(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<LinkPath>,
    Form(form): Form<IdentityForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::with_form(&app, &door, &visit, &form.csrf).await? {
        Ok(desk) => desk,
        Err(answer) => return Ok(answer),
    };
    let offered = app
        .directory
        .now()
        .provider(&path.provider)
        .filter(|provider| app.directory.now().is_connected(&door.key, &provider.id))
        .filter(|provider| desk.offers_linking(&provider.id));
    let Some(provider) = offered else { return desk.not_offered().await };
    if let Some(login) = desk.fresh_first() {
        return Ok(login);
    }
    if let Err(wait) = app.flood.trip(visit.address, visit.now) {
        return Ok(wait_page(&app, Some(&door), super::own_place(&door).as_ref(), wait));
    }
    let session = &desk.who.session;
    let asker = Asker { user: session.user.clone(), session: session.id.clone() };
    // Whoever is signed in at the provider in this browser may be somebody else, put there by
    // another site: they choose and prove it anew.
    let wishes = Wishes { prompt_login: true, ..Wishes::default() };
    let parameters = match parameters(&app, &door, &provider, &wishes) {
        Ok(parameters) => parameters,
        Err(fault) => {
            let refused = Refused { links: true, ..rule_failed(&door, &provider, &fault) };
            return refused.answer(&app, &visit).await;
        }
    };
    let intent = Intent::Link(asker);
    let errand = Errand { intent, return_to: super::place(&door), wishes, parameters };
    let begun = set_out(&app, &door, &visit, &provider, errand).await?;
    let text = format!("Sign in at {} with the account that you want to link.", provider.name);
    Ok(leave(&app, &door, &provider, &begun.location, text))
}

/// `POST /{application}/account/identities/unlink`
pub async fn unlink(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<IdentityForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::with_form(&app, &door, &visit, &form.csrf).await? {
        Ok(desk) => desk,
        Err(answer) => return Ok(answer),
    };
    if let Some(login) = desk.fresh_first() {
        return Ok(login);
    }
    let user = &desk.who.user.id;
    let own = app.store.list_identities_of(user).await?;
    // One that is not theirs any more was cut meanwhile: that is what was asked for.
    let Some(identity) = own.into_iter().find(|own| own.id.as_str() == form.identity) else {
        return Ok(desk.done("unlinked"));
    };
    let notice = Letter::IdentityChanged {
        application: door.key.clone(),
        user: user.clone(),
        provider: desk.name_of(&identity.provider),
        linked: false,
    };
    let unlink = Unlink {
        user: user.clone(),
        identity: identity.id.clone(),
        application: door.key.clone(),
        notice: sealed(&app, &notice, visit.now)?,
    };
    let by = By::user(user.clone(), visit.note());
    match app.store.remove_identity(&unlink, decide_unlink, &by, visit.now).await {
        Ok(Unlinked::Refused(UnlinkRefusal::NotOffered)) => desk.not_offered().await,
        Ok(Unlinked::Refused(refusal @ UnlinkRefusal::LastWayIn)) => {
            let text = "This is your only way in, so it stays. Set a password or link another \
                        provider first.";
            desk.refused(refusal.code(), text).await
        }
        Ok(Unlinked::Done { .. }) => Ok(desk.cut(&identity.id)),
        Err(store::Error::NotFound) => Ok(desk.done("unlinked")),
        Err(error) => Err(error.into()),
    }
}

impl Desk<'_> {
    /// What the page lists, and the providers that could be linked besides.
    pub(super) async fn identities(&self) -> Result<Value, PageError> {
        let Self { app, door, visit, who } = self;
        let listing = app.directory.now();
        let own = app.store.list_linked_identities(&who.user.id).await?;
        let linked: Vec<_> = own
            .iter()
            .map(|LinkedIdentity { identity, last_used_at }| {
                context! {
                    id => identity.id.as_str(),
                    name => self.name_of(&identity.provider),
                    email => identity.email.as_deref(),
                    since_at => identity.created_at.to_rfc3339(),
                    since => date(identity.created_at),
                    used_at => last_used_at.map(|at| at.to_rfc3339()),
                    used => last_used_at.map(|at| ago(at, visit.now)),
                    works => listing.is_connected(&door.key, &identity.provider),
                    may_unlink => self.offers_linking(&identity.provider),
                }
            })
            .collect();
        let is_linked = |provider: &Provider| {
            own.iter().any(|LinkedIdentity { identity, .. }| identity.provider == provider.id)
        };
        let others: Vec<_> = listing
            .buttons(&door.key)
            .iter()
            .filter(|provider| !is_linked(provider) && self.offers_linking(&provider.id))
            .map(|provider| context! { key => &*provider.key, name => &*provider.name })
            .collect();
        Ok(context! { linked, others })
    }

    /// Whether people link and unlink this provider themselves at this door; what holds when it is
    /// carried out is read in that transaction.
    fn offers_linking(&self, provider: &ProviderId) -> bool {
        let (listing, nothing) = (self.app.directory.now(), PolicyFields::default());
        let connection = listing.connection(&self.door.key, provider);
        let set = connection.map_or(&nothing, |connection| &connection.policy);
        let policy = Policy::of(set, &self.door.defaults, self.door.user_type);
        policy.manual_linking.value
    }

    fn name_of(&self, provider: &ProviderId) -> String {
        let provider = self.app.directory.now().provider_by_id(provider);
        provider.map_or_else(|| "another provider".to_owned(), |provider| provider.name.clone())
    }

    /// The way to the login and back, unless the sign-in is fresh: who finds a browser signed in
    /// must not change the ways into the account.
    fn fresh_first(&self) -> Option<Response> {
        let needed = self.door.authenticated_for;
        if self.who.session.proved_within(needed, self.visit.now) {
            return None;
        }
        let login = format!("/{}/login?notice=fresh", self.door.key);
        let login = keep(login, anew_place(self.door).as_ref());
        Some(Redirect::to(&login).into_response())
    }

    async fn not_offered(&self) -> Result<Response, PageError> {
        let text =
            "This provider cannot be linked or unlinked here. Please ask your administrator.";
        self.refused(UnlinkRefusal::NotOffered.code(), text).await
    }

    async fn refused(&self, reason: &'static str, text: &str) -> Result<Response, PageError> {
        let shown = Shown {
            status: StatusCode::FORBIDDEN,
            notice: Some(Notice::Problem(text.to_owned())),
            reason: Some(reason),
            ..Shown::ok()
        };
        self.page(shown).await
    }

    /// After a tie was cut, with which perhaps this session has ended.
    fn cut(&self, identity: &IdentityId) -> Response {
        self.app.forget_user(&self.who.user.id);
        if self.who.session.identity.as_ref() != Some(identity) {
            return self.done("unlinked");
        }
        let login = format!("/{}/login?notice=unlinked", self.door.key);
        let mut response = Redirect::to(&login).into_response();
        let cookie = self.app.cookies.clear_session(self.door.user_type);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
    }
}
