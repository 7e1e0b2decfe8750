//! Every sign-in begins a new session; the one that the browser had before ends.

use identity::applications::Application;
use store::{By, EndReason};

use super::current::digest_of;
use crate::app::App;
use crate::visit::Visit;

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
