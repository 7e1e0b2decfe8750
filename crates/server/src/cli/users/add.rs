//! `vestibule users add`

use std::path::PathBuf;

use clap::Args;
use identity::email::Email;
use identity::ids::GroupId;
use identity::users::{Birth, EmailStanding, Name, Population, Status, UserType};
use serde_json::json;
use store::NewUser;

use super::user_json;
use crate::cli::{Answer, CommandHouse, Failure, groups, password};

/// The new user.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// E-mail address; you vouch that it is theirs
    #[arg(value_name = "EMAIL")]
    email: String,
    /// Given name
    #[arg(long, default_value = "")]
    given_name: String,
    /// Family name
    #[arg(long, default_value = "")]
    family_name: String,
    /// Language that they read, as a tag such as de or en-GB
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    /// Type of the user: customer, staff, merchant or member
    #[arg(long = "type", value_name = "TYPE", default_value_t = UserType::Staff)]
    user_type: UserType,
    /// Population of the user
    #[arg(long, default_value = "default")]
    population: String,
    /// Group to put them into; may be given more than once
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// File with their password in its first line; without it they have none yet
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl AddCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let new = self.new_user(house).await?;
        let groups = self.groups(house).await?;
        let hash = match &self.password_file {
            None => None,
            Some(file) => {
                let secret = password::read(Some(file))?;
                Some(password::hash(house, &new.name, new.email.as_typed(), &secret).await?)
            }
        };
        let (by, now) = (house.by(), house.now());
        let user = house.store.add_user(&new, &groups, &by, now).await?;
        if let Some(hash) = &hash {
            house.store.set_password(&user.id, hash, None, &by, now).await?;
        }
        let way_in = if hash.is_some() {
            "They can sign in with their password.".to_owned()
        } else {
            let by_mail = if house.config.mail.goes_out() {
                "They can choose one by \"Forgot your password?\", or you set one"
            } else {
                "They cannot choose one by \"Forgot your password?\", because no mail goes out \
                 (mail.smtp_url is not set), so set one"
            };
            format!(
                "They have no password yet. {by_mail} with: vestibule users set-password {}",
                user.id
            )
        };
        let text =
            format!("Added the {} user {} ({}). {way_in}", user.user_type, user.email, user.id);
        Ok(Answer::new(text, json!({ "user": user_json(&user), "password_set": hash.is_some() })))
    }

    async fn new_user(&self, house: &CommandHouse) -> Result<NewUser, Failure> {
        let email = Email::parse(&self.email)
            .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let population = Population::from_stored(self.population.as_str());
        let doors = house.store.list_applications().await?;
        let served = |door: &identity::applications::Application| {
            door.user_type == self.user_type && door.population == population
        };
        if !doors.iter().any(served) {
            let text = format!(
                "no application is for {} users of the population \"{}\"; leave --population out",
                self.user_type, self.population
            );
            return Err(Failure::new("unknown_population", text));
        }
        Ok(NewUser {
            user_type: self.user_type,
            population,
            email,
            // An operator's word stands behind it.
            email_standing: EmailStanding::VouchedFor,
            name: Name::parse(&self.given_name, &self.family_name)
                .map_err(|refusal| Failure::new("name", refusal.to_string()))?,
            locale: self.locale.as_deref().map(locale).transpose()?,
            status: Status::Active,
            birth: Birth::Added,
        })
    }

    async fn groups(&self, house: &CommandHouse) -> Result<Vec<GroupId>, Failure> {
        let mut ids = Vec::new();
        for named in &self.group {
            ids.push(groups::find(house, named, self.user_type).await?.id);
        }
        Ok(ids)
    }
}

/// The shape of a BCP 47 tag; whether anybody speaks it is not asked.
fn locale(tag: &str) -> Result<String, Failure> {
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    if tag.len() <= 35 && tag.split('-').all(part) {
        return Ok(tag.to_owned());
    }
    let text = format!("\"{tag}\" is no language tag; give one such as de or en-GB");
    Err(Failure::new("locale", text))
}
