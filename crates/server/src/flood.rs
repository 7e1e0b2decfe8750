//! How much of what costs a durable write one network may ask for without being anybody, counted
//! in memory: a counter in the database would be the very write that a flood is after.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use identity::applications::Application;
use identity::return_to::ReturnTo;
use identity::time::Moment;

use crate::app::App;
use crate::config::ThrottleConfig;
use crate::pages::View;
use crate::return_to::keep;

/// Most networks that are told apart at once; past it newcomers share one count, so that whoever
/// has a whole IPv6 prefix gains neither memory nor patience.
const NETWORKS: usize = 8192;

/// How many times as much the whole house takes down as one network may cause.
const WHOLE_HOUSE: u32 = 10;

/// So many at once, and the same number again over each span of time.
#[derive(Clone, Copy, Debug)]
struct Pace {
    most: u32,
    span: Duration,
}

impl Pace {
    /// What one costs.
    fn each(self) -> Duration {
        self.span / self.most.max(1)
    }
}

/// What a network has used up, as the moment when it will have everything again.
#[derive(Debug)]
struct Turnstile {
    pace: Pace,
    full_again: Mutex<HashMap<IpAddr, Moment>>,
}

impl Turnstile {
    fn new(most: u32, span: Duration) -> Self {
        Self { pace: Pace { most, span }, full_again: Mutex::new(HashMap::new()) }
    }

    /// Lets one through, or says how long to wait.
    fn pass(&self, network: IpAddr, now: Moment) -> Result<(), Duration> {
        // A map of moments is in order even after a panic.
        let mut all = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= NETWORKS && !all.contains_key(&network) {
            all.retain(|_, full_again| *full_again > now);
        }
        let known = all.len() < NETWORKS || all.contains_key(&network);
        let own = if known { network } else { shared() };
        // A clock that was set back must not keep anybody waiting for longer than a span.
        let latest = now.plus(self.pace.span);
        let full_again = all.get(&own).copied().unwrap_or(now).clamp(now, latest);
        let after = full_again.plus(self.pace.each());
        let passes = after <= latest;
        all.insert(own, if passes { after } else { full_again });
        if passes { Ok(()) } else { Err(after.since(latest)) }
    }
}

/// Whose count those share who came too late for one of their own; nobody's address.
fn shared() -> IpAddr {
    IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// What counts as one place: an IPv4 address or an IPv6 /64, as for the throttles.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// Whether the audit takes something down that anybody can bring about without being anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It does.
    Yes,
    /// The whole house has had so much of it that it is answered and not taken down.
    No,
    /// This network has had so much of it that it is told to wait for so long.
    Wait(Duration),
}

/// The counts of a process. Several processes count each for itself: what is bounded is what one
/// visitor can make a process write.
#[derive(Debug)]
pub struct Flood {
    trips: Turnstile,
    requests: Turnstile,
    refusals: Turnstile,
    house: Turnstile,
}

impl Flood {
    /// With nothing counted.
    pub fn new(config: &ThrottleConfig) -> Self {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let refusals = config.refusal_network_per_hour;
        Self {
            trips: Turnstile::new(config.trip_network_per_minute, minute),
            requests: Turnstile::new(config.request_network_per_minute, minute),
            refusals: Turnstile::new(refusals, hour),
            house: Turnstile::new(refusals.saturating_mul(WHOLE_HOUSE), hour),
        }
    }

    /// Counts a trip to a provider that begins; the error is how long to wait before another.
    pub fn trip(&self, address: IpAddr, now: Moment) -> Result<(), Duration> {
        self.trips.pass(network(address), now)
    }

    /// Counts a request of an application that is kept for somebody who has not shown who they are,
    /// neither person nor client; the error is how long to wait before another.
    pub fn request(&self, address: IpAddr, now: Moment) -> Result<(), Duration> {
        self.requests.pass(network(address), now)
    }

    /// Counts a refusal that no trip of the visitor's stands behind.
    pub fn refusal(&self, address: IpAddr, now: Moment) -> Noted {
        if let Err(wait) = self.refusals.pass(network(address), now) {
            return Noted::Wait(wait);
        }
        if self.house.pass(shared(), now).is_ok() { Noted::Yes } else { Noted::No }
    }
}

/// 429 (RFC 6585 section 4), with how long to wait; the way on still leads to `target` in the end.
pub fn wait_page(
    app: &App,
    door: Option<&Application>,
    target: Option<&ReturnTo>,
    wait: Duration,
) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let text = format!(
        "Too much was asked for from your network in a short time. Please wait {}, then try again.",
        spell(seconds)
    );
    let mut view = View::message("Please wait a moment", text).reason("too_many_requests");
    if let Some(door) = door {
        let login = keep(format!("/{}/login", door.key), target);
        view = view.at(door).way_on(login, "Back to the sign-in");
    }
    let mut response = app.pages.page(StatusCode::TOO_MANY_REQUESTS, &view);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn spell(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(1_800_000_000 + seconds)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_gets_its_number_at_once_and_then_one_by_one() {
        let gate = Turnstile::new(6, MINUTE);
        let pass = |seconds| gate.pass(ip("203.0.113.9"), at(seconds));
        for _ in 0..6 {
            assert_eq!(pass(0), Ok(()));
        }
        assert_eq!(pass(0), Err(Duration::from_secs(10)));
        assert_eq!(pass(4), Err(Duration::from_secs(6)));
        assert_eq!(gate.pass(ip("203.0.113.10"), at(4)), Ok(()), "its neighbour waits for nobody");
        assert_eq!(pass(10), Ok(()));
        assert!(pass(11).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting_for_long() {
        let gate = Turnstile::new(6, MINUTE);
        assert_eq!(gate.pass(ip("203.0.113.9"), at(86_400)), Ok(()));
        let wait = gate.pass(ip("203.0.113.9"), at(0)).expect_err("everything is used up");
        assert_eq!(wait, Duration::from_secs(10));
        assert_eq!(gate.pass(ip("203.0.113.9"), at(10)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_late_comers_share_one_count() {
        let gate = Turnstile::new(2, MINUTE);
        let host = |number: u32| IpAddr::from(number.to_be_bytes());
        let many = u32::try_from(NETWORKS).expect("a small number");
        for number in 1..=many {
            assert_eq!(gate.pass(host(number), at(0)), Ok(()));
        }
        assert_eq!(gate.pass(host(many + 1), at(0)), Ok(()));
        assert_eq!(gate.pass(host(many + 2), at(0)), Ok(()));
        assert!(gate.pass(host(many + 3), at(0)).is_err(), "the shared count is used up");
        assert_eq!(gate.pass(host(1), at(0)), Ok(()), "who came before has a count of its own");
        let held = || gate.full_again.lock().expect("a lock").len();
        assert_eq!(held(), NETWORKS + 1);
        assert_eq!(gate.pass(host(many + 3), at(120)), Ok(()));
        assert_eq!(held(), 1, "who has everything again is forgotten");
    }

    #[test]
    fn an_ipv6_network_is_one_place_and_so_is_a_mapped_address() {
        assert_eq!(network(ip("2001:db8:1:2:3::4")), network(ip("2001:db8:1:2::9")));
        assert_ne!(network(ip("2001:db8:1:3::4")), network(ip("2001:db8:1:2::9")));
        assert_eq!(network(ip("::ffff:203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn many_networks_together_are_answered_but_no_longer_taken_down() {
        let config = ThrottleConfig { refusal_network_per_hour: 1, ..ThrottleConfig::default() };
        let flood = Flood::new(&config);
        let from = |last: u8| flood.refusal(IpAddr::from([203, 0, 113, last]), at(0));
        assert!((0..10).all(|last| from(last) == Noted::Yes));
        assert_eq!(from(10), Noted::No);
        assert_eq!(from(10), Noted::Wait(Duration::from_secs(3600)));
    }
}
