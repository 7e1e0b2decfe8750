//! `vestibule backup` and `vestibule restore`: everything in one file, for either engine.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use store::{BackupError, RestoreError, Store};

use super::{Answer, CommandHouse, Failure};
use crate::config::Config;

/// Where to.
#[derive(Debug, Args)]
pub struct BackupCommand {
    /// File to write; one that is there is never overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Where from.
#[derive(Debug, Args)]
pub struct RestoreCommand {
    /// File that `vestibule backup` has written
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl BackupCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let file = &self.file;
        let unwritable = |error: std::io::Error| {
            let text = format!("cannot write {}: {error}; name a new file", file.display());
            Failure::new("unwritable", text)
        };
        // Passwords are hashed in it and secrets encrypted, and still it is nobody else's business.
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let mut to = BufWriter::new(new.map_err(unwritable)?);
        let done = house.store.backup(&mut to, house.now()).await;
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // Half a backup is worse than none: somebody might keep it.
                let _ = fs::remove_file(file);
                return Err(match error {
                    BackupError::Store(error) => error.into(),
                    BackupError::File(error) => unwritable(error),
                });
            }
        };
        to.get_ref().sync_all().map_err(unwritable)?;
        let key_file = house.config.keys.file.display().to_string();
        let text = format!(
            "Written: {}, {} rows.\n\
             Keep a copy of the key file {key_file} too, in another place: it is not in the \
             backup, and without it nothing encrypted can be opened.",
            file.display(),
            done.rows
        );
        let document = json!({
            "file": file.display().to_string(),
            "rows": done.rows,
            "schema": done.schema,
            "key_file": key_file,
        });
        Ok(Answer::new(text, document))
    }
}

impl RestoreCommand {
    pub(super) async fn run(self, config: &Config) -> Result<Answer, Failure> {
        let file = &self.file;
        let opened = File::open(file).map_err(|error| {
            let text = format!("cannot read {}: {error}", file.display());
            Failure::new("unreadable", text)
        })?;
        make_folder(config)?;
        let url = config.database.url.expose();
        let done = Store::restore(url, &mut BufReader::new(opened)).await?;
        let key_file = &config.keys.file;
        let advice = if key_file.exists() {
            format!(
                "It opens with the key file that it was made beside; {} must be that one.",
                key_file.display()
            )
        } else {
            format!(
                "Before you start it, put the key file that it was made beside at {}: the backup \
                 does not have it, and without it nothing encrypted can be opened.",
                key_file.display()
            )
        };
        let text = format!("Restored {} rows.\n{advice}", done.rows);
        let document = json!({
            "rows": done.rows,
            "schema": done.schema,
            "key_file": key_file.display().to_string(),
            "key_file_is_there": key_file.exists(),
        });
        Ok(Answer::new(text, document))
    }
}

/// Of an embedded database.
fn make_folder(config: &Config) -> Result<(), Failure> {
    let file = config.database.sqlite_file();
    let folder = file.as_deref().and_then(Path::parent);
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    crate::files::private_folder(folder).map_err(|error| {
        let text = format!("cannot make the folder {}: {error}", folder.display());
        Failure::new("unwritable", text)
    })
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        let code = match error {
            RestoreError::Store(error) => return error.into(),
            RestoreError::File(_) => "unreadable",
            RestoreError::NotABackup(_) => "not_a_backup",
            RestoreError::OtherSchema { .. } => "other_schema",
            RestoreError::NotEmpty(_) => "not_empty",
            RestoreError::CutOff => "cut_off",
        };
        Self::new(code, error.to_string())
    }
}
