//! `vestibule clients change`, `enable`, `disable` and `remove`

use clap::Args;
use identity::oauth::registration::ClientChange;
use identity::oauth::resources::check_foreign;
use serde_json::json;
use store::ClientOutcome;

use super::settings::{Cleared, Settings};
use super::{Named, client_json, has_secret, issuer};
use crate::cli::{Answer, CommandHouse, Failure};

/// What to change about which client.
#[derive(Debug, Args)]
pub struct ChangeCommand {
    #[command(flatten)]
    named: Named,
    /// What people read
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Empty this; may be given several times
    #[arg(long, value_name = "WHAT")]
    clear: Vec<Cleared>,
}

impl ChangeCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let client = self.named.find(house).await?;
        let mut change = self.settings.change(&self.clear)?;
        change.name = self.name;
        if change == ClientChange::default() {
            let text = "say what to change; see: vestibule clients change --help";
            return Err(Failure::new("nothing_to_change", text));
        }
        check_foreign(change.resources.as_deref().unwrap_or_default(), issuer(house))?;
        let changed =
            match house.store.change_client(&client.id, &change, &house.by(), house.now()).await? {
                ClientOutcome::Changed(changed) => changed,
                ClientOutcome::Refused(fault) => return Err(fault.into()),
            };
        let needs_secret = has_secret(changed.authentication) && !has_secret(client.authentication);
        let text = if needs_secret {
            format!(
                "Changed \"{}\". Draw the secret that it needs now: vestibule clients \
                 rotate-secret {}",
                changed.name, changed.id
            )
        } else {
            format!("Changed \"{}\".", changed.name)
        };
        Ok(Answer::new(text, json!({ "client": client_json(house, &changed) })))
    }
}

/// Off or on.
pub(super) async fn switch(
    house: &CommandHouse,
    named: &Named,
    disabled: bool,
) -> Result<Answer, Failure> {
    let client = named.find(house).await?;
    let store = &house.store;
    let changed = store.change_client_state(&client.id, disabled, &house.by(), house.now()).await?;
    let text = if disabled {
        format!(
            "\"{}\" can do nothing any more. Access tokens that it has and that nobody asks us \
             about end within 10 minutes.",
            changed.name
        )
    } else {
        format!("\"{}\" works again.", changed.name)
    };
    Ok(Answer::new(text, json!({ "client": client_json(house, &changed) })))
}

/// For good.
pub(super) async fn remove(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let client = named.find(house).await?;
    house.store.remove_client(&client.id, &house.by(), house.now()).await?;
    let text = format!("Removed \"{}\" and ended everything that it was given.", client.name);
    Ok(Answer::new(text, json!({ "removed": client.id.as_str() })))
}
