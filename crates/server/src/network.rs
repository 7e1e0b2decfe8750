//! Networks of addresses, and whose address a request came from.

use std::net::IpAddr;

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
        (prefix <= longest).then_some(Self { address, prefix })
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
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
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
    }

    #[test]
    fn s109_forwarded_addresses_are_believed_from_configured_proxies_only() {
        let trusted = [Network::parse("10.0.0.0/8").expect("network")];
        let seen = |peer, header: &[&str]| client_address(ip(peer), header, &trusted);
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), ip("203.0.113.9"));
        assert_eq!(seen("10.0.0.2", &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4, 198.51.100.1, 10.0.0.3"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["1.2.3.4", "198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(seen("10.0.0.2", &["nonsense"]), ip("10.0.0.2"));
        assert_eq!(seen("10.0.0.2", &[]), ip("10.0.0.2"));
    }
}
