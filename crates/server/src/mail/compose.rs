//! Turns a letter into words for whoever it is for, as they are stored now.

mod glass;
mod mailbox;

use std::sync::Arc;
use std::time::Duration;

use identity::applications::{Application, ApplicationKey};
use identity::email::Email;
use identity::ids::UserId;
use identity::secret::Secret;
use identity::time::Moment;
use identity::users::{Status, User};
use store::{By, NewReset, Reset, ResetRefusal};

use super::smtp::Outgoing;
use super::{Letter, sealed};
use crate::app::App;
use crate::error::PageError;
use crate::return_to::{self, keep};

/// How long a link to set a new password works.
pub const RESET_LIFE: Duration = Duration::from_secs(2 * 3600);

/// A longer name is no name to greet somebody by.
const LONGEST_NAME: usize = 60;

/// After so long nobody expects a mail any more.
pub const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);

/// What is to be done about a letter.
#[derive(Debug)]
pub enum Task {
    /// Send this.
    Send(Outgoing),
    /// Nothing: there is nothing to say, or another letter took its place in the queue.
    Nothing,
    /// Nothing any more: whoever waited has waited for too long.
    GiveUp,
}

/// What to do about a letter that waits since then.
pub async fn compose(
    app: &App,
    letter: Letter,
    since: Moment,
    now: Moment,
) -> Result<Task, PageError> {
    match letter {
        // Nobody waits for that any more, and anybody may have asked: while there was no mail
        // server, the queue has kept every request.
        Letter::ResetAsked { .. } if now.since(since) >= RESET_LIFE => Ok(Task::Nothing),
        Letter::ResetAsked { application, email_key, from, return_to } => {
            let Some(door) = door(app, &application) else { return Ok(Task::Nothing) };
            let asked = Asked { door, asked_at: now, by: from.into_by(), return_to };
            reset_asked(app, asked, &email_key, now).await
        }
        // The code is worth nothing any more.
        Letter::MailboxCode { expires_at, .. } if now >= expires_at => Ok(Task::Nothing),
        Letter::MailboxCode { application, user, to, provider, code, expires_at } => {
            let minutes = expires_at.since(now).as_secs().div_ceil(60);
            let code = mailbox::Code { user, to, provider, code: Secret::new(code), minutes };
            mailbox::code(app, &application, code).await
        }
        Letter::ResetLink { application, user, token, asked_at, return_to } => {
            let Some(door) = door(app, &application) else { return Ok(Task::Nothing) };
            let asked = Asked { door, asked_at, by: By::system(), return_to };
            reset_link(app, asked, &user, &Secret::new(token), now).await
        }
        Letter::Approval { application, user, approved } => {
            approval(app, &application, &user, approved).await
        }
        Letter::IdentityChanged { application, user, provider, linked } => {
            identity_changed(app, &application, &user, &provider, linked).await
        }
        Letter::EmailChanged { application, to, provider } => {
            email_changed(app, &application, &to, &provider)
        }
        Letter::PasswordChanged { application, user } => {
            password_changed(app, &application, &user).await
        }
        Letter::GlassBroken { application, to, by, network, at, support_code } => {
            let broken = glass::Broken { application, to, by, network, at, support_code };
            glass::broken(app, broken).await
        }
    }
}

fn door(app: &App, key: &ApplicationKey) -> Option<Arc<Application>> {
    app.directory.now().application(key.as_str())
}

/// That somebody wants a new password.
struct Asked {
    door: Arc<Application>,
    asked_at: Moment,
    by: By,
    /// Where the sign-in afterwards leads; read again when the link is opened.
    return_to: Option<String>,
}

async fn reset_asked(
    app: &App,
    asked: Asked,
    email_key: &str,
    now: Moment,
) -> Result<Task, PageError> {
    let door = &asked.door;
    let found = app.store.find_user_by_email(door.user_type, &door.population, email_key).await?;
    let Some(user) = found.filter(|user| user.status == Status::Active && door.local_login) else {
        return Ok(Task::Nothing);
    };
    if !app.store.find_password_allowed(&user).await? {
        return no_password(app, door, &user).await;
    }
    add_link(app, asked, &user.id, now).await?;
    Ok(Task::Nothing)
}

/// Makes a link and puts the letter with it into the queue.
async fn add_link(app: &App, asked: Asked, user: &UserId, now: Moment) -> Result<(), PageError> {
    let token = Secret::generate(app.entropy.as_ref());
    let letter = Letter::ResetLink {
        application: asked.door.key.clone(),
        user: user.clone(),
        token: token.expose().to_owned(),
        asked_at: asked.asked_at,
        return_to: asked.return_to,
    };
    let reset = NewReset {
        user: user.clone(),
        token: token.digest(),
        expires_at: now.plus(RESET_LIFE),
        mail: sealed(app, &letter, now)?,
    };
    Ok(app.store.add_password_reset(&reset, &asked.by, now).await?)
}

async fn reset_link(
    app: &App,
    asked: Asked,
    user: &UserId,
    token: &Secret,
    now: Moment,
) -> Result<Task, PageError> {
    let door = &asked.door;
    // Closed since somebody asked: the link would lead to a page that says so.
    if !door.local_login {
        return Ok(Task::Nothing);
    }
    match app.store.find_password_reset(&token.digest(), now).await? {
        Reset::Good(user) => {
            let path = format!("/{}/password/reset?token={}", door.key, token.expose());
            let target = asked.return_to.as_deref().and_then(|text| return_to::parse(text, door));
            let context = minijinja::context! {
                hours => RESET_LIFE.as_secs() / 3600,
                link => app.url(&keep(path, target.as_ref())),
                ..greeting(door, &user)
            };
            let text = app.pages.text("mail/reset.txt", context)?;
            Ok(outgoing(&user, format!("Your new password for {}", door.name), text))
        }
        // The mail server was away for longer than the link works: a dead link helps nobody.
        Reset::Refused(ResetRefusal::Expired) if now.since(asked.asked_at) >= PATIENCE => {
            Ok(Task::GiveUp)
        }
        Reset::Refused(ResetRefusal::Expired) => {
            add_link(app, asked, user, now).await?;
            Ok(Task::Nothing)
        }
        Reset::Refused(_) => Ok(Task::Nothing),
    }
}

/// For those who sign in through a provider and get no password. Only a button that they will
/// find at this door is a way in; who has none is told whom to ask.
async fn no_password(app: &App, door: &Application, user: &User) -> Result<Task, PageError> {
    let own = app.store.list_identities_of(&user.id).await?;
    let buttons = app.directory.now().buttons(&door.key);
    let provider = buttons
        .iter()
        .find(|button| own.iter().any(|identity| identity.provider == button.id))
        .map(|provider| provider.name.clone());
    let context = minijinja::context! {
        provider,
        link => app.url(&format!("/{}/login", door.key)),
        ..greeting(door, user)
    };
    let text = app.pages.text("mail/no_password.txt", context)?;
    Ok(outgoing(user, format!("Signing in to {}", door.name), text))
}

/// Nothing to say when it was decided otherwise since.
async fn approval(
    app: &App,
    application: &ApplicationKey,
    user: &UserId,
    approved: bool,
) -> Result<Task, PageError> {
    let user = app.store.find_user(user).await?;
    let (Some(door), Some(user)) = (door(app, application), user) else { return Ok(Task::Nothing) };
    let holds = if approved { Status::Active } else { Status::Deactivated };
    if user.status != holds {
        return Ok(Task::Nothing);
    }
    let (template, came_of_it) = if approved {
        ("mail/approved.txt", "is approved")
    } else {
        ("mail/rejected.txt", "was not approved")
    };
    let context = minijinja::context! {
        link => app.url(&format!("/{}/login", door.key)),
        ..greeting(&door, &user)
    };
    let text = app.pages.text(template, context)?;
    Ok(outgoing(&user, format!("Your account for {} {came_of_it}", door.name), text))
}

async fn password_changed(
    app: &App,
    application: &ApplicationKey,
    user: &UserId,
) -> Result<Task, PageError> {
    let user = app.store.find_user(user).await?;
    let (Some(door), Some(user)) = (door(app, application), user) else { return Ok(Task::Nothing) };
    if user.status == Status::Deleted {
        return Ok(Task::Nothing);
    }
    // A door that takes no passwords has none to ask for.
    let forgot = || app.url(&format!("/{}/password/forgot", door.key));
    let context = minijinja::context! {
        link => door.local_login.then(forgot),
        ..greeting(&door, &user)
    };
    let text = app.pages.text("mail/password_changed.txt", context)?;
    Ok(outgoing(&user, format!("Your password for {} was changed", door.name), text))
}

async fn identity_changed(
    app: &App,
    application: &ApplicationKey,
    user: &UserId,
    provider: &str,
    linked: bool,
) -> Result<Task, PageError> {
    let user = app.store.find_user(user).await?;
    let (Some(door), Some(user)) = (door(app, application), user) else { return Ok(Task::Nothing) };
    if user.status == Status::Deleted {
        return Ok(Task::Nothing);
    }
    let (template, came_of_it) = if linked {
        ("mail/identity_linked.txt", "A new way to sign in to")
    } else {
        ("mail/identity_unlinked.txt", "A way less to sign in to")
    };
    let context = minijinja::context! {
        provider,
        passwords => door.local_login,
        link => app.url(&format!("/{}/account", door.key)),
        ..greeting(&door, &user)
    };
    let text = app.pages.text(template, context)?;
    Ok(outgoing(&user, format!("{came_of_it} {}", door.name), text))
}

/// To the address so far, without a name and without the new one: who reads mail there may be
/// somebody else by now.
fn email_changed(
    app: &App,
    application: &ApplicationKey,
    to: &str,
    provider: &str,
) -> Result<Task, PageError> {
    let (Some(door), Ok(to)) = (door(app, application), Email::parse(to)) else {
        return Ok(Task::Nothing);
    };
    let context = minijinja::context! {
        provider,
        email => to.as_typed(),
        application => &*door.name,
        link => app.url(&format!("/{}/login", door.key)),
    };
    let text = app.pages.text("mail/email_changed.txt", context)?;
    let subject = format!("Your e-mail address at {} has changed", door.name);
    Ok(Task::Send(Outgoing { to, subject, text }))
}

fn outgoing(user: &User, subject: String, text: String) -> Task {
    Task::Send(Outgoing { to: user.email.clone(), subject, text })
}

fn greeting(door: &Application, user: &User) -> minijinja::Value {
    minijinja::context! {
        name => safe_name(&user.name.full()),
        email => user.email.as_typed(),
        application => &*door.name,
    }
}

/// A name that cannot be mistaken for a part of the message. Names come from providers and from
/// people, and a mail with our sender must not carry somebody else's address to click on.
fn safe_name(name: &str) -> &str {
    let odd = |c: char| c.is_control() || "/:@\\<>".contains(c);
    let looks_like_a_host = name.split_whitespace().any(|word| {
        word.trim_end_matches('.').split_once('.').is_some_and(|(_, rest)| rest.len() > 1)
    });
    let fits = name.chars().count() <= LONGEST_NAME && !name.contains(odd) && !looks_like_a_host;
    if fits { name } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_more_than_a_name_is_left_out() {
        for good in ["Ada Lovelace", "J. R. R. Tolkien", "Zoë O'Neill-Śmith", "李小龍", ""] {
            assert_eq!(safe_name(good), good);
        }
        for bad in [
            "Click https://evil.example",
            "visit evil.example now",
            "Ada\n\nYour account is blocked",
            "pay@evil.example",
            &"a".repeat(61),
        ] {
            assert_eq!(safe_name(bad), "", "{bad}");
        }
    }
}
