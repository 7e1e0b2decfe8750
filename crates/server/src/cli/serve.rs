//! `vestibule serve` and `vestibule demo`: the commands that last.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use identity::secret::Secret;
use store::By;
use tokio::net::TcpListener;

use super::{Answer, Failure};
use crate::app::{App, Parts};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::serve::{asked_to_stop, serve};
use crate::setup::{DOOR, make_link};

/// Where the demo is.
#[derive(Debug, Args)]
pub struct DemoCommand {
    /// Port on 127.0.0.1 of Vestibule; Acme has the next one and the shop the one after that
    /// [default: 8480, or those that the folder was made with]
    #[arg(long)]
    port: Option<u16>,
    /// Keep the data in this folder instead of throwing it away
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl DemoCommand {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        crate::demo::run(self.port, self.folder)
            .await
            .map_err(|error| Failure::new("demo", error.to_string()))?;
        Ok(Answer::silent())
    }
}

/// Serves until it is asked to stop.
pub(super) async fn run(config: Config) -> Result<Answer, Failure> {
    crate::log::start(&config.log);
    for remark in config.remarks() {
        tracing::warn!("{remark}");
    }
    let address = config.server.listen;
    // The address first: what cannot listen shall not touch the database.
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let text = format!("cannot listen on {address} ({error}); change server.listen");
        Failure::new("cannot_listen", text)
    })?;
    let operations = match config.operations.listen {
        None => None,
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
            let text = format!("cannot listen on {address} ({error}); change operations.listen");
            Failure::new("cannot_listen", text)
        })?),
    };
    let parts = Parts { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let app = App::open(config, parts)
        .await
        .map_err(|error| Failure::new("cannot_open", error.to_string()))?;
    show_setup_link(&app).await?;
    let stop = asked_to_stop();
    if let Some(listener) = operations {
        tokio::spawn(crate::operations::serve(app.clone(), listener));
    }
    tracing::info!(%address, url = %app.config.server.public_url, "serving");
    serve(app, listener, stop)
        .await
        .map_err(|error| Failure::new("cannot_serve", error.to_string()))?;
    Ok(Answer::silent())
}

/// On a terminal only: what goes to a log is read by more people than one.
async fn show_setup_link(app: &App) -> Result<(), Failure> {
    if app.store.count_administrators().await? > 0 {
        return Ok(());
    }
    if !stderr().is_terminal() {
        tracing::info!("nobody can administer this house yet; run: vestibule setup-link");
        return Ok(());
    }
    if !app.directory.now().application(DOOR).is_some_and(|door| door.local_login) {
        tracing::info!(
            "nobody can administer this house, and {DOOR} takes no passwords; run: vestibule \
             applications change {DOOR} --password on, and then: vestibule setup-link"
        );
        return Ok(());
    }
    let token = Secret::generate(app.entropy.as_ref());
    let url = &app.config.server.public_url;
    let link = make_link(&app.store, url, &token, &By::operator(), app.now()).await?;
    if let Some(link) = link {
        eprintln!("\nOpen this address to make the first administrator:\n\n  {link}\n");
    }
    Ok(())
}
