//! The code for an address that a provider gave.

use identity::applications::ApplicationKey;
use identity::email::Email;
use identity::federation::proof::mailbox::for_people;
use identity::ids::UserId;
use identity::secret::Secret;

use super::{Outgoing, Task, door};
use crate::app::App;
use crate::error::PageError;

/// What the letter tells.
pub(super) struct Code {
    /// Whose account it is about, if it is about one.
    pub(super) user: Option<UserId>,
    /// The address as the provider wrote it.
    pub(super) to: String,
    /// What the provider is called.
    pub(super) provider: String,
    pub(super) code: Secret,
    /// How long it still works.
    pub(super) minutes: u64,
}

/// To whoever reads mail there, without a name: it may be nobody who was ever here. The address does
/// not stand in the words either, since a provider may let people write anything into it.
pub(super) async fn code(
    app: &App,
    application: &ApplicationKey,
    code: Code,
) -> Result<Task, PageError> {
    let Some(door) = door(app, application) else { return Ok(Task::Nothing) };
    let Some(to) = recipient(app, code.user.as_ref(), &code.to).await? else {
        return Ok(Task::Nothing);
    };
    let context = minijinja::context! {
        provider => code.provider,
        application => &*door.name,
        code => for_people(&code.code),
        minutes => code.minutes,
    };
    let text = app.pages.text("mail/mailbox_code.txt", context)?;
    Ok(Task::Send(Outgoing { to, subject: format!("Your code for {}", door.name), text }))
}

/// Where an account is meant, its address as it is stored, while it is the same by our rules: what is
/// one address to us may be two mailboxes to a mail server.
async fn recipient(app: &App, user: Option<&UserId>, to: &str) -> Result<Option<Email>, PageError> {
    let Ok(asserted) = Email::parse(to) else { return Ok(None) };
    let Some(user) = user else { return Ok(Some(asserted)) };
    let found = app.store.find_user(user).await?;
    Ok(found.map(|user| user.email).filter(|own| own.key() == asserted.key()))
}
