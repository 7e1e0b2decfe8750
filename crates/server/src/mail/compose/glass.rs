//! The letter that tells an administrator that the glass was broken.

use identity::applications::ApplicationKey;
use identity::ids::UserId;
use identity::time::Moment;
use identity::users::Status;

use super::{Task, door, greeting, outgoing};
use crate::app::App;
use crate::error::PageError;

/// What happened, and to whom it is told.
pub(super) struct Broken {
    pub(super) application: ApplicationKey,
    pub(super) to: UserId,
    pub(super) by: UserId,
    pub(super) network: String,
    pub(super) at: Moment,
    pub(super) support_code: String,
}

pub(super) async fn broken(app: &App, broken: Broken) -> Result<Task, PageError> {
    let to = app.store.find_user(&broken.to).await?;
    let by = app.store.find_user(&broken.by).await?;
    let door = door(app, &broken.application);
    let (Some(door), Some(to), Some(by)) = (door, to, by) else { return Ok(Task::Nothing) };
    // Whoever may not come in any more hears nothing.
    if to.status != Status::Active {
        return Ok(Task::Nothing);
    }
    let context = minijinja::context! {
        who => by.email.as_typed(),
        key => door.key.as_str(),
        network => broken.network,
        at => broken.at.to_rfc3339(),
        support_code => broken.support_code,
        ..greeting(&door, &to)
    };
    let text = app.pages.text("mail/glass_broken.txt", context)?;
    Ok(outgoing(&to, format!("The glass of {} was broken", door.name), text))
}
