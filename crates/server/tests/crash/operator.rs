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

/// Adds somebody, who signs in, and mostly is deactivated then.
pub async fn work(stage: Arc<Stage>, mut random: StdRng) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    let known = arrive(&stage, &mut wire).await?;
    loop {
        employ(&stage, &mut wire, &known, &mut random).await?;
    }
}

async fn employ(
    stage: &Stage,
    wire: &mut Wire,
    known: &Known,
    random: &mut StdRng,
) -> io::Result<()> {
    let (colleague, email) = {
        let mut ledger = stage.ledger();
        let email = format!("colleague{}@corp.example", ledger.colleagues.len());
        (ledger.adding(&email), email)
    };
    if !run(stage, stage.yard.adding(&email)).await? {
        return Ok(());
    }
    stage.ledger().colleagues[colleague].added = true;
    sign_in(stage, wire, known, &email).await?;
    if random.random_bool(0.2) {
        return Ok(());
    }
    stage.ledger().deactivating(colleague, Standing::Unknown);
    if run(stage, stage.yard.command(&["users", "deactivate", &email])).await? {
        stage.ledger().deactivating(colleague, Standing::Out);
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
