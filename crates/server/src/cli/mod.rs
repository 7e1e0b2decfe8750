//! The command line: what an operator can ask, and how it is answered.

mod answer;
mod applications;
mod audit;
mod backup;
mod break_glass;
mod clients;
mod config;
mod doctor;
mod explain;
mod generate;
mod groups;
mod hosts;
mod json_file;
mod keys;
mod password;
mod policy;
mod providers;
mod serve;
mod setup_link;
mod span;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use identity::entropy::Entropy;
use identity::time::Moment;
use store::{By, Store};

pub use answer::{Answer, Failure};

use crate::app::open_store;
use crate::clock::{Clock, SystemClock, SystemEntropy};
use crate::config::{Config, load};
use crate::keys::Keyring;

/// The file that is read when it is there and no other is named.
const DEFAULT_FILE: &str = "vestibule.toml";

/// Signs people in to every application of a commerce platform.
///
/// Start with `vestibule demo` to look around, or with `vestibule serve`: without any
/// configuration it keeps everything in ./vestibule-data and prints a link that makes the first
/// administrator.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    arg_required_else_help = false,
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 not understood.\n\
                  With --json, the answer is one JSON document on standard output, and a failure \
                  is {\"error\":{\"code\",\"message\"}} on standard error."
)]
pub struct Cli {
    /// Configuration file [default: vestibule.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer as JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped; what happens when no command is given
    Serve,
    /// Show the whole trip: a shop, Vestibule and a company, on loopback, keeping nothing
    Demo(serve::DemoCommand),
    /// Check the configuration, or print everything that can be configured
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Look at everything that a house needs, also from outside, and say what is wrong
    Doctor,
    /// Print a link that makes the first administrator, once
    SetupLink,
    /// Change how long sessions last, where sign-ins return to, and whether passwords are taken
    #[command(subcommand)]
    Applications(applications::ApplicationsCommand),
    /// Add, find and change users, and set their passwords
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Add and remove groups and their members
    #[command(subcommand)]
    Groups(groups::GroupsCommand),
    /// Connect identity providers to applications
    #[command(subcommand)]
    Providers(providers::ProvidersCommand),
    /// Register hosts in front of which a reverse proxy asks us
    #[command(subcommand)]
    Hosts(hosts::HostsCommand),
    /// List and change the keys that tokens are signed with
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Register the programs that sign people in through us
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// Seal a code that lets an administrator in where passwords are off and nothing else works
    #[command(subcommand)]
    BreakGlass(break_glass::BreakGlassCommand),
    /// Say what would become of somebody who signs in, and why; nothing is written
    Explain(explain::ExplainCommand),
    /// Read what was done and what was refused
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Write everything but the key file to one file, also while it serves
    Backup(backup::BackupCommand),
    /// Read a backup into a new, empty database, of either engine
    Restore(backup::RestoreCommand),
    /// Rewrite the generated documentation
    #[command(hide = true)]
    Gen(generate::GenCommand),
}

/// What a command works with.
pub struct CommandHouse {
    /// As read.
    pub config: Config,
    /// What remembers.
    pub store: Store,
    /// What encrypts fields at rest.
    pub keyring: Keyring,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// What cannot be predicted.
    pub entropy: Arc<dyn Entropy>,
}

impl CommandHouse {
    /// Now.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// In whose name commands act.
    pub fn by(&self) -> By {
        By::operator()
    }
}

/// Whether to insist.
#[derive(Clone, Copy, Debug, Args)]
pub struct Force {
    /// Do it although no administrator may be able to sign in afterwards
    #[arg(long)]
    force: bool,
}

impl Force {
    /// In whose name, and insisting or not.
    pub fn by(self, house: &CommandHouse) -> By {
        house.by().forced(self.force)
    }
}

/// Opens database and keys for a command that serves nobody.
pub async fn open(config: Config) -> Result<CommandHouse, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let (store, keyring) = open_store(&config, clock.as_ref(), &entropy)
        .await
        .map_err(|error| Failure::new("cannot_open", error.to_string()))?;
    Ok(CommandHouse { config, store, keyring, clock, entropy })
}

/// Reads the configuration: the named file, else the default one where it is there.
fn configuration(file: Option<PathBuf>) -> Result<Config, Failure> {
    let file = file.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
    load(file.as_deref(), std::env::vars())
        .map_err(|error| Failure::new("configuration", error.to_string()))
}

/// The whole process, from its arguments to its exit code.
pub fn main() -> ExitCode {
    let Cli { config, json, command } = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            let text = format!("the process cannot start its threads: {error}");
            return Failure::new("threads", text).print(json);
        }
    };
    match runtime.block_on(run(config, command.unwrap_or(Command::Serve))) {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(json),
    }
}

async fn run(file: Option<PathBuf>, command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Demo(demo) => return demo.run().await,
        Command::Gen(generate) => return generate.run(),
        Command::Config(command) => return command.run(file),
        _ => {}
    }
    let config = configuration(file)?;
    if matches!(command, Command::Serve) {
        return serve::run(config).await;
    }
    if matches!(command, Command::Doctor) {
        return doctor::run(&config).await;
    }
    if let Command::Restore(command) = command {
        return command.run(&config).await;
    }
    let house = open(config).await?;
    let answer = match command {
        Command::Backup(command) => command.run(&house).await,
        Command::SetupLink => setup_link::run(&house).await,
        Command::Applications(command) => command.run(&house).await,
        Command::Users(command) => command.run(&house).await,
        Command::Groups(command) => command.run(&house).await,
        Command::Providers(command) => command.run(&house).await,
        Command::Hosts(command) => command.run(&house).await,
        Command::Keys(command) => command.run(&house).await,
        Command::Clients(command) => command.run(&house).await,
        Command::BreakGlass(command) => command.run(&house).await,
        Command::Explain(command) => Box::pin(command.run(&house)).await,
        Command::Audit(command) => command.run(&house).await,
        Command::Restore(_)
        | Command::Serve
        | Command::Demo(_)
        | Command::Doctor
        | Command::Config(_)
        | Command::Gen(_) => Ok(Answer::silent()),
    };
    house.store.close().await;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_password_or_a_secret() {
        fn look(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let takes_secret = ["password", "secret", "token"].iter().any(|w| name.contains(w));
                // It says whether people may have one.
                let is_choice = name == "local_password";
                assert!(!takes_secret || is_choice || name.ends_with("_file"), "{name}");
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }
}
