//! `vestibule clients rotate-secret`

use std::time::Duration;

use clap::Args;
use identity::oauth::clients::ClientKind;
use identity::secret::Secret;
use serde_json::json;

use super::{Named, client_json, has_secret};
use crate::cli::{Answer, CommandHouse, Failure};

/// How long the old secret works beside the new one: time to bring the new one everywhere.
const OVERLAP: Duration = Duration::from_secs(7 * 24 * 3600);

/// Whose secret, and how.
#[derive(Debug, Args)]
pub struct RotateCommand {
    #[command(flatten)]
    named: Named,
    /// The old secret stops working now, as after it has leaked
    #[arg(long)]
    at_once: bool,
}

impl RotateCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let client = self.named.find(house).await?;
        if client.kind == ClientKind::Public {
            let text = format!(
                "\"{}\" is public: it runs where no secret can be kept, and proves itself by PKCE; \
                 there is nothing to rotate",
                client.name
            );
            return Err(Failure::new("no_secret", text));
        }
        if !has_secret(client.authentication) {
            let text = format!(
                "\"{}\" proves itself by {} and has no secret; change that first with: vestibule \
                 clients change {} --auth client_secret_basic",
                client.name, client.authentication, client.id
            );
            return Err(Failure::new("no_secret", text));
        }
        let secret = Secret::generate(house.entropy.as_ref());
        let now = house.now();
        let old_until = if self.at_once { now } else { now.plus(OVERLAP) };
        let by = house.by();
        let client = house
            .store
            .rotate_client_secret(&client.id, &secret.digest(), old_until, &by, now)
            .await?;
        let old = if self.at_once {
            "Older secrets have stopped working.".to_owned()
        } else {
            let end = old_until.to_rfc3339();
            format!("The secret before it works until {end}; older ones have stopped working.")
        };
        let text = format!(
            "The new secret of \"{}\", shown this once:\n\n  {}\n\n{old}",
            client.name,
            secret.expose()
        );
        let mut document = client_json(house, &client);
        document["client_secret"] = secret.expose().into();
        let json = json!({ "client": document, "old_secrets_until": old_until.to_rfc3339() });
        Ok(Answer::new(text, json))
    }
}
