//! `vestibule demo`: an application, Vestibule and a company's identity provider, on loopback,
//! to walk through; it leaves nothing behind.

mod acme;
mod furnish;
mod house;
mod places;
mod shop;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::clock::SystemEntropy;
use crate::serve::{asked_to_stop, serve};
use places::Places;

/// Everybody's. It is in the documentation, which is why a demo listens on loopback only.
const PASSWORD: &str = "vestibule-demo-2026";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs until it is asked to stop.
///
/// Vestibule is on `port`, Acme on the next one, the shop on the one after that; 0 means any three
/// that are free. `folder` keeps the data where somebody wants to look at it; otherwise it is a
/// temporary one that goes with the process.
pub async fn run(port: Option<u16>, folder: Option<PathBuf>) -> Outcome<()> {
    let throw_away = folder.is_none();
    let places = Places::take(port, folder.as_deref()).await?;
    let folder = match folder {
        Some(folder) => {
            crate::files::private_folder(&folder)?;
            folder
        }
        None => crate::files::temporary_folder("vestibule-demo", &SystemEntropy)?,
    };
    let kept = if throw_away {
        "nothing is kept.".to_owned()
    } else {
        format!("everything is kept in {}.", folder.display())
    };
    let served = Box::pin(furnish_and_serve(places, &folder, &kept)).await;
    if throw_away {
        fs::remove_dir_all(&folder)?;
    }
    served
}

async fn furnish_and_serve(places: Places, folder: &Path, kept: &str) -> Outcome<()> {
    places.remember(folder)?;
    let Places { vestibule, acme, shop } = places;
    let config = furnish::config(&vestibule, folder)?;
    let acme_config = furnish::config(&acme, &folder.join("acme"))?;
    crate::log::start(&config.loaded.log);
    // Making keys takes longest; the two need not wait for each other.
    let (app, acme_app) =
        tokio::try_join!(furnish::open(config.loaded), furnish::open(acme_config.loaded))?;
    acme::furnish(&acme_app, &vestibule.url).await?;
    let (say_stop, stop) = watch::channel(false);
    let mut parts = JoinSet::new();
    parts.spawn(serve(acme_app, acme.listener, heard(stop.clone())));
    // Acme answers from here on: Vestibule reads its discovery document, as for an operator.
    house::furnish(&app, &acme.url, &shop.url).await?;
    let sample = shop::Shop::new(&shop.url, &vestibule.url)?;
    parts.spawn(serve(app, vestibule.listener, heard(stop.clone())));
    parts.spawn(shop::serve(sample, shop.listener, heard(stop)));
    let stopped = asked_to_stop();
    greet([&shop.url, &vestibule.url, &acme.url], &config.file, kept);
    let early = tokio::select! {
        () = stopped => None,
        ended = parts.join_next() => ended,
    };
    // Nobody listens any more only when every part has ended.
    let _ = say_stop.send(true);
    if let Some(ended) = early {
        told(ended)?;
    }
    while let Some(ended) = parts.join_next().await {
        told(ended)?;
    }
    Ok(())
}

/// Comes when all parts shall stop.
async fn heard(mut stop: watch::Receiver<bool>) {
    // An error means that whoever could say it is gone, which says it too.
    let _ = stop.wait_for(|said| *said).await;
}

fn told(ended: Result<io::Result<()>, JoinError>) -> Outcome<()> {
    ended
        .map_err(|error| format!("a part of the demo ended by itself ({error}); start it again"))?
        .map_err(|error| format!("a part of the demo stopped ({error}); start it again").into())
}

fn greet([shop, vestibule, acme]: [&str; 3], config: &Path, kept: &str) {
    let (employee, administrator) = (acme::EMPLOYEE, house::ADMINISTRATOR);
    println!(
        "\nVestibule is ready.\n\n  \
         Shop          {shop}/          an application\n  \
         Vestibule     {vestibule}/          signs its people in\n  \
         Acme          {acme}/          the company that they work for\n\n\
         A walk through all three:\n\n  \
         1. Open the shop at {shop}/ and choose \"Sign in\".\n  \
         2. Vestibule asks who you are: choose \"Login with Acme\".\n  \
         3. At Acme, sign in as {employee} with the password {PASSWORD}.\n  \
         4. You are back in the shop, which shows your name and everything that it was told.\n  \
         5. Choose \"Log out\": shop and Vestibule forget you, and Acme asks who comes next.\n\n  \
         Back office   {vestibule}/back-office\n  \
         E-mail        {administrator}\n  \
         Password      {PASSWORD}\n\n\
         Other commands reach this house with\n\n  \
         {} --config {} users list\n\n\
         Stop it with Ctrl-C; {kept}",
        itself(),
        config.display(),
    );
}

/// This program, as it can be typed: whoever came by `cargo run` has it on no search path.
fn itself() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "vestibule".into()).display().to_string();
    if path.contains(char::is_whitespace) { format!("\"{path}\"") } else { path }
}
