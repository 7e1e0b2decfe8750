//! `vestibule config`: whether the configuration can work, and what there is to configure.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{Answer, Failure, configuration};
use crate::config::reference;
use crate::federation::upstream::Upstream;

/// What to do about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the file and the environment, and say what is wrong with them
    Check,
    /// Print every setting with its default and its meaning
    Reference,
}

impl ConfigCommand {
    pub(super) fn run(self, file: Option<PathBuf>) -> Result<Answer, Failure> {
        match self {
            Self::Reference => {
                let text = reference();
                let json = json!({ "reference": text });
                Ok(Answer::new(text, json))
            }
            Self::Check => {
                let config = configuration(file)?;
                // Reads the files of certificate authorities.
                Upstream::new(&config.outbound)
                    .map_err(|error| Failure::new("configuration", error.to_string()))?;
                let remarks = config.remarks();
                let (address, url) = (config.server.listen, &config.server.public_url);
                let mail = match &config.mail.smtp_url {
                    Some(server) => format!("goes through {server}"),
                    None => "waits in the queue".to_owned(),
                };
                let noted: String = remarks.iter().map(|one| format!("\n\nNote: {one}")).collect();
                let text = format!(
                    "The configuration is good.\n\nListens on  {address}\nIs called   \
                     {url}\nKey file    {}\nMail        {mail}{noted}",
                    config.keys.file.display()
                );
                let json = json!({
                    "ok": true,
                    "listen": address.to_string(),
                    "public_url": url.as_str(),
                    "key_file": config.keys.file.display().to_string(),
                    "mail": config.mail.goes_out(),
                    "remarks": remarks,
                });
                Ok(Answer::new(text, json))
            }
        }
    }
}
