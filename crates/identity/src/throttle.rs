//! Throttles: how often a password or a client may be guessed, and a reset mail be asked for.
//!
//! An attempt is counted as failed *before* the password is hashed, in one transaction, so that
//! many guesses sent at once cannot all pass before the first is counted. What succeeds gives its
//! count back.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::federation::external::ExternalIdentity;
use crate::secret::Digest;
use crate::time::Moment;
use crate::users::{Population, UserType};

/// So many failures within a window of time, then a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The failure that begins the wait.
    pub failures: u32,
    /// How long failures are remembered, from the first one.
    pub window: Duration,
    /// How long the wait is.
    pub wait: Duration,
}

/// The settings of every throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttles {
    /// One account from one network; also one account from one known device.
    pub account_network: Limit,
    /// Failures in a row at one account, over all networks and without end, until only a reset
    /// helps (NIST SP 800-63B-4, 3.2.2); a known device has a row of its own.
    pub account_row: u32,
    /// One network over all accounts: the same few passwords tried at many of them.
    pub network: Limit,
    /// Reset mails to one address.
    pub reset_address: Limit,
    /// Reset mails asked for from one network.
    pub reset_network: Limit,
    /// Codes for a mailbox asked for by one person at a provider.
    pub code_subject: Limit,
    /// Codes for a mailbox to one address: more than for one person, so that a stranger who claims an
    /// address cannot alone keep its owner from a code.
    pub code_address: Limit,
    /// Codes for a mailbox asked for from one network.
    pub code_network: Limit,
    /// Failures of one OAuth client from one network. The wait is short: a secret of ours cannot
    /// be guessed, and another instance of the same client may be right.
    pub client: Limit,
}

impl Default for Throttles {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let limit = |failures, window, wait| Limit {
            failures,
            window: minutes(window),
            wait: minutes(wait),
        };
        Self {
            account_network: limit(9, 15, 6),
            account_row: 100,
            network: limit(100, 15, 15),
            reset_address: limit(3, 60, 60),
            reset_network: limit(20, 60, 60),
            code_subject: limit(3, 60, 60),
            code_address: limit(10, 60, 60),
            code_network: limit(60, 60, 60),
            client: limit(20, 5, 1),
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketKind {
    /// Failures at one account from one network.
    AccountNetwork,
    /// Failures in a row at one account from unknown devices.
    AccountRow,
    /// Failures at one account from one known device.
    Device,
    /// Failures in a row at one account from one known device.
    DeviceRow,
    /// Failures from one network.
    Network,
    /// Reset mails to one address.
    ResetAddress,
    /// Reset mails asked for from one network.
    ResetNetwork,
    /// Codes for a mailbox asked for by one person at a provider.
    CodeSubject,
    /// Codes for a mailbox to one address.
    CodeAddress,
    /// Codes for a mailbox asked for from one network.
    CodeNetwork,
    /// Failures of one OAuth client from one network.
    Client,
}

impl BucketKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::AccountNetwork,
        Self::AccountRow,
        Self::Device,
        Self::DeviceRow,
        Self::Network,
        Self::ResetAddress,
        Self::ResetNetwork,
        Self::CodeSubject,
        Self::CodeAddress,
        Self::CodeNetwork,
        Self::Client,
    ];

    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountNetwork => "account_network",
            Self::AccountRow => "account_row",
            Self::Device => "device",
            Self::DeviceRow => "device_row",
            Self::Network => "network",
            Self::ResetAddress => "reset_address",
            Self::ResetNetwork => "reset_network",
            Self::CodeSubject => "code_subject",
            Self::CodeAddress => "code_address",
            Self::CodeNetwork => "code_network",
            Self::Client => "client",
        }
    }
}

/// A counter's name. The key is a digest, so that the table of counters is no list of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    /// What is counted.
    pub kind: BucketKind,
    /// For whom.
    pub key: Digest,
}

/// A counter as the database keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Attempts that failed or are still being tried.
    pub failures: u32,
    /// When the first of them came.
    pub window_started_at: Moment,
    /// Until when nothing is tried.
    pub blocked_until: Option<Moment>,
}

/// Whether an attempt may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It may; the counters to be written first.
    Granted {
        /// Every counter, with this attempt counted.
        new: Vec<(Bucket, Counter)>,
    },
    /// Not now.
    Wait {
        /// Whole minutes until it may, rounded up; at least 1.
        minutes: u64,
    },
    /// Never by trying again: the password must be reset.
    Barrier,
}

/// The network that counts as one place: an IPv4 address, or an IPv6 /64, because that is the
/// least that one customer of an Internet provider holds.
pub fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("{ip}/32"),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The counters of a sign-in with a password.
///
/// They are named by the e-mail key and never by a user, so that an address without an account is
/// throttled like one with. From a known device (one that this account has signed in from) the
/// device's own counters stand in place of all others: no stranger, not even one in the same
/// network, can keep an owner out.
pub fn buckets_for_sign_in(
    population: &Population,
    user_type: UserType,
    email_key: &str,
    ip: IpAddr,
    known_device: Option<&Digest>,
) -> Vec<Bucket> {
    let account = [user_type.as_str(), population.as_str(), email_key];
    match known_device {
        Some(device) => vec![
            bucket(BucketKind::Device, &account, &[device.as_str()]),
            bucket(BucketKind::DeviceRow, &account, &[device.as_str()]),
        ],
        None => vec![
            bucket(BucketKind::AccountNetwork, &account, &[&network_of(ip)]),
            bucket(BucketKind::AccountRow, &account, &[]),
            bucket(BucketKind::Network, &[], &[&network_of(ip)]),
        ],
    }
}

/// The counters of a request for a reset mail.
pub fn buckets_for_reset_mail(
    population: &Population,
    user_type: UserType,
    email_key: &str,
    ip: IpAddr,
) -> Vec<Bucket> {
    let account = [user_type.as_str(), population.as_str(), email_key];
    vec![
        bucket(BucketKind::ResetAddress, &account, &[]),
        bucket(BucketKind::ResetNetwork, &[], &[&network_of(ip)]),
    ]
}

/// The counters of a request for a code that shows who reads mail at an address.
pub fn buckets_for_code_mail(
    population: &Population,
    user_type: UserType,
    external: &ExternalIdentity,
    ip: IpAddr,
) -> Vec<Bucket> {
    let email = external.email.as_ref().map_or("", |email| email.key());
    let account = [user_type.as_str(), population.as_str(), email];
    let person = [external.provider.as_str(), &external.issuer, &external.subject];
    vec![
        bucket(BucketKind::CodeSubject, &person, &[]),
        bucket(BucketKind::CodeAddress, &account, &[]),
        bucket(BucketKind::CodeNetwork, &[], &[&network_of(ip)]),
    ]
}

/// The counters of a client's authentication, named by what the request says as `client_id`.
pub fn buckets_for_client(client_id: &str, ip: IpAddr) -> Vec<Bucket> {
    vec![bucket(BucketKind::Client, &[client_id], &[&network_of(ip)])]
}

/// The counters that a password reset removes: the account's row, and both counters of each of
/// its known devices.
pub fn buckets_removed_by_reset(
    population: &Population,
    user_type: UserType,
    email_key: &str,
    known_devices: &[Digest],
) -> Vec<Bucket> {
    let account = [user_type.as_str(), population.as_str(), email_key];
    let devices = known_devices.iter().flat_map(|device| {
        [BucketKind::Device, BucketKind::DeviceRow]
            .map(|kind| bucket(kind, &account, &[device.as_str()]))
    });
    [bucket(BucketKind::AccountRow, &account, &[])].into_iter().chain(devices).collect()
}

fn bucket(kind: BucketKind, account: &[&str], place: &[&str]) -> Bucket {
    Bucket { kind, key: Digest::of_parts(&[&[kind.as_str()], account, place].concat()) }
}

/// How a kind of counter ends patience.
enum Rule {
    Window(Limit),
    Row(u32),
}

impl Throttles {
    fn rule(&self, kind: BucketKind) -> Rule {
        match kind {
            BucketKind::AccountNetwork | BucketKind::Device => Rule::Window(self.account_network),
            BucketKind::AccountRow | BucketKind::DeviceRow => Rule::Row(self.account_row),
            BucketKind::Network => Rule::Window(self.network),
            BucketKind::ResetAddress => Rule::Window(self.reset_address),
            BucketKind::ResetNetwork => Rule::Window(self.reset_network),
            BucketKind::CodeSubject => Rule::Window(self.code_subject),
            BucketKind::CodeAddress => Rule::Window(self.code_address),
            BucketKind::CodeNetwork => Rule::Window(self.code_network),
            BucketKind::Client => Rule::Window(self.client),
        }
    }
}

/// Counts one attempt as failed before it is tried, or says why it is not tried. Where several
/// counters object, the one that waiting cannot help wins, then the longest wait.
///
/// Call it in one transaction with reading and writing the counters; a refused attempt writes
/// nothing.
pub fn reserve(
    now: Moment,
    throttles: &Throttles,
    counters: &[(Bucket, Option<Counter>)],
) -> Reservation {
    let mut new = Vec::with_capacity(counters.len());
    let mut blocked_until = None;
    for (bucket, counter) in counters {
        match throttles.rule(bucket.kind) {
            Rule::Row(most) => {
                let before = counter.map_or(0, |counter| counter.failures);
                if before >= most {
                    return Reservation::Barrier;
                }
                let window_started_at = counter.map_or(now, |counter| counter.window_started_at);
                let counter =
                    Counter { failures: before + 1, window_started_at, blocked_until: None };
                new.push((bucket.clone(), counter));
            }
            Rule::Window(limit) => {
                let block = counter.and_then(|counter| counter.blocked_until);
                blocked_until = blocked_until.max(block.filter(|&until| now < until));
                new.push((bucket.clone(), counted(now, limit, *counter)));
            }
        }
    }
    match blocked_until {
        Some(until) => Reservation::Wait { minutes: minutes_until(now, until) },
        None => Reservation::Granted { new },
    }
}

/// One more failure; the count begins anew after a window, and after a wait that is over.
fn counted(now: Moment, limit: Limit, counter: Option<Counter>) -> Counter {
    let running = counter.filter(|counter| {
        counter.blocked_until.is_none() && now < counter.window_started_at.plus(limit.window)
    });
    let started = running.map_or(now, |counter| counter.window_started_at);
    let failures = running.map_or(0, |counter| counter.failures).saturating_add(1);
    let blocked_until = (failures >= limit.failures).then(|| now.plus(limit.wait));
    Counter { failures, window_started_at: started, blocked_until }
}

fn minutes_until(now: Moment, until: Moment) -> u64 {
    until.since(now).as_micros().div_ceil(60_000_000).try_into().unwrap_or(u64::MAX)
}

/// The counters after the attempt that was reserved at `reserved_at` succeeded; none means that
/// the counter is removed. Read them anew first: other attempts may have counted meanwhile.
///
/// The account's own counters end. The network only gets its one count back, or whoever owns one
/// account could go on guessing at all others.
pub fn settled_ok(
    throttles: &Throttles,
    reserved_at: Moment,
    counters: &[(Bucket, Option<Counter>)],
) -> Vec<(Bucket, Option<Counter>)> {
    let given_back = give_back(throttles, reserved_at, counters);
    let of_network = |kind| {
        matches!(kind, BucketKind::Network | BucketKind::ResetNetwork | BucketKind::CodeNetwork)
    };
    given_back
        .into_iter()
        .map(|(bucket, counter)| {
            let counter = counter.filter(|_| of_network(bucket.kind));
            (bucket, counter)
        })
        .collect()
}

/// The counters after an attempt that was reserved at `reserved_at` ended without a verdict on the
/// password that counts: a policy refused it (a deactivated user, a closed door), or we failed.
/// None means that the counter is removed.
pub fn give_back(
    throttles: &Throttles,
    reserved_at: Moment,
    counters: &[(Bucket, Option<Counter>)],
) -> Vec<(Bucket, Option<Counter>)> {
    let one_less = |bucket: &Bucket, counter: Counter| {
        // A count that began later does not hold this attempt.
        if counter.window_started_at > reserved_at {
            return Some(counter);
        }
        let failures = counter.failures.saturating_sub(1);
        let still_blocked = match throttles.rule(bucket.kind) {
            Rule::Window(limit) => failures >= limit.failures,
            Rule::Row(_) => false,
        };
        let blocked_until = counter.blocked_until.filter(|_| still_blocked);
        (failures > 0).then_some(Counter { failures, blocked_until, ..counter })
    };
    counters
        .iter()
        .map(|(bucket, counter)| {
            (bucket.clone(), counter.and_then(|counter| one_less(bucket, counter)))
        })
        .collect()
}

#[cfg(test)]
mod tests;
