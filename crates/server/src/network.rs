//! Networks of addresses, and whose address a request came from.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::HeaderMap;
use identity::time::Moment;

/// What only a proxy can know, and therefore only a trusted one may say.
const FORWARDED: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-original-method",
    "x-original-url",
];

/// Between two lines in the log about headers that were ignored.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// An address with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return None;
        }
        // What is compared with it is canonical too: an IPv4 address, however it was written.
        match (address.to_canonical(), prefix.checked_sub(96)) {
            (canonical @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => {
                Some(Self { address: canonical, prefix })
            }
            _ => Some(Self { address, prefix }),
        }
    }

    /// Whether `address` lies inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix);
                same_prefix(u128::from(own.to_bits()), u128::from(other.to_bits()), shift)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                same_prefix(own.to_bits(), other.to_bits(), 128 - u32::from(self.prefix))
            }
            _ => false,
        }
    }
}

fn same_prefix(own: u128, other: u128, shift: u32) -> bool {
    (own ^ other).checked_shr(shift).unwrap_or(0) == 0
}

/// Whose request it is: the peer, or what the nearest trusted proxies say of it.
///
/// `X-Forwarded-For` is read from the right, and only as far as trusted proxies wrote it: what
/// stands further left was written by the visitor.
pub fn client_address(peer: IpAddr, forwarded_for: &[&str], trusted: &[Network]) -> IpAddr {
    let believes = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let hops = forwarded_for.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops {
        if !believes(client) {
            break;
        }
        match hop_address(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// An address as proxies write it: bare, in brackets, with a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// Requests whose forwarded headers were ignored, because they came from no trusted proxy.
#[derive(Debug, Default)]
pub struct Ignored {
    requests: AtomicU64,
    told_at: AtomicI64,
}

impl Ignored {
    /// Counts the request if it carries such headers, and tells the log now and then: either a
    /// proxy is missing from `server.trusted_proxies`, or somebody is trying something.
    pub fn look(&self, headers: &HeaderMap, peer: IpAddr, now: Moment) {
        if !FORWARDED.iter().any(|name| headers.contains_key(*name)) {
            return;
        }
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let told_at = self.told_at.load(Ordering::Relaxed);
        let is_due = now.since(Moment::from_micros(told_at)) >= TELL_EVERY;
        let next = now.micros();
        let told = &self.told_at;
        // Of several requests at once, one tells.
        if is_due
            && told.compare_exchange(told_at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            tracing::warn!(
                %peer,
                requests,
                "ignored forwarded headers of a peer that is not in server.trusted_proxies"
            );
        }
    }

    /// How many there were since the start.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn a_network_holds_its_own_addresses_only() {
        let ten = Network::parse("10.0.0.0/8").expect("network");
        assert!(ten.contains(ip("10.255.0.1")));
        assert!(ten.contains(ip("::ffff:10.1.2.3")));
        assert!(!ten.contains(ip("11.0.0.1")));
        assert!(!ten.contains(ip("::1")));
        assert!(Network::parse("0.0.0.0/0").expect("network").contains(ip("203.0.113.9")));
        assert_eq!(Network::parse("10.0.0.0/33"), None);
        assert_eq!(Network::parse("shop"), None);
        let mapped = Network::parse("::ffff:10.0.0.0/104").expect("network");
        assert!(mapped.contains(ip("10.255.0.1")) && !mapped.contains(ip("11.0.0.1")));
        let one = Network::parse("::ffff:10.1.2.3").expect("network");
        assert!(one.contains(ip("10.1.2.3")) && !one.contains(ip("10.1.2.4")));
        let all = Network::parse("::/0").expect("network");
        assert!(all.contains(ip("2001:db8::1")) && !all.contains(ip("10.1.2.3")));
    }

    #[test]
    fn s109_ignored_headers_are_counted() {
        let ignored = Ignored::default();
        let mut headers = HeaderMap::new();
        let now = Moment::from_seconds(1_800_000_000);
        ignored.look(&headers, ip("203.0.113.9"), now);
        assert_eq!(ignored.requests(), 0);
        headers.insert("x-original-url", axum::http::HeaderValue::from_static("https://a/"));
        ignored.look(&headers, ip("203.0.113.9"), now);
        ignored.look(&headers, ip("203.0.113.9"), now);
        assert_eq!(ignored.requests(), 2);
    }

    #[test]
    fn s109_forwarded_addresses_are_believed_from_configured_proxies_only() {
        let trusted = [Network::parse("10.0.0.0/8").expect("network")];
        let seen = |peer, header: &[&str]| client_address(ip(peer), header, &trusted);
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), ip("203.0.113.9"));
        assert_eq!(seen("10.0.0.2", &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4, 198.51.100.1, 10.0.0.3"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4", "198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4, 198.51.100.1:49152"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4, 198.51.100.1:1, 10.0.0.3:80"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["[2001:db8::1]:443"]), ip("2001:db8::1"));
        assert_eq!(seen("10.0.0.2", &["[2001:db8::1]"]), ip("2001:db8::1"));
        assert_eq!(seen("10.0.0.2", &["2001:db8::1"]), ip("2001:db8::1"));
        assert_eq!(seen("10.0.0.2", &["nonsense"]), ip("10.0.0.2"));
        assert_eq!(seen("10.0.0.2", &[]), ip("10.0.0.2"));
    }
}
