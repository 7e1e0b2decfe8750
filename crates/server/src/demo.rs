//! `vestibule demo`: a house to look at, on loopback, that leaves nothing behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use identity::email::Email;
use identity::groups::{ADMINISTRATORS, GroupName};
use identity::secret::Secret;
use identity::users::{Birth, EmailStanding, Name, Population, Status, UserType};
use store::{By, NewUser};
use tokio::net::TcpListener;

use crate::app::{App, Parts};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, loopback_url};

/// Who can sign in.
const ADMINISTRATOR: &str = "admin@demo.test";

/// With what. It is in the documentation, which is why a demo listens on loopback only.
const PASSWORD: &str = "vestibule-demo-2026";

/// Runs until it is asked to stop.
///
/// `folder` keeps the data where somebody wants to look at it; otherwise it is a temporary one
/// that goes with the process.
pub async fn run(port: u16, folder: Option<PathBuf>) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        format!("cannot listen on 127.0.0.1:{port} ({error}); choose another with --port")
    })?;
    let port = listener.local_addr()?.port();
    let throw_away = folder.is_none();
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
    let served = furnish_and_serve(port, &folder, listener, &kept).await;
    if throw_away {
        fs::remove_dir_all(&folder)?;
    }
    served
}

async fn furnish_and_serve(
    port: u16,
    folder: &Path,
    listener: TcpListener,
    kept: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let config_file = write_config(port, folder)?;
    let config = crate::config::load(Some(&config_file), std::iter::empty())?;
    crate::log::start(&config.log);
    let app = open(config).await?;
    add_administrator(&app).await?;
    println!(
        "\nVestibule is ready.\n\n  \
         Back office   {}\n  \
         E-mail        {ADMINISTRATOR}\n  \
         Password      {PASSWORD}\n\n\
         Other commands reach this house with\n\n  \
         {} --config {} users list\n\n\
         Stop it with Ctrl-C; {kept}",
        app.url("/back-office"),
        itself(),
        config_file.display(),
    );
    crate::serve::serve(app, listener, crate::serve::asked_to_stop()).await?;
    Ok(())
}

/// This program, as it can be typed: whoever came by `cargo run` has it on no search path.
fn itself() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "vestibule".into()).display().to_string();
    if path.contains(char::is_whitespace) { format!("\"{path}\"") } else { path }
}

async fn open(config: Config) -> Result<App, crate::app::OpenError> {
    let parts = Parts { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    App::open(config, parts).await
}

fn write_config(port: u16, folder: &Path) -> io::Result<PathBuf> {
    let file = folder.join("vestibule.toml");
    let inside = |name: &str| folder.join(name).display().to_string();
    let mut server = toml::Table::new();
    server.insert("listen".into(), format!("127.0.0.1:{port}").into());
    server.insert("public_url".into(), loopback_url(port).to_string().into());
    let mut database = toml::Table::new();
    database.insert("url".into(), format!("sqlite:{}", inside("vestibule.db")).into());
    let mut keys = toml::Table::new();
    keys.insert("file".into(), inside("vestibule.key").into());
    let mut log = toml::Table::new();
    log.insert("level".into(), "warn".into());
    let sections = [("server", server), ("database", database), ("keys", keys), ("log", log)];
    let table: toml::Table =
        sections.into_iter().map(|(name, keys)| (name.to_owned(), keys.into())).collect();
    fs::write(&file, table.to_string())?;
    Ok(file)
}

async fn add_administrator(app: &App) -> Result<(), Box<dyn std::error::Error>> {
    let email = Email::parse(ADMINISTRATOR)?;
    let population = Population::default_one();
    let known = app.store.find_user_by_email(UserType::Staff, &population, email.key()).await?;
    if known.is_some() {
        return Ok(());
    }
    let group = app
        .store
        .find_group_by_name(UserType::Staff, &GroupName::parse(ADMINISTRATORS)?)
        .await?
        .ok_or("the group of administrators is missing; start with an empty folder")?;
    let new = NewUser {
        user_type: UserType::Staff,
        population,
        email,
        email_standing: EmailStanding::VouchedFor,
        name: Name { given: "Ada".into(), family: "Demo".into() },
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
    };
    let by = By::operator();
    let user = app.store.add_user(&new, &[group.id], &by, app.now()).await?;
    let hash = app.hasher.hash(Secret::new(PASSWORD)).await?;
    app.store.set_password(&user.id, &hash.to_string(), None, &by, app.now()).await?;
    Ok(())
}
