//! What the house has promised, written down outside of it and only after its answer had come.

use crate::tokens::{CodeEntry, FamilyEntry};

/// How something stands that may have been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In, or active.
    In,
    /// Signed out, or deactivated.
    Out,
    /// A change was asked for and not acknowledged: either, but from the next look on for good.
    Unknown,
}

/// A session that somebody was given.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// Whose.
    pub email: String,
    /// The `Cookie` header that goes with it.
    pub cookies: String,
    /// Whether it opens the door.
    pub standing: Standing,
    /// When the entry was last touched.
    pub round: u64,
}

/// Somebody who came through the provider for the first time, or tried to.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Their address, and their subject at the provider.
    pub email: String,
    /// How often they were told that they are in.
    pub arrivals: usize,
    /// When the entry was last touched.
    pub round: u64,
}

/// Somebody whom the operator added, or tried to.
#[derive(Clone, Debug)]
pub struct Colleague {
    /// Their address.
    pub email: String,
    /// Whether the command said so.
    pub added: bool,
    /// Whether they are active.
    pub standing: Standing,
    /// When the entry was last touched.
    pub round: u64,
}

/// The whole book.
#[derive(Debug, Default)]
pub struct Ledger {
    round: u64,
    /// Every session that was given out.
    pub sessions: Vec<SessionEntry>,
    /// Everybody who came through the provider.
    pub newcomers: Vec<Newcomer>,
    /// Everybody whom the operator added.
    pub colleagues: Vec<Colleague>,
    /// Every code that somebody was sent home with.
    pub codes: Vec<CodeEntry>,
    /// Every family of refresh tokens.
    pub families: Vec<FamilyEntry>,
    /// Refresh tokens that became newer ones.
    pub rotations: usize,
    /// Families that were given back.
    pub revocations: usize,
    /// Letters that were asked for.
    pub letters_asked: u64,
    /// Letters that were promised.
    pub letters_promised: u64,
    /// Sign-outs that were acknowledged.
    pub sign_outs: usize,
    /// Answers that said "busy".
    pub busy: usize,
    /// Everything that was acknowledged.
    pub acknowledged: u64,
    /// What was acknowledged to the operator.
    pub operator_acknowledged: u64,
}

impl Ledger {
    /// A round begins.
    pub fn begin_round(&mut self, round: u64) {
        self.round = round;
    }

    /// Which round it is.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Somebody was given a session.
    pub fn signed_in(&mut self, email: &str, cookies: String) {
        self.acknowledged += 1;
        self.sessions.push(SessionEntry {
            email: email.to_owned(),
            cookies,
            standing: Standing::In,
            round: self.round,
        });
    }

    /// The latest live session of somebody, which is about to be ended.
    pub fn ending(&mut self, email: &str) -> Option<usize> {
        let found = self
            .sessions
            .iter()
            .rposition(|entry| entry.email == email && entry.standing == Standing::In)?;
        self.touch_session(found, Standing::Unknown);
        Some(found)
    }

    /// A session was ended.
    pub fn signed_out(&mut self, session: usize) {
        self.touch_session(session, Standing::Out);
        self.sign_outs += 1;
        self.acknowledged += 1;
    }

    fn touch_session(&mut self, session: usize, standing: Standing) {
        self.sessions[session].standing = standing;
        self.sessions[session].round = self.round;
    }

    /// Somebody sets out for the provider.
    pub fn setting_out(&mut self, email: &str) {
        match self.newcomers.iter_mut().find(|known| known.email == email) {
            Some(known) => known.round = self.round,
            None => self.newcomers.push(Newcomer {
                email: email.to_owned(),
                arrivals: 0,
                round: self.round,
            }),
        }
    }

    /// A letter was promised.
    pub fn promised_letter(&mut self) {
        self.letters_promised += 1;
        self.acknowledged += 1;
    }

    /// Somebody is back from the provider, and was told that they are in.
    pub fn arrived(&mut self, email: &str) {
        let round = self.round;
        let known = self.newcomers.iter_mut().find(|known| known.email == email);
        let known = known.expect("somebody who had set out");
        known.arrivals += 1;
        known.round = round;
    }

    /// The operator is about to add somebody.
    pub fn adding(&mut self, email: &str) -> usize {
        self.colleagues.push(Colleague {
            email: email.to_owned(),
            added: false,
            standing: Standing::In,
            round: self.round,
        });
        self.colleagues.len() - 1
    }

    /// The operator was told that somebody was added.
    pub fn added(&mut self, colleague: usize) {
        self.colleagues[colleague].added = true;
        self.operator_acknowledged += 1;
    }

    /// Somebody whom the operator added, and whom nobody tried to deactivate yet.
    pub fn active_colleague(&self) -> Option<(usize, String)> {
        let place =
            self.colleagues.iter().rposition(|one| one.added && one.standing == Standing::In)?;
        Some((place, self.colleagues[place].email.clone()))
    }

    /// The operator was told that somebody is deactivated.
    pub fn deactivated(&mut self, colleague: usize) {
        self.set_colleague(colleague, Standing::Out);
        self.operator_acknowledged += 1;
    }

    /// The operator asks for a deactivation, or the look after the restart shows what came of it:
    /// with somebody go their sessions.
    pub fn set_colleague(&mut self, colleague: usize, standing: Standing) {
        let Colleague { email, .. } = self.colleagues[colleague].clone();
        self.colleagues[colleague].standing = standing;
        self.colleagues[colleague].round = self.round;
        for session in 0..self.sessions.len() {
            if self.sessions[session].email == email {
                self.touch_session(session, standing);
            }
        }
    }

    /// How much was acknowledged, by kind.
    pub fn summary(&self) -> [(&'static str, usize); 10] {
        let deactivated =
            self.colleagues.iter().filter(|one| one.standing == Standing::Out).count();
        [
            ("sessions", self.sessions.len()),
            ("sign-outs", self.sign_outs),
            ("arrivals", self.newcomers.iter().map(|one| one.arrivals).sum()),
            ("added", self.colleagues.iter().filter(|one| one.added).count()),
            ("deactivated", deactivated),
            ("codes", self.codes.len()),
            ("families", self.families.len()),
            ("rotations", self.rotations),
            ("revocations", self.revocations),
            ("letters", usize::try_from(self.letters_promised).unwrap_or(usize::MAX)),
        ]
    }
}
