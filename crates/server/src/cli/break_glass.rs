//! `vestibule break-glass`: seals a code for the day when nobody can sign in any other way.

use clap::{Args, Subcommand};
use identity::applications::Application;
use identity::break_glass::{Standing, for_people, new_code};
use identity::email::Email;
use identity::ids::UserId;
use identity::users::User;
use serde_json::{Value, json};
use store::{Seal, SealOutcome};

use super::answer::table;
use super::users::user_json;
use super::{Answer, CommandHouse, Failure, Force};
use crate::federation::save;

/// What to do about the glass.
#[derive(Debug, Subcommand)]
pub enum BreakGlassCommand {
    /// Seal a code for an administrator, and print it once; one before it is void
    Seal(Sealed),
    /// List what is sealed, and what it is worth
    Show,
    /// Take a seal away, used or not
    Unseal(UnsealCommand),
}

/// Which seal, and whether to insist.
#[derive(Debug, Args)]
pub struct UnsealCommand {
    #[command(flatten)]
    sealed: Sealed,
    #[command(flatten)]
    force: Force,
}

/// Whose seal, and where.
#[derive(Debug, Args)]
pub struct Sealed {
    /// Key of the application, such as back-office
    #[arg(long, value_name = "KEY")]
    application: String,
    /// E-mail address or id of the administrator
    #[arg(long, value_name = "USER")]
    user: String,
}

impl BreakGlassCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::Seal(sealed) => seal(house, &sealed).await,
            Self::Show => show(house).await,
            Self::Unseal(command) => unseal(house, &command).await,
        }
    }
}

impl Sealed {
    async fn find(&self, house: &CommandHouse) -> Result<(Application, User), Failure> {
        let door = save::find_application(&house.store, &self.application).await?;
        let user = &self.user;
        let found = if user.contains('@') {
            let key = Email::key_of(user).ok_or_else(|| {
                Failure::new("email_shape", format!("\"{user}\" is no e-mail address"))
            })?;
            house.store.find_user_by_email(door.user_type, &door.population, &key).await?
        } else {
            house.store.find_user(&UserId::from_stored(user.as_str())).await?
        };
        let user = found.ok_or_else(|| {
            let kind = door.user_type;
            let text = format!(
                "there is no {kind} user {user}; look with: vestibule users list --type {kind}"
            );
            Failure::new("not_found", text)
        })?;
        Ok((door, user))
    }
}

async fn seal(house: &CommandHouse, sealed: &Sealed) -> Result<Answer, Failure> {
    let (door, user) = sealed.find(house).await?;
    let code = new_code(house.entropy.as_ref());
    let (by, now) = (house.by(), house.now());
    match house.store.add_break_glass_seal(&door, &user.id, &code.digest(), &by, now).await? {
        SealOutcome::Sealed => {}
        SealOutcome::Refused(refusal) => {
            return Err(Failure::new(refusal.code(), refusal.to_string()));
        }
    }
    let origin = house.config.server.public_url.as_str().trim_end_matches('/');
    let address = format!("{origin}/{}/break-glass", door.key);
    let code = for_people(&code);
    let told = if house.config.mail.goes_out() {
        "Every administrator is told by mail."
    } else {
        "Every administrator would be told by mail, but no mail goes out (mail.smtp_url is not set)."
    };
    let open = if door.local_login {
        format!(" (At the moment {} takes passwords, and there is no such page.)", door.key)
    } else {
        String::new()
    };
    let text = format!(
        "This code is sealed for {email} at {key}. It is shown this once, and kept nowhere; write \
         it down, and put it where it is safe.\n\n  {code}\n\nWhen nobody can sign in, {email} opens \
         {address} with their password and this code, once, for an hour at most. {told}{open}",
        email = user.email,
        key = door.key,
    );
    let json = json!({
        "application": door.key.as_str(),
        "user": user_json(&user),
        "code": code,
        "address": address,
    });
    Ok(Answer::new(text, json))
}

async fn show(house: &CommandHouse) -> Result<Answer, Failure> {
    let seals = house.store.list_break_glass_seals().await?;
    let row = |seal: &Seal| {
        vec![
            seal.application.to_string(),
            seal.user.email.to_string(),
            seal.sealed_at.to_rfc3339(),
            seal.opened_at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339()),
            seal.standing.to_string(),
        ]
    };
    let rows: Vec<_> = seals.iter().map(row).collect();
    let text = if rows.is_empty() {
        "Nothing is sealed.".to_owned()
    } else {
        table(&["APPLICATION", "USER", "SEALED", "OPENED", "IS"], &rows)
    };
    let seals: Vec<_> = seals.iter().map(seal_json).collect();
    Ok(Answer::new(text, json!({ "seals": seals })))
}

async fn unseal(house: &CommandHouse, command: &UnsealCommand) -> Result<Answer, Failure> {
    let (door, user) = command.sealed.find(house).await?;
    let (by, now) = (command.force.by(house), house.now());
    if !house.store.remove_break_glass_seal(&door.key, &user.id, &by, now).await? {
        let text = format!(
            "nothing is sealed for {} at {}; look with: vestibule break-glass show",
            user.email, door.key
        );
        return Err(Failure::new("not_found", text));
    }
    let text = format!("Nothing is sealed for {} at {} any more.", user.email, door.key);
    let json = json!({
        "application": door.key.as_str(),
        "user": user_json(&user),
        "unsealed": true,
    });
    Ok(Answer::new(text, json))
}

fn seal_json(seal: &Seal) -> Value {
    json!({
        "application": seal.application.as_str(),
        "user": user_json(&seal.user),
        "sealed_at": seal.sealed_at.to_rfc3339(),
        "opened_at": seal.opened_at.map(|at| at.to_rfc3339()),
        "standing": seal.standing.code(),
        "usable": seal.standing == Standing::Usable,
    })
}
