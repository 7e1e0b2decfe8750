//! What an application was given, as far as it was told: codes and families of refresh tokens.

use tokio::time::Instant;

use crate::ledger::{Ledger, Standing};

/// How far a code has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// It was given, and nobody asked for anything with it.
    Given,
    /// It was brought to the token endpoint, which did not answer.
    Brought,
    /// It became this family.
    Redeemed(usize),
    /// It became something that nobody was told of, or got too old.
    Over,
}

/// A code that somebody was sent home with.
#[derive(Clone, Debug)]
pub struct CodeEntry {
    /// The code.
    pub code: String,
    /// How far it has come.
    pub state: CodeState,
    /// When it was there.
    pub given: Instant,
    /// When the entry was last touched.
    pub round: u64,
}

/// A family of refresh tokens.
#[derive(Clone, Debug)]
pub struct FamilyEntry {
    /// The newest token that the application was told.
    pub head: String,
    /// Since when the endpoint owes an answer to who brought it.
    pub brought: Option<Instant>,
    /// Whether it gives anything.
    pub standing: Standing,
    /// When the entry was last touched.
    pub round: u64,
}

impl Ledger {
    /// Somebody came home with a code. Gives its place.
    pub fn given_code(&mut self, code: String) -> usize {
        self.acknowledged += 1;
        let (state, given, round) = (CodeState::Given, Instant::now(), self.round());
        self.codes.push(CodeEntry { code, state, given, round });
        self.codes.len() - 1
    }

    /// A code became tokens, the first of its family. Gives the family's place.
    pub fn redeemed(&mut self, code: usize, head: String) -> usize {
        self.acknowledged += 1;
        let (round, standing) = (self.round(), Standing::In);
        self.families.push(FamilyEntry { head, brought: None, standing, round });
        let family = self.families.len() - 1;
        self.codes[code].state = CodeState::Redeemed(family);
        self.codes[code].round = round;
        family
    }

    /// The newest token of a family is about to be brought.
    pub fn bringing(&mut self, family: usize) {
        self.families[family].brought = Some(Instant::now());
        self.families[family].round = self.round();
    }

    /// A family got its next token.
    pub fn rotated(&mut self, family: usize, head: String) {
        self.acknowledged += 1;
        self.rotations += 1;
        let standing = Standing::In;
        self.families[family] = FamilyEntry { head, brought: None, standing, round: self.round() };
    }

    /// A family is about to be ended, or is known to be so or not.
    pub fn set_family(&mut self, family: usize, standing: Standing) {
        self.families[family].standing = standing;
        self.families[family].brought = None;
        self.families[family].round = self.round();
    }

    /// The application was told that a family is over.
    pub fn revoked(&mut self, family: usize) {
        self.set_family(family, Standing::Out);
        self.revocations += 1;
        self.acknowledged += 1;
    }
}
