//! People who come through the provider, and the trip that a kill interrupts.

use std::io;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use testkit::wire::{Answer, Wire};
use url::{Position, Url};

use crate::stage::Stage;
use crate::visitors::arrive;

/// A trip on its way back from the provider.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Who makes it.
    email: String,
    /// The way back.
    callback: String,
    /// The browser's cookie.
    browser: String,
    /// Whether the house was asked already, and did not answer.
    was_asked: bool,
}

/// Signs in through the provider again and again: mostly somebody new, sometimes somebody who has
/// been here, or would have been if the house had not been killed.
pub async fn make_trips(stage: Arc<Stage>, mut random: StdRng) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    come_back(&stage, &mut wire).await?;
    let known = arrive(&stage, &mut wire).await?;
    loop {
        let email = somebody(&stage, &mut random);
        stage.ledger().setting_out(&email);
        stage.yard.provider.person(&email, &email);
        let away = wire.get("/back-office/login/corp", &known.browser).await?;
        let Some(away) = stage.expect(away, |away| away.status == 303).await else { continue };
        let callback = visit_provider(&stage, &away).await;
        *stage.pending() =
            Some(Pending { email, callback, browser: known.browser.clone(), was_asked: false });
        come_back(&stage, &mut wire).await?;
    }
}

fn somebody(stage: &Stage, random: &mut StdRng) -> String {
    let ledger = stage.ledger();
    if random.random_bool(0.3) && !ledger.newcomers.is_empty() {
        return ledger.newcomers[random.random_range(0..ledger.newcomers.len())].email.clone();
    }
    format!("newcomer{}@corp.example", ledger.newcomers.len())
}

/// The provider lives in this process, so nothing goes wrong there. Gives the way back.
async fn visit_provider(stage: &Stage, away: &Answer) -> String {
    let at_provider = location(away);
    let host = stage.yard.provider.host().parse().expect("an address");
    let mut provider = Wire::connect(host).await.expect("the provider");
    let path = &at_provider[Position::BeforePath..];
    let back = provider.get(path, "").await.expect("an answer of the provider");
    location(&back)[Position::BeforePath..].to_owned()
}

fn location(answer: &Answer) -> Url {
    let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    Url::parse(location).expect("an address")
}

/// Brings the pending trip home. After a kill that is the one that was under way: begun and
/// acknowledged, it must still lead in; asked for without an answer, it has either not been used
/// up, or made a session in this browser, or is refused as used, and never anything else.
async fn come_back(stage: &Stage, wire: &mut Wire) -> io::Result<()> {
    let Some(pending) = stage.pending().clone() else { return Ok(()) };
    stage.ledger().setting_out(&pending.email);
    if let Some(pending) = stage.pending().as_mut() {
        pending.was_asked = true;
    }
    let answer = wire.get(&pending.callback, &pending.browser).await?;
    let right = |answer: &Answer| {
        let used = answer.reason().as_deref() == Some("attempt_replayed");
        let led_in =
            answer.status == 303 && (pending.was_asked || answer.cookie("_staff").is_some());
        led_in || (pending.was_asked && used)
    };
    let Some(answer) = stage.expect(answer, right).await else { return Ok(()) };
    *stage.pending() = None;
    let mut ledger = stage.ledger();
    if answer.status == 303 {
        ledger.arrived(&pending.email);
    }
    if let Some(session) = answer.cookie("_staff") {
        ledger.signed_in(&pending.email, format!("{}; {session}", pending.browser));
    }
    Ok(())
}
