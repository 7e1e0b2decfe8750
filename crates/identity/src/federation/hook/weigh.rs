//! The rule `decision_hook`: what its word makes of a decision. It stands after every other rule,
//! refuses what they let in, lets in nothing that they refuse, and adds what it may add.

use super::{About, HookAnswer, HookWord, Verdict};
use crate::federation::decide::{Arrival, Decided, Decision, Known, NewUser};
use crate::federation::hook::DecisionHook;
use crate::federation::mapping::Changes;
use crate::federation::policy::Policy;
use crate::federation::refusal::Refusal;
use crate::groups::{Group, GroupName};
use crate::ids::GroupId;
use crate::text::{fold, printable};
use crate::users::{Name, User};
use crate::weighed::Weighed;

const RULE: &str = "decision_hook";

/// The hook that is asked about whoever arrives, if the policy names one.
pub fn hook_of(arrival: &Arrival, known: &Known) -> Option<DecisionHook> {
    let connection = known.connection.as_ref()?;
    let user_type = arrival.application.user_type;
    Policy::of(&connection.policy, &known.defaults, user_type).decision_hook.value
}

/// Groups that the hook named for whoever arrives.
pub(in crate::federation) fn names(arrival: &Arrival) -> &[String] {
    match &arrival.hook {
        HookWord::Said { answer, .. } => &answer.groups,
        HookWord::Unasked | HookWord::Ahead | HookWord::Failed(_) => &[],
    }
}

/// What becomes of a decision that all other rules have made.
pub(in crate::federation) fn weigh(
    arrival: &Arrival,
    known: &Known,
    mut decided: Decided,
) -> Decided {
    // Whoever has to show something first is asked about when they have.
    if matches!(decided.decision, Decision::Refuse { .. } | Decision::AskProof { .. }) {
        return decided;
    }
    let Some(hook) = hook_of(arrival, known) else { return decided };
    let (saw, refused) = match heard(arrival, &hook, &decided.decision) {
        Ok(None) => ("not asked".to_owned(), None),
        Ok(Some(answer)) => add(answer, known, &mut decided.decision),
        Err((saw, reason)) => (saw, Some(reason)),
    };
    decided.rules.push(Weighed { rule: RULE, saw, settled: refused.is_some() });
    if let Some(reason) = refused {
        decided.decision = Decision::Refuse { reason };
    }
    decided
}

/// A yes, or none where none is needed yet; else what speaks against whoever arrives.
fn heard<'a>(
    arrival: &'a Arrival,
    hook: &DecisionHook,
    decision: &Decision,
) -> Result<Option<&'a HookAnswer>, (String, Refusal)> {
    let failed = |saw: &str| Err((saw.to_owned(), Refusal::HookFailed));
    match &arrival.hook {
        HookWord::Ahead => Ok(None),
        // The policy names it since a moment ago, or would have refused a moment ago.
        HookWord::Unasked => failed("changed: nobody asked it about this"),
        HookWord::Failed(fault) => failed(&fault.to_string()),
        HookWord::Said { hook: asked, about, .. }
            if asked != hook || *about != About::of(decision) =>
        {
            failed("changed: it was asked about something else")
        }
        HookWord::Said { answer, .. } => match answer.decision {
            Verdict::Allow => Ok(Some(answer)),
            Verdict::Refuse => Err(("refuses".to_owned(), Refusal::HookRefused)),
        },
    }
}

/// Adds to the decision what the answer says besides. A hook that names groups which there are
/// not, or which nobody is given by a policy, means something that we do not understand.
fn add(answer: &HookAnswer, known: &Known, decision: &mut Decision) -> (String, Option<Refusal>) {
    let groups = match groups(answer, known) {
        Ok(groups) => groups,
        Err(saw) => return (saw, Some(Refusal::HookFailed)),
    };
    let count = groups.len();
    match decision {
        Decision::Create(new) | Decision::Hold(new) => to_newcomer(answer, groups, new),
        Decision::SignIn { changes, .. } => {
            let user = known.linked.as_ref().map(|linked| &linked.user);
            user.into_iter().for_each(|user| to_user(answer, &groups, known, user, changes));
        }
        Decision::Link { changes, .. } => {
            let user = known.candidate.as_ref().map(|candidate| &candidate.user);
            user.into_iter().for_each(|user| to_user(answer, &groups, known, user, changes));
        }
        Decision::AskProof { .. } | Decision::Refuse { .. } => {}
    }
    let saw =
        if count == 0 { "allows".to_owned() } else { format!("allows, names {count} groups") };
    (saw, None)
}

fn groups(answer: &HookAnswer, known: &Known) -> Result<Vec<GroupId>, String> {
    let mut found = Vec::new();
    for name in &answer.groups {
        let key = GroupName::parse(name).ok();
        let of_key = |key: GroupName| {
            known.groups.iter().find(|group: &&Group| fold(&group.name) == key.key())
        };
        match key.and_then(of_key) {
            None => return Err(format!("answer: there is no group \"{}\"", printable(name))),
            Some(group) if group.built_in => {
                return Err(format!("answer: nobody is put into \"{}\" by a policy", group.name));
            }
            Some(group) if found.contains(&group.id) => {}
            Some(group) => found.push(group.id.clone()),
        }
    }
    Ok(found)
}

fn to_newcomer(answer: &HookAnswer, groups: Vec<GroupId>, new: &mut NewUser) {
    new.name = called(answer, &new.name);
    new.locale = answer.locale.clone().or(new.locale.take());
    let more: Vec<_> = groups.into_iter().filter(|one| !new.groups.contains(one)).collect();
    new.groups.extend(more);
}

fn to_user(
    answer: &HookAnswer,
    groups: &[GroupId],
    known: &Known,
    user: &User,
    changes: &mut Changes,
) {
    let name = called(answer, changes.name.as_ref().unwrap_or(&user.name));
    changes.name = Some(name).filter(|name| *name != user.name);
    let locale = answer.locale.clone().or(changes.locale.take());
    changes.locale = locale.filter(|now| user.locale.as_ref() != Some(now));
    let given = |group: &GroupId| {
        known.memberships.iter().any(|one| one.granted_here && one.group == *group)
    };
    for group in groups {
        if !changes.granted.contains(group) && !given(group) {
            changes.granted.push(group.clone());
        }
    }
    // What rules about groups would take away stays where the hook gives it.
    changes.revoked.retain(|group| !groups.contains(group));
}

fn called(answer: &HookAnswer, name: &Name) -> Name {
    Name {
        given: answer.given_name.clone().unwrap_or_else(|| name.given.clone()),
        family: answer.family_name.clone().unwrap_or_else(|| name.family.clone()),
    }
}
