//! `vestibule providers add`

use std::path::{Path, PathBuf};

use clap::Args;
use identity::federation::provider::Authority;
use identity::federation::trust::usual_authority;
use identity::secret::Secret;

use super::doors::DoorArguments;
use super::{provider_json, redirect_uri, tools, upstream};
use crate::cli::policy::no_codes;
use crate::cli::{Answer, CommandHouse, Failure};
use crate::config::read_secret;
use crate::federation::save::{self, Door, NewProvider};

/// A provider to be added.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// What people read on the button, after "Login with"
    #[arg(long)]
    name: String,
    /// Address of the provider, without /.well-known/…
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Client id that the provider shows
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// File that holds the client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// Key for addresses and commands [default: made from the name]
    #[arg(long)]
    key: Option<String>,
    /// Scope to ask for; may be given several times [default: openid email profile]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Domain whose e-mail addresses the provider is trusted with; may be given several times
    #[arg(long = "trusted-domain", value_name = "DOMAIN")]
    trusted_domains: Vec<String>,
    /// Host of the provider that may be in your own network; may be given several times
    #[arg(long = "allow-private", value_name = "HOST[:PORT]")]
    allow_private: Vec<String>,
    /// How far its word about e-mail addresses goes: operator (your own), organisation (a
    /// company's) or public (anybody's) [default: public where anybody can make an account, such
    /// as Google, else operator]
    #[arg(long, value_name = "AUTHORITY")]
    authority: Option<Authority>,
    #[command(flatten)]
    door: DoorArguments,
}

/// The client secret in a file.
pub(super) fn client_secret(file: &Path) -> Result<Secret, Failure> {
    read_secret(file).map_err(|error| Failure::new("client_secret_file", error.to_string()))
}

impl AddCommand {
    fn described(self, client_secret: Secret) -> Result<(NewProvider, Door), Failure> {
        let new = NewProvider {
            authority: self.authority.unwrap_or_else(|| usual_authority(&self.issuer)),
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret,
            key: self.key,
            scopes: self.scopes,
            trusted_domains: self.trusted_domains,
            allow_private: self.allow_private,
        };
        Ok((new, self.door.door()?))
    }
}

pub(super) async fn add(house: &CommandHouse, command: AddCommand) -> Result<Answer, Failure> {
    let client_secret = client_secret(&command.client_secret_file)?;
    let (new, door) = command.described(client_secret)?;
    let upstream = upstream(house)?;
    let provider = save::add(&tools(house, &upstream), &new, &door, &house.by()).await?;
    let note = no_codes(house, &door.policy);
    let label = door.policy.button_label.flatten();
    let label = label.unwrap_or_else(|| format!("Login with {}", provider.name));
    let button = match door.policy.button_hidden {
        Some(true) => "no button for it".to_owned(),
        _ => format!("now the button \"{label}\""),
    };
    let text = format!(
        "Added \"{}\" as {}. On the login page of {} there is {button}.\n\
         Enter this redirect URI at the provider: {}{}",
        provider.name,
        provider.key,
        door.application,
        redirect_uri(house, &provider),
        note,
    );
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: AddCommand,
    }

    fn authority(issuer: &str, more: &[&str]) -> Authority {
        let fixed = ["add", "--name", "X", "--client-id", "x", "--client-secret-file", "x"];
        let door = ["--application", "back-office", "--unknown-user", "create"];
        let line = [&fixed[..], &door, &["--issuer", issuer], more].concat();
        let line = Line::try_parse_from(line).expect("a command");
        line.add.described(Secret::new("x")).unwrap().0.authority
    }

    #[test]
    fn s047_a_provider_of_everybody_is_no_operators_own_unless_somebody_says_so() {
        let google = "https://accounts.google.com";
        assert_eq!(authority(google, &[]), Authority::Public);
        assert_eq!(authority("https://id.corp.example", &[]), Authority::Operator);
        assert_eq!(authority(google, &["--authority", "operator"]), Authority::Operator);
    }
}
