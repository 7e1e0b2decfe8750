//! Our clock beside those of others.

use std::time::Duration;

use identity::time::Moment;

use super::Finding;
use crate::config::Config;

/// A `Date` header has whole seconds, and an answer takes a while to come.
const UNREMARKABLE: Duration = Duration::from_secs(5);

/// What others say that time is, and how far that is from our own.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    seen: Vec<(String, Apart)>,
}

#[derive(Clone, Copy, Debug)]
struct Apart {
    by: Duration,
    ours_is_ahead: bool,
}

impl Clocks {
    /// One of them, read at `ours`.
    pub(super) fn add(&mut self, whose: impl Into<String>, theirs: Moment, ours: Moment) {
        let ours_is_ahead = ours > theirs;
        let by = if ours_is_ahead { ours.since(theirs) } else { theirs.since(ours) };
        self.seen.push((whose.into(), Apart { by, ours_is_ahead }));
    }

    /// What becomes of them together: one that agrees says nothing about another that does not.
    pub(super) fn finding(&self, config: &Config) -> Finding {
        const CHECK: &str = "clock";
        let Some((whose, apart)) = self.seen.iter().max_by_key(|(_, apart)| apart.by) else {
            let said = "Nobody was there to compare this machine's clock with.";
            return Finding::left_out(CHECK, said);
        };
        let Apart { by, ours_is_ahead } = *apart;
        if by <= UNREMARKABLE {
            let others: Vec<&str> = self.seen.iter().map(|(whose, _)| whose.as_str()).collect();
            return Finding::good(CHECK, format!("Agrees with {}.", others.join(", ")));
        }
        let side = if ours_is_ahead { "ahead of" } else { "behind" };
        let said = format!("This machine is {} s {side} {whose}.", by.as_secs());
        let advice = "Let both machines keep their time by NTP.";
        if by.as_secs() > config.outbound.leeway_seconds {
            Finding::wrong(CHECK, format!("{said} Tokens are refused for it."), advice)
        } else {
            Finding::remark(CHECK, said, advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    fn finding(others: &[i64]) -> Finding {
        let mut clocks = Clocks::default();
        for (at, seconds) in others.iter().enumerate() {
            let (theirs, ours) = (Moment::from_seconds(*seconds), Moment::from_seconds(1_000));
            clocks.add(format!("clock {at}"), theirs, ours);
        }
        clocks.finding(&Config::default())
    }

    #[test]
    fn the_clock_that_is_furthest_away_is_the_one_to_look_at() {
        assert_eq!(finding(&[]).standing, Standing::LeftOut);
        assert_eq!(finding(&[995, 1_005]).standing, Standing::Good);
        assert_eq!(finding(&[1_000, 1_006]).standing, Standing::Remark);
        assert_eq!(finding(&[940, 1_000]).standing, Standing::Remark);
        let ahead = finding(&[939, 1_000]);
        assert_eq!(ahead.standing, Standing::Wrong);
        assert!(ahead.said.contains("61 s ahead of clock 0"), "{}", ahead.said);
        assert!(finding(&[1_061]).said.contains("61 s behind clock 0"));
    }
}
