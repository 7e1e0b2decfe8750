//! Whoever stands at the wrong door, and the way to the right one.

use identity::applications::Application;
use identity::users::UserType;
use minijinja::Value;

use super::current::elsewhere;
use crate::app::App;
use crate::visit::Visit;

/// The other kinds of doors that this browser has a live session for, for a page. What somebody
/// else's session would open, or what accounts there are, it never says.
pub async fn doors_elsewhere(app: &App, door: &Application, visit: &Visit) -> Vec<Value> {
    let mut lines = Vec::new();
    for user_type in UserType::ALL {
        if user_type == door.user_type {
            continue;
        }
        match elsewhere(app, visit, user_type).await {
            Ok(None) => {}
            Ok(Some((other, user))) => lines.push(minijinja::context! {
                user => user.label(),
                key => other.key.as_str(),
                name => &*other.name,
            }),
            // A kindness: the page does without it.
            Err(error) => tracing::debug!(?error, "cannot say where else somebody is signed in"),
        }
    }
    lines
}
