//! What a decision hook is told: who arrived, and what would be done with them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::DecisionHook;
use crate::entropy::{Entropy, draw};
use crate::federation::decide::{Arrival, Decided, Known};
use crate::federation::external::EmailVerified;
use crate::federation::trust;
use crate::ids::hex;

/// `typ` of a request: it passes for no other token of ours, and no other for it (RFC 8725
/// section 3.11).
pub const HOOK_TYP: &str = "decision-hook+jwt";

/// Life of a request. It is asked once, and answered within seconds.
pub const HOOK_REQUEST_LIFE: Duration = Duration::from_secs(60);

/// The claims of a request: who asks whom, where and by which provider somebody arrived, everything
/// that the provider said, who they are here, and the decision so far with its rules.
pub fn request(
    issuer: &str,
    hook: &DecisionHook,
    arrival: &Arrival,
    known: &Known,
    decided: &Decided,
    entropy: &dyn Entropy,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut claims = Map::new();
    let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    say("iss", issuer.into());
    say("aud", hook.url.as_str().into());
    say("iat", arrival.now.seconds().into());
    say("exp", arrival.now.plus(HOOK_REQUEST_LIFE).seconds().into());
    say("jti", hex(&draw::<16>(entropy)).into());
    say("application", arrival.application.key.as_str().into());
    say("user_type", arrival.application.user_type.as_str().into());
    say("provider", known.provider.key.as_str().into());
    say("identity", identity(arrival, known));
    say("user", user(known));
    let Value::Object(decided) = serde_json::to_value(decided)? else { return Ok(claims) };
    claims.extend(decided);
    Ok(claims)
}

/// Who they are there, as rules see it.
fn identity(arrival: &Arrival, known: &Known) -> Value {
    let external = &arrival.external;
    let trust = trust::weigh(external, &known.provider, arrival.application.user_type);
    let verified = match external.email_verified {
        EmailVerified::Yes => Value::Bool(true),
        EmailVerified::No => Value::Bool(false),
        EmailVerified::Absent => Value::Null,
    };
    json!({
        "issuer": external.issuer,
        "subject": external.subject,
        "email": external.email.as_ref().map(|email| email.as_typed()),
        "email_verified": verified,
        "email_trusted": trust.counts(),
        "given_name": external.name.given,
        "family_name": external.name.family,
        "locale": external.locale,
        "claims": external.claims,
    })
}

/// Who they are here, if they are anybody. Of an account that only has the same address nothing is
/// said: the decision so far is asked for it, and names it where it counts.
fn user(known: &Known) -> Value {
    let Some(linked) = &known.linked else { return Value::Null };
    let groups: Vec<&str> = known.memberships.iter().map(|one| one.name.as_str()).collect();
    json!({
        "id": linked.user.id.as_str(),
        "email": linked.user.email.as_typed(),
        "status": linked.user.status.as_str(),
        "groups": groups,
    })
}
