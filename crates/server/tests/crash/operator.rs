//! An operator at the command line, in processes of their own, which are killed along with the house.

use std::io;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use testkit::wire::Wire;
use tokio::process::Command;

use crate::ledger::Standing;
use crate::stage::Stage;
use crate::visitors::{Known, arrive, sign_in};

/// Adds people, who sign in, and deactivates most of them.
pub async fn work(stage: Arc<Stage>, mut random: StdRng) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    let known = arrive(&stage, &mut wire).await?;
    loop {
        let active = stage.ledger().active_colleague();
        match active {
            Some((colleague, email)) if random.random_bool(0.7) => {
                dismiss(&stage, colleague, &email).await?;
            }
            _ => employ(&stage, &mut wire, &known).await?,
        }
    }
}

async fn employ(stage: &Stage, wire: &mut Wire, known: &Known) -> io::Result<()> {
    let (colleague, email) = {
        let mut ledger = stage.ledger();
        let email = format!("colleague{}@corp.example", ledger.colleagues.len());
        (ledger.adding(&email), email)
    };
    if run(stage, stage.yard.adding(&email)).await? {
        stage.ledger().added(colleague);
        sign_in(stage, wire, known, &email).await?;
    }
    Ok(())
}

async fn dismiss(stage: &Stage, colleague: usize, email: &str) -> io::Result<()> {
    stage.ledger().set_colleague(colleague, Standing::Unknown);
    if run(stage, stage.yard.command(&["users", "deactivate", email])).await? {
        stage.ledger().deactivated(colleague);
    }
    Ok(())
}

/// Whether the command said that it is done; a database that is away makes it fail.
async fn run(stage: &Stage, mut command: Command) -> io::Result<bool> {
    let output = stage.unless_ended(command.output()).await??;
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let away = ["\"busy\"", "\"cannot_open\""].iter().any(|code| said.contains(code));
    assert!(away, "{command:?}: {said}");
    stage.ledger().busy += 1;
    Ok(false)
}
