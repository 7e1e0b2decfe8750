//! `vestibule users`: who there is, who may come in, and with which password.

mod add;
mod approval;
mod list;
mod person;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use identity::users::{Status, StatusChange};
use serde_json::json;
use store::{By, StatusOutcome};

use super::{Answer, CommandHouse, Failure, Force, password};
pub(super) use person::{Person, find, user_json};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user
    Add(add::AddCommand),
    /// List users in the order of their addresses
    List(list::ListCommand),
    /// Show everything about a user
    Show(Person),
    /// Let a user sign in
    Activate(Person),
    /// Keep a user out, and end their sessions at once
    Deactivate(Leaving),
    /// Delete a user softly, and end their sessions at once; they can be restored
    Delete(Leaving),
    /// Bring a deleted user back, deactivated and without their groups
    Restore(Person),
    /// Let in somebody who waits for approval, and tell them by mail
    Approve(approval::ApprovalCommand),
    /// Keep out somebody who waits for approval, and tell them by mail
    Reject(approval::ApprovalCommand),
    /// End every session of a user, and everything that applications keep for them offline
    SignOut(Person),
    /// Set a password, read from a file or standard input, and end the user's sessions
    SetPassword(SetPasswordCommand),
}

/// Who is to be kept out.
#[derive(Debug, Args)]
pub struct Leaving {
    #[command(flatten)]
    person: Person,
    #[command(flatten)]
    force: Force,
}

/// Whose password, and where it is.
#[derive(Debug, Args)]
pub struct SetPasswordCommand {
    #[command(flatten)]
    person: Person,
    /// File with the password in its first line [default: standard input]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl UsersCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::Add(command) => command.run(house).await,
            Self::List(command) => command.run(house).await,
            Self::Show(person) => show::run(&person, house).await,
            Self::Activate(person) => {
                status(house, &person, StatusChange::Activate, &house.by()).await
            }
            Self::Deactivate(Leaving { person, force }) => {
                status(house, &person, StatusChange::Deactivate, &force.by(house)).await
            }
            Self::Delete(Leaving { person, force }) => {
                status(house, &person, StatusChange::Delete, &force.by(house)).await
            }
            Self::Restore(person) => {
                status(house, &person, StatusChange::Restore, &house.by()).await
            }
            Self::Approve(command) => command.run(true, house).await,
            Self::Reject(command) => command.run(false, house).await,
            Self::SignOut(person) => sign_out(house, &person).await,
            Self::SetPassword(command) => command.run(house).await,
        }
    }
}

async fn status(
    house: &CommandHouse,
    person: &Person,
    change: StatusChange,
    by: &By,
) -> Result<Answer, Failure> {
    let before = find(house, person).await?;
    let outcome = house.store.change_user_status(&before.id, change, by, house.now()).await?;
    let user = match outcome {
        StatusOutcome::Refused(refusal) => {
            return Err(Failure::new(refusal.code(), refusal.to_string()));
        }
        StatusOutcome::Changed(user) => user,
    };
    let changed = user.status != before.status;
    let text = match (changed, user.status) {
        (false, now) => format!("{} was {now} already; nothing was changed.", user.email),
        (true, Status::Active) => format!("{} is active and may sign in.", user.email),
        (true, Status::Deactivated) if before.status == Status::Deleted => {
            format!(
                "{} is back, deactivated and without groups. Let them in with: vestibule users \
                 activate {}",
                user.email, user.id
            )
        }
        (true, now) => format!("{} is {now}, and all their sessions were ended.", user.email),
    };
    Ok(Answer::new(text, json!({ "user": user_json(&user), "changed": changed })))
}

/// Everywhere: in every browser, and at every application.
async fn sign_out(house: &CommandHouse, person: &Person) -> Result<Answer, Failure> {
    let user = find(house, person).await?;
    let ended = house.store.end_user_sessions(&user.id, None, &house.by(), house.now()).await?;
    let sessions = match ended {
        0 => "no session was open".to_owned(),
        1 => "1 session was ended".to_owned(),
        many => format!("{many} sessions were ended"),
    };
    let text = format!(
        "{} is signed out everywhere: {sessions}, and applications keep nothing for them.",
        user.email
    );
    Ok(Answer::new(text, json!({ "user": user_json(&user), "ended": ended })))
}

impl SetPasswordCommand {
    async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let user = find(house, &self.person).await?;
        if !house.store.find_password_allowed(&user).await? {
            return Err(Failure::new(
                "no_password",
                format!(
                    "{} came by single sign-on and signs in through the identity provider; such \
                     {} users have no password here",
                    user.email, user.user_type
                ),
            ));
        }
        let new = password::read(self.password_file.as_deref())?;
        let hash = password::hash(house, &user.name, user.email.as_typed(), &new).await?;
        house.store.set_password(&user.id, &hash, None, &house.by(), house.now()).await?;
        let mut text =
            format!("The password of {} is set, and all their sessions were ended.", user.email);
        let doors = house.store.list_applications().await?;
        if !doors.iter().any(|door| door.user_type == user.user_type && door.local_login) {
            text.push_str(
                " No application takes it at the moment: vestibule applications change KEY \
                 --password on",
            );
        }
        Ok(Answer::new(text, json!({ "user": user_json(&user), "password_set": true })))
    }
}
