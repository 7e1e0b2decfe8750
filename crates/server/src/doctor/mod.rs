//! `vestibule doctor`: looks at a house from the inside and, through its public URL, from the
//! outside, and says what is wrong and what to do about it. It changes nothing.

mod certificate;
mod clocks;
mod front;
mod glass;
mod mailbox;
mod outside;
mod own;
pub mod probe;

use std::sync::Arc;

use identity::entropy::Entropy;

use crate::clock::Clock;
use crate::config::Config;
use crate::federation::upstream::{SetupError, Upstream};

/// How good what was found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Works, and most likely is not what was meant.
    Remark,
    /// Keeps people out, or lets the wrong ones in.
    Wrong,
    /// Could not be looked at; the finding before it says why.
    LeftOut,
}

impl Standing {
    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Remark => "remark",
            Self::Wrong => "wrong",
            Self::LeftOut => "left_out",
        }
    }
}

/// What one look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of what was looked at.
    pub check: &'static str,
    /// How good it is.
    pub standing: Standing,
    /// What was seen, as a sentence.
    pub said: String,
    /// What to do, where there is something to do.
    pub advice: Option<String>,
}

impl Finding {
    fn good(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, standing: Standing::Good, said: said.into(), advice: None }
    }

    fn left_out(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, standing: Standing::LeftOut, said: said.into(), advice: None }
    }

    fn remark(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        let (said, advice) = (said.into(), Some(advice.into()));
        Self { check, standing: Standing::Remark, said, advice }
    }

    fn wrong(check: &'static str, said: impl Into<String>, advice: impl Into<String>) -> Self {
        let (said, advice) = (said.into(), Some(advice.into()));
        Self { check, standing: Standing::Wrong, said, advice }
    }
}

/// What the looks work with.
#[derive(Clone, Copy)]
struct Bag<'a> {
    config: &'a Config,
    upstream: &'a Upstream,
    clock: &'a dyn Clock,
    entropy: &'a Arc<dyn Entropy>,
}

/// Looks at everything. Fails only when the certificate authorities cannot be read.
pub async fn examine(
    config: &Config,
    clock: &dyn Clock,
    entropy: &Arc<dyn Entropy>,
) -> Result<Vec<Finding>, SetupError> {
    let upstream = Upstream::new(&config.outbound)?;
    let bag = Bag { config, upstream: &upstream, clock, entropy };
    let mut clocks = clocks::Clocks::default();
    let mut findings: Vec<Finding> =
        config.remarks().into_iter().map(|said| own::remarked(&said)).collect();
    let house = own::open(bag, &mut findings, &mut clocks).await;
    if let Some(house) = &house {
        own::people_and_keys(house, config.mail.goes_out(), &mut findings).await;
    }
    let hosts = match &house {
        Some(house) => own::protected_hosts(&house.store, &mut findings).await,
        None => Vec::new(),
    };
    outside::names(bag, &hosts, &mut findings).await;
    front::look(bag, house.as_ref(), &mut findings, &mut clocks).await;
    outside::mail(bag, &mut findings).await;
    if let Some(house) = &house {
        outside::providers(bag, house, &mut findings, &mut clocks).await;
    }
    for host in &hosts {
        findings.push(outside::protected(bag, host).await);
    }
    findings.push(clocks.finding(config));
    if let Some(house) = house {
        house.store.close().await;
    }
    Ok(findings)
}
