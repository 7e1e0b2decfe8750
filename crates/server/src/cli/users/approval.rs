//! `vestibule users approve` and `reject`: what becomes of somebody who waits, and their mail.

use clap::Args;
use identity::applications::Application;
use identity::users::{StatusChange, User};
use serde_json::json;
use store::{StatusOutcome, StatusWish};

use super::{Person, find, user_json};
use crate::cli::{Answer, CommandHouse, Failure};
use crate::federation::save;
use crate::mail::{Letter, seal};

/// Who waits, and where the mail leads.
#[derive(Debug, Args)]
pub struct ApprovalCommand {
    #[command(flatten)]
    person: Person,
    /// Application that the mail speaks of [default: the first one for such users]
    #[arg(long, value_name = "APPLICATION")]
    application: Option<String>,
}

impl ApprovalCommand {
    pub(super) async fn run(self, approved: bool, house: &CommandHouse) -> Result<Answer, Failure> {
        let user = find(house, &self.person).await?;
        let door = door(house, &user, self.application.as_deref()).await?;
        let letter =
            Letter::Approval { application: door.key.clone(), user: user.id.clone(), approved };
        let mail = seal(&house.keyring, house.entropy.as_ref(), &letter, house.now())
            .map_err(|error| Failure::new("sealed", error.to_string()))?;
        let change = if approved { StatusChange::Approve } else { StatusChange::Reject };
        let wish = StatusWish { change, mail: Some(mail) };
        let outcome =
            house.store.change_user_status(&user.id, wish, &house.by(), house.now()).await?;
        let user = match outcome {
            StatusOutcome::Refused(refusal) => {
                return Err(Failure::new(refusal.code(), refusal.to_string()));
            }
            StatusOutcome::Changed(user) => user,
        };
        let text = if approved {
            format!("{} is approved and may sign in to {}.", user.email, door.name)
        } else {
            format!("{} was not approved and is deactivated.", user.email)
        };
        let mailed = if house.config.mail.goes_out() {
            " They are told by mail."
        } else {
            " No mail server is configured, so the mail waits; tell them yourself."
        };
        let json = json!({ "user": user_json(&user), "approved": approved });
        Ok(Answer::new(format!("{text}{mailed}"), json))
    }
}

/// The one that was named, or the first that such users come in by.
async fn door(
    house: &CommandHouse,
    user: &User,
    named: Option<&str>,
) -> Result<Application, Failure> {
    let fits =
        |door: &Application| door.user_type == user.user_type && door.population == user.population;
    let found = match named {
        Some(key) => Some(save::find_application(&house.store, key).await?),
        None => house.store.list_applications().await?.into_iter().find(fits),
    };
    found.filter(fits).ok_or_else(|| {
        let text = format!(
            "{} users of the population \"{}\" do not come in by this application; name one of \
             theirs with --application (vestibule applications list)",
            user.user_type,
            user.population.as_str()
        );
        Failure::new("application", text)
    })
}
