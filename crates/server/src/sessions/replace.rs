//! Every sign-in begins a new session; the one that the browser had before ends.

use axum::http::header;
use axum::response::Response;
use identity::applications::Application;
use identity::secret::Secret;
use store::{By, EndReason};

use super::current::digest_of;
use crate::app::App;
use crate::visit::Visit;

/// Tells the browser of its new session, and has it forget that somebody left before.
pub fn begin_here(
    app: &App,
    door: &Application,
    visit: &Visit,
    token: &Secret,
    response: &mut Response,
) {
    let cookies = response.headers_mut();
    let session = app.cookies.set_session(door.user_type, token, door.cookie_life());
    cookies.append(header::SET_COOKIE, session);
    if app.cookies.has_left(&visit.headers, door.user_type) {
        cookies.append(header::SET_COOKIE, app.cookies.clear_left(door.user_type));
    }
}

/// Ends the session that this browser had at the door's user type. The new sign-in stands even
/// where that fails: the browser forgets the old cookie in any case.
pub async fn end_previous(app: &App, door: &Application, visit: &Visit) {
    let Some(digest) = digest_of(app, visit, door.user_type) else { return };
    let by = By::visitor(visit.note());
    let ended = match app.store.find_session(&digest).await {
        Ok(Some(found)) if found.session.ended_at.is_none() => {
            app.forget_session(&found.session.id);
            app.store.end_session(&found.session.id, EndReason::Replaced, &by, visit.now).await
        }
        Ok(_) => return,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the browser's previous session could not be ended");
    }
}
