//! `vestibule clients add`

use clap::Args;
use identity::oauth::clients::{Client, ClientKind};
use identity::oauth::registration::NewClient;
use identity::oauth::resources::check_foreign;
use identity::secret::Secret;
use serde_json::json;
use store::Conflict;

use super::settings::Settings;
use super::{client_json, find_application, has_secret, issuer};
use crate::cli::{Answer, CommandHouse, Failure};

/// A client to be registered.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// Application whose people it signs in, such as storefront
    #[arg(long)]
    application: String,
    /// What people read
    #[arg(long)]
    name: String,
    /// Client id, such as demo-shop [default: a random one]
    #[arg(long)]
    id: Option<String>,
    /// It runs in a browser or on a device and can keep no secret
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    settings: Settings,
}

impl AddCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let application = find_application(house, &self.application).await?;
        let mut new = NewClient::named(application, self.name);
        new.id = self.id;
        if self.public {
            new.kind = ClientKind::Public;
        }
        self.settings.describe(&mut new)?;
        check_foreign(&new.resources, issuer(house))?;
        let client = new.register(house.now(), house.entropy.as_ref())?;
        // Drawn here and never chosen: what people choose can be guessed.
        let secret =
            has_secret(client.authentication).then(|| Secret::generate(house.entropy.as_ref()));
        let digest = secret.as_ref().map(Secret::digest);
        let added =
            house.store.add_client(&client, digest.as_ref(), &house.by(), house.now()).await;
        added.map_err(|error| match error {
            store::Error::Conflict(Conflict::KeyTaken) => {
                let text =
                    format!("there is a client \"{}\" already; choose another id", client.id);
                Failure::new("key_taken", text)
            }
            other => other.into(),
        })?;
        Ok(answer(house, &client, secret.as_ref()))
    }
}

fn answer(house: &CommandHouse, client: &Client, secret: Option<&Secret>) -> Answer {
    let mut lines = vec![
        format!("Added \"{}\" to {}. Enter in it:\n", client.name, client.application),
        format!("  Issuer         {}", issuer(house)),
        format!("  Client id      {}", client.id),
    ];
    let mut document = client_json(house, client);
    if let Some(secret) = secret {
        lines.push(format!("  Client secret  {}", secret.expose()));
        lines.push("\nThe secret is shown this once; here only its digest is kept.".to_owned());
        document["client_secret"] = secret.expose().into();
    }
    Answer::new(lines.join("\n"), json!({ "client": document }))
}
