//! The end of a trip whose identity is to be tied to whoever is signed in.

use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::federation::attempt::Asker;
use identity::federation::decide::Arrival;
use identity::federation::external::ExternalIdentity;
use identity::federation::hook::HookWord;
use identity::federation::link::decide_link;
use identity::federation::refusal::Refusal;
use store::{By, SettleLink, SettledLink};

use super::refused::Refused;
use super::trip::{Stop, Trip};
use super::upstream::Proof;
use crate::app::App;
use crate::audit::support_code;
use crate::mail::{Letter, sealed};
use crate::sessions::current::digest_of;
use crate::visit::Visit;

/// Steps 5 and 6 of a trip to link: nobody is signed in by it, and the session stays as it is.
pub(super) async fn settle(
    app: &App,
    visit: &Visit,
    trip: &Trip,
    asker: &Asker,
    external: ExternalIdentity,
    proof: &Proof,
) -> Result<Response, Stop> {
    let mut note = visit.note();
    note.detail.insert("claims".to_owned(), proof.redacted());
    let now = app.now();
    let door = &trip.door;
    let notice = Letter::IdentityChanged {
        application: door.key.clone(),
        user: asker.user.clone(),
        provider: trip.provider.name.clone(),
        linked: true,
    };
    let settle = SettleLink {
        arrival: Arrival {
            external,
            application: Application::clone(door),
            hook: HookWord::Unasked,
            shown: None,
            now,
        },
        asker: asker.clone(),
        attempt: trip.attempt.id.clone(),
        session: digest_of(app, visit, door.user_type),
        notice: sealed(app, &notice, now)?,
        support_code: support_code(app.entropy.as_ref()),
        by: By::visitor(note),
    };
    let decider = |known: &_| decide_link(&settle.arrival, asker, known);
    match app.store.settle_link(&settle, decider).await {
        Ok(SettledLink::Linked | SettledLink::Stays) => {
            app.forget_user(&asker.user);
            Ok(Redirect::to(&format!("/{}/account?notice=linked", door.key)).into_response())
        }
        Ok(SettledLink::Refused { reason, support_code }) => {
            Err(Refused { support_code: Some(support_code), ..trip.refused(reason) }.into())
        }
        // The provider was removed while we asked it.
        Err(store::Error::NotFound) => Err(trip.refused(Refusal::ProviderNotConnected).into()),
        Err(error) => Err(error.into()),
    }
}
