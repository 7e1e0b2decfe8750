//! Asks the operator's decision hook about somebody who arrived, before anything is settled.

use std::time::Duration;

use identity::federation::decide::{Arrival, Decided, Decision, Known};
use identity::federation::hook::{
    About, DecisionHook, HOOK_TYP, HookAnswer, HookError, HookFault, HookWord, hook_of, request,
};
use identity::oauth::clients::SigningAlgorithm;

use super::upstream::WireFault;
use crate::app::App;
use crate::error::PageError;
use crate::oauth::signing::sign;

/// How long all of it may take. Somebody waits for it at every sign-in.
pub const HOOK_LIMIT: Duration = Duration::from_secs(2);

/// Whoever arrived, with the word of the hook where the policy names one. What `decide` makes of
/// them so far is read and told with no transaction open; a refusal is not told to anybody, and
/// whoever has to show something first is asked about when they have.
pub async fn ask(
    app: &App,
    mut arrival: Arrival,
    decide: impl Fn(&Arrival, &Known) -> Decided,
) -> Result<Arrival, PageError> {
    if !is_named(app, &arrival) {
        return Ok(arrival);
    }
    arrival.hook = HookWord::Ahead;
    let known = match app.store.find_known(&arrival).await {
        // The provider was removed meanwhile; the settlement says so.
        Err(store::Error::NotFound) => return Ok(arrival),
        known => known?,
    };
    let decided = decide(&arrival, &known);
    let refused = matches!(decided.decision, Decision::Refuse { .. } | Decision::AskProof { .. });
    arrival.hook = match hook_of(&arrival, &known).filter(|_| !refused) {
        None => HookWord::Unasked,
        Some(hook) => match ask_at(app, &hook, &arrival, &known, &decided).await? {
            Ok(answer) => HookWord::Said { hook, about: About::of(&decided.decision), answer },
            Err(fault) => HookWord::Failed(fault),
        },
    };
    Ok(arrival)
}

/// Whether the picture in memory has a hook. If it is older than the policy, the decision finds
/// that nobody was asked, and refuses.
fn is_named(app: &App, arrival: &Arrival) -> bool {
    let (door, provider) = (&arrival.application, &arrival.external.provider);
    let listing = app.directory.now();
    let set = listing.connection(&door.key, provider).map(|one| &one.policy.decision_hook);
    let set = set.and_then(Option::as_ref).or(door.defaults.decision_hook.as_ref());
    set.is_some_and(Option::is_some)
}

async fn ask_at(
    app: &App,
    hook: &DecisionHook,
    arrival: &Arrival,
    known: &Known,
    decided: &Decided,
) -> Result<Result<HookAnswer, HookFault>, PageError> {
    let claims = request(&app.issuer(), hook, arrival, known, decided, app.entropy.as_ref());
    let claims = claims.map_err(PageError::broken)?;
    let token = sign(app, SigningAlgorithm::Es256, HOOK_TYP, &claims).await;
    let token = token.map_err(PageError::broken)?;
    let answer = app.upstream.ask_hook(hook, token, HOOK_LIMIT).await;
    Ok(answer.map_err(fault).and_then(|body| HookAnswer::parse(&body)))
}

fn fault(fault: WireFault) -> HookFault {
    match fault {
        WireFault::Address(fault) => HookFault::Unreachable(HookError::from(fault).to_string()),
        WireFault::NotAnAddress(_) | WireFault::Unreachable(_) => {
            HookFault::Unreachable(fault.to_string())
        }
        WireFault::TimedOut => HookFault::Slow,
        WireFault::Status(status) => HookFault::Status(status),
        WireFault::TooLarge | WireFault::NotJson(_) => HookFault::Answer(fault.to_string()),
    }
}
