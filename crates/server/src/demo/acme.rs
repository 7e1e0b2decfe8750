//! Acme, the company of the demo: a second Vestibule that is the identity provider of its people.

use identity::applications::ApplicationKey;
use identity::oauth::clients::GrantType;
use identity::oauth::registration::NewClient;
use identity::users::EmailStanding;
use store::{ApplicationChange, By};

use super::Outcome;
use super::furnish::{Person, add_client, add_staff};
use crate::app::App;

/// Who works there.
pub(super) const EMPLOYEE: &str = "employee@acme.test";

/// Vestibule's client there.
pub(super) const CLIENT: &str = "vestibule";

/// What Vestibule proves itself with there.
pub(super) const CLIENT_SECRET: &str = "acme-demo-secret";

/// The door that Acme's own people sign in at.
const DOOR: &str = "back-office";

/// Gives the company its name, its employee, and Vestibule at `vestibule` as a client.
pub(super) async fn furnish(app: &App, vestibule: &str) -> Outcome<()> {
    let door = ApplicationKey::from_stored(DOOR);
    let change =
        ApplicationChange { name: Some("Acme".to_owned()), ..ApplicationChange::default() };
    app.store.change_application(&door, &change, &By::operator(), app.now()).await?;
    let employee = Person {
        email: EMPLOYEE,
        // A company knows that mail arrives at the addresses that it has given out itself, and
        // only then may it say `email_verified`.
        email_standing: EmailStanding::Verified,
        given: "Erin",
        family: "Employee",
    };
    add_staff(app, &employee, &[]).await?;
    let mut new = NewClient::named(door, "Vestibule");
    new.id = Some(CLIENT.to_owned());
    new.redirect_uris = vec![format!("{vestibule}/login/callback/{}", super::house::PROVIDER)];
    new.grant_types = vec![GrantType::AuthorizationCode];
    add_client(app, new, CLIENT_SECRET).await
}
