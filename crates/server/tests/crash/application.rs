//! An application: it sends somebody for codes, makes tokens of them, and gives some of them back.

use std::io;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;
use testkit::wire::{Answer, Wire};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::ledger::Standing;
use crate::stage::Stage;
use crate::tokens::CodeState;
use crate::visitors::{arrive, sign_in};
use crate::yard::{CLIENT, CUSTOMER, REDIRECT_URI};

/// Proves that whoever brings a code is who asked for it (RFC 7636); any text of that length.
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-anybody-1234";

/// Somebody goes for codes again and again; what becomes of each is left to chance.
pub async fn use_tokens(stage: Arc<Stage>, mut random: StdRng) -> io::Result<()> {
    let mut wire = stage.connect().await?;
    let known = arrive(&stage, &mut wire).await?;
    while !sign_in(&stage, &mut wire, &known, CUSTOMER).await? {}
    let cookies = {
        let ledger = stage.ledger();
        let own = ledger.sessions.iter().rfind(|entry| entry.email == CUSTOMER);
        own.expect("a session").cookies.clone()
    };
    loop {
        let Some(code) = go_for_a_code(&stage, &mut wire, &cookies).await? else { continue };
        if random.random_bool(0.3) {
            continue;
        }
        let Some(family) = redeem(&stage, &mut wire, code).await? else { continue };
        let mut is_told = true;
        for _ in 0..random.random_range(0..4) {
            is_told = is_told && rotate(&stage, &mut wire, family).await?;
        }
        if is_told && random.random_bool(0.3) {
            revoke(&stage, &mut wire, family).await?;
        }
    }
}

async fn go_for_a_code(stage: &Stage, wire: &mut Wire, cookies: &str) -> io::Result<Option<usize>> {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let query = Serializer::new(String::new())
        .extend_pairs([
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("state", "state"),
            ("nonce", "nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let answer = wire.get(&format!("/oauth/authorize?{query}"), cookies).await?;
    let is_right = |answer: &Answer| code_of(answer).is_some();
    let Some(answer) = stage.expect(answer, is_right).await else { return Ok(None) };
    Ok(code_of(&answer).map(|code| stage.ledger().given_code(code)))
}

/// The code that somebody is sent home with.
fn code_of(answer: &Answer) -> Option<String> {
    let home = Url::parse(answer.header("location")?).ok()?;
    let is_home = answer.status == 303 && home.as_str().starts_with(REDIRECT_URI);
    let code = home.query_pairs().find(|(name, _)| name == "code")?.1.into_owned();
    is_home.then_some(code)
}

/// Brings a code, and gives the place of its family if that was acknowledged.
async fn redeem(stage: &Stage, wire: &mut Wire, code: usize) -> io::Result<Option<usize>> {
    let text = {
        let mut ledger = stage.ledger();
        ledger.codes[code].state = CodeState::Brought;
        ledger.codes[code].code.clone()
    };
    let answer = bring_code(wire, &text).await?;
    let Some(answer) = stage.expect(answer, |answer| answer.status == 200).await else {
        return Ok(None);
    };
    Ok(Some(stage.ledger().redeemed(code, refresh_token(&answer))))
}

/// Whether the next token of a family is here.
async fn rotate(stage: &Stage, wire: &mut Wire, family: usize) -> io::Result<bool> {
    let head = {
        let mut ledger = stage.ledger();
        ledger.bringing(family);
        ledger.families[family].head.clone()
    };
    let answer = bring_refresh_token(wire, &head).await?;
    let Some(answer) = stage.expect(answer, |answer| answer.status == 200).await else {
        return Ok(false);
    };
    stage.ledger().rotated(family, refresh_token(&answer));
    Ok(true)
}

async fn revoke(stage: &Stage, wire: &mut Wire, family: usize) -> io::Result<()> {
    let head = {
        let mut ledger = stage.ledger();
        ledger.set_family(family, Standing::Unknown);
        ledger.families[family].head.clone()
    };
    let form = [("token", head.as_str()), ("client_id", CLIENT)];
    let answer = wire.post("/oauth/revoke", "", &form).await?;
    if stage.expect(answer, |answer| answer.status == 200).await.is_some() {
        stage.ledger().revoked(family);
    }
    Ok(())
}

/// RFC 6749 section 4.1.3.
pub async fn bring_code(wire: &mut Wire, code: &str) -> io::Result<Answer> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    wire.post("/oauth/token", "", &form).await
}

/// RFC 6749 section 6.
pub async fn bring_refresh_token(wire: &mut Wire, token: &str) -> io::Result<Answer> {
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    wire.post("/oauth/token", "", &form).await
}

/// The refresh token of a good answer.
pub fn refresh_token(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    body["refresh_token"].as_str().unwrap_or_else(|| panic!("none: {}", answer.body)).to_owned()
}
