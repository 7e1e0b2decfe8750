//! What the word of a decision hook makes of people whom every other rule lets in or keeps out.

use serde_json::{Value, json};

use super::asked_for;
use super::fold::{Cases, Facet};
use super::rules::{Person, WHO};
use crate::federation::decide::{Arrival, Decision, decide};
use crate::federation::hook::{About, DecisionHook, HookAnswer, HookFault, HookWord, Verdict};
use crate::federation::refusal::Refusal;
use crate::groups::ADMINISTRATORS;

pub(super) const OF_HOOK: &str = "\
What the operator's decision hook makes of people. It is asked before anything is settled, about
whoever everything else lets in, and its word counts for that decision alone: it refuses or adds,
and where it says nothing good, nobody comes in.
";

const WORDS: &[&str] =
    &["none", "unasked", "ahead", "allows", "refuses", "fails", "of another", "of other facts"];

const GROUPS: &[&str] = &["nothing", "named", "unheard of", "administrators"];

/// What comes of whom.
pub(super) struct Hook {
    person: Person,
    word: usize,
    groups: usize,
}

impl Hook {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        let mut administrators = super::rules::group(ADMINISTRATORS);
        administrators.built_in = true;
        person.known.groups.push(administrators);
        Self { person, word: 0, groups: 0 }
    }

    /// The word, where `about` is what would be done.
    fn word(&self, about: About) -> HookWord {
        let hook = hook("https://hook.example/");
        let decision = if WORDS[self.word] == "refuses" { Verdict::Refuse } else { Verdict::Allow };
        let groups =
            if self.groups == 0 { Vec::new() } else { vec![GROUPS[self.groups].to_owned()] };
        let (given_name, family_name, locale) = (None, None, None);
        let answer = HookAnswer { decision, given_name, family_name, locale, groups };
        match WORDS[self.word] {
            "none" | "unasked" => HookWord::Unasked,
            "ahead" => HookWord::Ahead,
            "fails" => HookWord::Failed(HookFault::Slow),
            "of another" => {
                HookWord::Said { hook: self::hook("https://other.example/"), about, answer }
            }
            "of other facts" => {
                let about = About::of(&Decision::Refuse { reason: Refusal::UnknownUser });
                HookWord::Said { hook, about, answer }
            }
            _ => HookWord::Said { hook, about, answer },
        }
    }
}

fn hook(url: &str) -> DecisionHook {
    DecisionHook { url: url.to_owned(), allow_private: Vec::new() }
}

impl Cases for Hook {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            WHO,
            Facet {
                name: "rules",
                meaning: "whether everything else lets them in",
                values: &["let in", "keep out"],
            },
            Facet {
                name: "hook",
                meaning: "the policy names none; nobody asked it; it will be asked, or is only \
                          explained; it allows, refuses, or fails (dead, slow, or no good \
                          answer); or it allowed what is not decided now: the policy names \
                          another one, or the facts have changed",
                values: WORDS,
            },
            Facet {
                name: "groups",
                meaning: "the group that it names: none, one that there is, one that there is \
                          not, or the administrators",
                values: GROUPS,
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.person.choose_who(value),
            1 => self.person.set("allow_if", json!(["true", "false"][value])),
            2 => {
                self.word = value;
                let named = json!(hook("https://hook.example/"));
                let named = if WORDS[value] == "none" { Value::Null } else { named };
                self.person.set("decision_hook", named);
            }
            _ => self.groups = value,
        }
    }

    fn outcome(&self) -> String {
        let Person { arrival, known, .. } = &self.person;
        let at = |hook| decide(&Arrival { hook, ..arrival.clone() }, known).decision;
        let about = About::of(&at(HookWord::Ahead));
        let decision = at(self.word(about));
        let granted = match &decision {
            Decision::Create(new) | Decision::Hold(new) => &new.groups[..],
            other => other.changes().map_or(&[][..], |changes| &changes.granted),
        };
        let what = match &decision {
            Decision::SignIn { .. } => "sign in",
            Decision::Link { .. } => "link and sign in",
            Decision::AskProof { asked } => asked_for(*asked),
            Decision::Create(_) => "create and sign in",
            Decision::Hold(_) => "create and hold",
            Decision::Refuse { reason } => return format!("refuse: {}", reason.code()),
        };
        match granted {
            [] => what.to_owned(),
            [group, ..] => format!("{what}, into {}", group.as_str()),
        }
    }
}
