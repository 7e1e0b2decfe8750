//! The code for an address that a provider gave.

use identity::applications::ApplicationKey;
use identity::email::Email;
use identity::federation::proof::PROOF_LIFE;
use identity::federation::proof::code::for_people;
use identity::secret::Secret;

use super::{Outgoing, Task, door};
use crate::app::App;
use crate::error::PageError;

/// What the letter tells.
pub(super) struct Code {
    /// The address as the provider wrote it.
    pub(super) to: String,
    /// What the provider is called.
    pub(super) provider: String,
    pub(super) code: Secret,
}

/// To whoever reads mail there, without a name: it may be nobody who was ever here. Where an account
/// has the address, mail goes to it as it is stored: what is the same to us may be two mailboxes to
/// a mail server.
pub(super) async fn code(
    app: &App,
    application: &ApplicationKey,
    code: Code,
) -> Result<Task, PageError> {
    let (Some(door), Ok(typed)) = (door(app, application), Email::parse(&code.to)) else {
        return Ok(Task::Nothing);
    };
    let found = app.store.find_user_by_email(door.user_type, &door.population, typed.key()).await?;
    let to = found.map_or(typed, |user| user.email);
    let context = minijinja::context! {
        provider => code.provider,
        email => to.as_typed(),
        application => &*door.name,
        code => for_people(&code.code),
        minutes => PROOF_LIFE.as_secs() / 60,
    };
    let text = app.pages.text("mail/mailbox_code.txt", context)?;
    Ok(Task::Send(Outgoing { to, subject: format!("Your code for {}", door.name), text }))
}
