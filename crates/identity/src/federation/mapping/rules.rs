//! The rules of a policy, asked about somebody who stands at the door, with what each saw.

use super::{Changes, Facts, MAX_GROUPS, groups_rule};
use crate::expressions::{Expression, Rule};
use crate::federation::claims::language_tag;
use crate::federation::policy::{Mapping, NoGroupMatch, Policy, SyncMode};
use crate::federation::refusal::Refusal;
use crate::groups::GroupName;
use crate::ids::GroupId;
use crate::text::printable;
use crate::users::{Name, Status, User};
use crate::weighed::Weighed;

/// Most names of groups that the audit lists, and how much of each.
const MAX_LISTED: usize = 20;
const MAX_SHOWN: usize = 100;

/// The rules of one policy, asked about one person, with what each saw.
pub(in crate::federation) struct Rules<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) policy: &'a Policy,
    /// What was asked, in order.
    pub(in crate::federation) weighed: Vec<Weighed>,
}

impl<'a> Rules<'a> {
    pub(in crate::federation) fn new(facts: Facts<'a>, policy: &'a Policy) -> Self {
        Self { facts, policy, weighed: Vec::new() }
    }

    pub(super) fn saw(&mut self, rule: &'static str, saw: impl Into<String>, settled: bool) {
        self.weighed.push(Weighed { rule, saw: saw.into(), settled });
    }

    fn failed(&mut self, rule: &'static str, fault: impl ToString) -> Refusal {
        self.saw(rule, fault.to_string(), true);
        Refusal::RuleFailed
    }

    /// Who may pass, whoever they are here.
    pub(in crate::federation) fn allow(&mut self) -> Result<(), Refusal> {
        const RULE: &str = "allow_if";
        let Some(rule) = &self.policy.allow_if.value else { return Ok(()) };
        let allowed = self.facts.is_true(rule).map_err(|fault| self.failed(RULE, fault))?;
        self.saw(RULE, if allowed { "true" } else { "not true" }, !allowed);
        if allowed { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// Who is turned away at every sign-in, the first one too.
    pub(in crate::federation) fn sign_in(&mut self) -> Result<(), Refusal> {
        self.refuse("on_sign_in.refuse_if", &self.policy.on_sign_in.value)
    }

    /// Who does not become a user.
    pub(in crate::federation) fn create(&mut self) -> Result<(), Refusal> {
        self.refuse("on_create.refuse_if", &self.policy.on_create.value)
    }

    fn refuse(&mut self, name: &'static str, mapping: &Mapping) -> Result<(), Refusal> {
        let Some(rule) = &mapping.refuse_if else { return Ok(()) };
        let refused = self.facts.is_true(rule).map_err(|fault| self.failed(name, fault))?;
        self.saw(name, if refused { "true" } else { "not true" }, refused);
        if refused { Err(Refusal::NotAllowed) } else { Ok(()) }
    }

    /// Whether a new user waits for approval, if a rule says so.
    pub(in crate::federation) fn newcomer_status(&mut self) -> Result<Option<Status>, Refusal> {
        self.status("on_create.status", &self.policy.on_create.value)
    }

    /// Whether somebody who waits does so no longer.
    pub(in crate::federation) fn approves(&mut self) -> Result<bool, Refusal> {
        let status = self.status("on_sign_in.status", &self.policy.on_sign_in.value)?;
        Ok(status == Some(Status::Active))
    }

    fn status(&mut self, name: &'static str, mapping: &Mapping) -> Result<Option<Status>, Refusal> {
        let Some(rule) = &mapping.status else { return Ok(None) };
        let text = self.facts.text(rule).map_err(|fault| self.failed(name, fault))?;
        let status = match text.as_deref() {
            None => None,
            Some("active") => Some(Status::Active),
            Some("held") => Some(Status::Held),
            Some(other) => {
                let what = format!("\"{}\" is neither \"active\" nor \"held\"", shown(other));
                return Err(self.failed(name, what));
            }
        };
        self.saw(name, text.as_deref().unwrap_or("nothing"), false);
        Ok(status)
    }

    /// What a new user is called, and their language.
    pub(in crate::federation) fn newcomer_profile(
        &mut self,
    ) -> Result<(Name, Option<String>), Refusal> {
        let sync = self.policy.sync.value;
        let name = match sync.name {
            SyncMode::Off => Name::default(),
            SyncMode::Import | SyncMode::Force => self.name(true)?,
        };
        let locale = match sync.locale {
            SyncMode::Off => None,
            SyncMode::Import | SyncMode::Force => self.locale(true)?,
        };
        Ok((name, locale.or_else(|| self.policy.default_locale.value.clone())))
    }

    /// What changes about what somebody is called, and about their language.
    pub(in crate::federation) fn profile(
        &mut self,
        user: &User,
        first: bool,
    ) -> Result<Changes, Refusal> {
        let sync = self.policy.sync.value;
        let takes = |mode, has: bool| match mode {
            SyncMode::Off => false,
            SyncMode::Import => first && !has,
            SyncMode::Force => true,
        };
        let mut changes = Changes::default();
        if takes(sync.name, user.name != Name::default()) {
            let name = self.name(false)?;
            // A provider that says nothing takes nothing away.
            changes.name = Some(name).filter(|name| *name != Name::default() && *name != user.name);
            self.took("sync.name", changes.name.is_some());
        }
        if takes(sync.locale, user.locale.is_some()) {
            changes.locale = self.locale(false)?.filter(|now| user.locale.as_ref() != Some(now));
            self.took("sync.locale", changes.locale.is_some());
        }
        Ok(changes)
    }

    fn took(&mut self, rule: &'static str, changed: bool) {
        self.saw(rule, if changed { "changed" } else { "no change" }, false);
    }

    fn name(&mut self, newcomer: bool) -> Result<Name, Refusal> {
        let given = self.attribute(newcomer, "given_name", |mapping| &mapping.given_name)?;
        let family = self.attribute(newcomer, "family_name", |mapping| &mapping.family_name)?;
        let said = &self.facts.arrival.external.name;
        Ok(match (given, family) {
            (None, None) => said.clone(),
            (given, family) => Name {
                given: given.unwrap_or_else(|| said.given.clone()),
                family: family.unwrap_or_else(|| said.family.clone()),
            },
        })
    }

    fn locale(&mut self, newcomer: bool) -> Result<Option<String>, Refusal> {
        let ruled = self.attribute(newcomer, "locale", |mapping| &mapping.locale)?;
        let ruled = ruled.as_deref().and_then(language_tag);
        Ok(ruled.or_else(|| self.facts.arrival.external.locale.clone()))
    }

    /// What the rules say about an attribute: when a user is made, that of `on_create` first.
    fn attribute(
        &mut self,
        newcomer: bool,
        name: &'static str,
        of: impl Fn(&Mapping) -> &Option<Expression<Rule>>,
    ) -> Result<Option<String>, Refusal> {
        let policy = self.policy;
        let create = of(&policy.on_create.value).as_ref().filter(|_| newcomer);
        let Some(rule) = create.or(of(&policy.on_sign_in.value).as_ref()) else { return Ok(None) };
        self.facts.text(rule).map_err(|fault| self.failed(name, fault))
    }

    /// The groups of a new user.
    pub(in crate::federation) fn newcomer_groups(&mut self) -> Result<Vec<GroupId>, Refusal> {
        let default = self.policy.default_groups.value.clone();
        if self.policy.sync.value.groups == SyncMode::Off {
            return Ok(default);
        }
        let Some((name, rule)) = groups_rule(self.policy, true) else { return Ok(default) };
        let found = self.groups_found(name, rule)?;
        if !found.is_empty() {
            return Ok(found);
        }
        Ok(match self.unmatched()? {
            NoGroupMatch::Default => default,
            NoGroupMatch::Keep | NoGroupMatch::Refuse => Vec::new(),
        })
    }

    /// Which groups somebody is put into, and which are taken from them: of those that this
    /// connection gave them, and no other.
    pub(in crate::federation) fn groups(
        &mut self,
        first: bool,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let Some((name, rule)) = groups_rule(self.policy, false) else { return Ok(()) };
        let takes_away = match self.policy.sync.value.groups {
            SyncMode::Off => return Ok(()),
            SyncMode::Import if !first => return Ok(()),
            SyncMode::Import => false,
            SyncMode::Force => true,
        };
        let mut wanted = self.groups_found(name, rule)?;
        if wanted.is_empty() {
            match self.unmatched()? {
                NoGroupMatch::Keep => return Ok(()),
                _ if self.facts.is_elsewhere(rule) => return Ok(()),
                _ => wanted.clone_from(&self.policy.default_groups.value),
            }
        }
        let given = self.facts.known.memberships.iter().filter(|one| one.granted_here);
        let given: Vec<&GroupId> = given.map(|one| &one.group).collect();
        changes.granted = wanted.iter().filter(|group| !given.contains(group)).cloned().collect();
        if takes_away {
            let gone = given.into_iter().filter(|group| !wanted.contains(group));
            changes.revoked = gone.cloned().collect();
        }
        Ok(())
    }

    /// What a policy makes of nobody's groups.
    fn unmatched(&mut self) -> Result<NoGroupMatch, Refusal> {
        let choice = self.policy.no_group_match.value;
        let refuse = choice == NoGroupMatch::Refuse;
        self.saw("no_group_match", choice.as_str(), refuse);
        if refuse { Err(Refusal::NoGroup) } else { Ok(choice) }
    }

    /// Those of the named groups that there are, each once. Never one of ours: no rule makes an
    /// administrator.
    fn groups_found(
        &mut self,
        name: &'static str,
        rule: &Expression<Rule>,
    ) -> Result<Vec<GroupId>, Refusal> {
        let named = self.facts.texts(rule).map_err(|fault| self.failed(name, fault))?;
        let missing = if self.facts.is_elsewhere(rule) { "too many to be told" } else { "nothing" };
        let Some(named) = named else {
            self.saw(name, missing, false);
            return Ok(Vec::new());
        };
        if named.len() > MAX_GROUPS {
            let what = format!("names more than {MAX_GROUPS} groups; filter them");
            return Err(self.failed(name, what));
        }
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        let known = self.facts.known;
        for one in &named {
            let key = GroupName::parse(one).ok();
            let of_key = |key: GroupName| {
                known.groups.iter().find(|group| crate::text::fold(&group.name) == key.key())
            };
            match key.and_then(of_key).filter(|group| !group.built_in) {
                Some(group) if found.contains(&group.id) => {}
                Some(group) => found.push(group.id.clone()),
                None => unknown.push(one.as_str()),
            }
        }
        self.saw(name, told(named.len(), found.len(), &unknown), false);
        Ok(found)
    }
}

fn told(named: usize, found: usize, unknown: &[&str]) -> String {
    let mut told = format!("{named} named, {found} found");
    if !unknown.is_empty() {
        let listed: Vec<_> = unknown.iter().take(MAX_LISTED).map(|name| shown(name)).collect();
        let more = if unknown.len() > MAX_LISTED { ", …" } else { "" };
        told.push_str(&format!("; no such group: {}{more}", listed.join(", ")));
    }
    told
}

/// A text of a provider's for people to read.
fn shown(text: &str) -> String {
    printable(&text.chars().take(MAX_SHOWN).collect::<String>())
}
