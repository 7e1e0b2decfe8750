//! Visitors: they sign in and out with a password, and forget it.

use std::io;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use testkit::wire::Wire;

use crate::stage::Stage;
use crate::yard::{PASSWORD, PEOPLE};

/// A browser that has seen a page of the house.
pub struct Known {
    /// Its cookie.
    pub browser: String,
    /// What its forms carry.
    pub csrf: String,
}

/// Opens the login page for the first time.
pub async fn arrive(stage: &Stage, wire: &mut Wire) -> io::Result<Known> {
    loop {
        let page = wire.get("/back-office/login", "").await?;
        if let Some(page) = stage.expect(page, |page| page.status == 200).await {
            let browser = page.cookie("_browser").expect("a cookie for a new browser");
            return Ok(Known { browser, csrf: page.field("csrf").expect("a form") });
        }
    }
}

/// Signs in; the ledger learns of it once the cookie is here.
pub async fn sign_in(
    stage: &Stage,
    wire: &mut Wire,
    known: &Known,
    email: &str,
) -> io::Result<bool> {
    let fields = [("csrf", known.csrf.as_str()), ("email", email), ("password", PASSWORD)];
    let answer = wire.post("/back-office/login", &known.browser, &fields).await?;
    let Some(answer) = stage.expect(answer, |answer| answer.status == 303).await else {
        return Ok(false);
    };
    let session = answer.cookie("_staff").expect("a session's cookie");
    stage.ledger().signed_in(email, format!("{}; {session}", known.browser));
    Ok(true)
}

/// Signs in again and again, and out now and then.
pub async fn sign_in_and_out(
    stage: Arc<Stage>,
    email: &'static str,
    mut random: StdRng,
) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    let known = arrive(&stage, &mut wire).await?;
    loop {
        sign_in(&stage, &mut wire, &known, email).await?;
        if random.random_bool(0.4) {
            sign_out(&stage, &mut wire, email).await?;
        }
    }
}

/// The latest session, in whichever browser it is, ends.
async fn sign_out(stage: &Stage, wire: &mut Wire, email: &str) -> io::Result<()> {
    let (session, cookies) = {
        let mut ledger = stage.ledger();
        let Some(session) = ledger.ending(email) else { return Ok(()) };
        (session, ledger.sessions[session].cookies.clone())
    };
    let page = wire.get("/back-office/logout", &cookies).await?;
    let Some(page) = stage.expect(page, |page| page.status == 200).await else { return Ok(()) };
    let csrf = page.field("csrf").expect("a form");
    let answer = wire.post("/back-office/logout", &cookies, &[("csrf", &csrf)]).await?;
    if stage.expect(answer, |answer| answer.status == 303).await.is_some() {
        stage.ledger().signed_out(session);
    }
    Ok(())
}

/// Asks for links to a new password. No mail server is set, so every letter waits in the queue.
pub async fn forget_passwords(stage: Arc<Stage>, mut random: StdRng) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    let known = arrive(&stage, &mut wire).await?;
    loop {
        let email = PEOPLE[random.random_range(0..PEOPLE.len())];
        stage.ledger().letters_asked += 1;
        let fields = [("csrf", known.csrf.as_str()), ("email", email)];
        let answer = wire.post("/back-office/password/forgot", &known.browser, &fields).await?;
        let promised = |answer: &testkit::wire::Answer| {
            answer.status == 200 && answer.reason().as_deref() == Some("reset_asked")
        };
        if stage.expect(answer, promised).await.is_some() {
            stage.ledger().promised_letter();
        }
    }
}
