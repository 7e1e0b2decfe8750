//! How a user is named on the command line, and shown.

use clap::Args;
use identity::email::Email;
use identity::ids::UserId;
use identity::users::{Population, User, UserType};
use serde_json::{Value, json};

use crate::cli::{CommandHouse, Failure};

/// Which user.
#[derive(Clone, Debug, Args)]
pub struct Person {
    /// E-mail address or id
    #[arg(value_name = "USER")]
    user: String,
    /// Type of the user, for an address: customer, staff, merchant or member
    #[arg(long = "type", value_name = "TYPE", default_value_t = UserType::Staff)]
    user_type: UserType,
    /// Population of the user, for an address
    #[arg(long, default_value = "default")]
    population: String,
}

/// Finds the user, whatever their status.
pub(crate) async fn find(house: &CommandHouse, person: &Person) -> Result<User, Failure> {
    let Person { user, user_type, population } = person;
    let found = if user.contains('@') {
        let key = Email::key_of(user).ok_or_else(|| {
            Failure::new("email_shape", format!("\"{user}\" is no e-mail address"))
        })?;
        let population = Population::from_stored(population.as_str());
        house.store.find_user_by_email(*user_type, &population, &key).await?
    } else {
        house.store.find_user(&UserId::from_stored(user.as_str())).await?
    };
    found.ok_or_else(|| {
        let text = if user.contains('@') {
            format!(
                "there is no {user_type} user with the address {user} in the population \
                 \"{population}\"; look with: vestibule users list --type {user_type}"
            )
        } else {
            format!("there is no user with the id {user}; give an e-mail address or an id")
        };
        Failure::new("not_found", text)
    })
}

/// A user as JSON. Fields are added, never removed or changed.
pub(crate) fn user_json(user: &User) -> Value {
    json!({
        "id": user.id.as_str(),
        "public_id": user.public_id.as_str(),
        "type": user.user_type.as_str(),
        "population": user.population.as_str(),
        "email": user.email.as_typed(),
        "email_standing": user.email_standing.as_str(),
        "given_name": user.name.given,
        "family_name": user.name.family,
        "locale": user.locale,
        "status": user.status.as_str(),
        "birth": user.birth.as_str(),
        "created_at": user.created_at.to_rfc3339(),
    })
}
