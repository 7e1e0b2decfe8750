//! `vestibule setup-link`: the way in for the first administrator.

use identity::secret::Secret;
use serde_json::json;

use super::{Answer, CommandHouse, Failure};
use crate::federation::save;
use crate::setup::{DOOR, SETUP_LIFE, make_link};

/// Makes a link and prints it; older ones stop working.
pub(super) async fn run(house: &CommandHouse) -> Result<Answer, Failure> {
    let door = save::find_application(&house.store, DOOR).await?;
    if !door.local_login {
        let text = format!(
            "the first administrator begins with a password, and {DOOR} takes none; let it take \
             them: vestibule applications change {DOOR} --password on"
        );
        return Err(Failure::new("local_login_closed", text));
    }
    let token = Secret::generate(house.entropy.as_ref());
    let url = &house.config.server.public_url;
    let link = make_link(&house.store, url, &token, &house.by(), house.now()).await?;
    let link = link.ok_or_else(|| {
        Failure::new(
            "administrator_exists",
            "there is an administrator already; make more with: vestibule groups add-member \
             administrators ADDRESS",
        )
    })?;
    let hours = SETUP_LIFE.as_secs() / 3600;
    let text = format!(
        "Open this address within {hours} hours to make the first administrator. It works \
         once.\n\n{link}"
    );
    Ok(Answer::new(text, json!({ "setup_link": link, "hours": hours })))
}
