//! Which addresses we let ourselves be sent to when we talk to a provider (against SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

#[cfg(test)]
mod tests;

/// What one provider may make us connect to.
///
/// Checked when a provider is saved, whenever its discovery document is read again, and at every
/// connection for the address that the name resolved to: a name that was public at save may be
/// private at connect (DNS rebinding).
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// `host` or `host:port` that may lie at private addresses, as the operator wrote them;
    /// IPv6 addresses in brackets. Plain http is for loopback only, and only for what is listed.
    pub allow_private: &'a [String],
}

/// Why an address is not connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Neither https nor http.
    #[error("\"{0}\" is not an https address; give the address that begins with https://")]
    Scheme(String),
    /// Plain http, and not to this very machine with the operator's leave.
    #[error(
        "\"{0}\" is plain http, which anybody on the way can read and change; use https (plain \
         http works for loopback only, and only with --allow-private HOST[:PORT])"
    )]
    PlainHttp(String),
    /// `https://user:password@host/`.
    #[error("the address at \"{0}\" contains a user name or password; leave them out")]
    UserInfo(String),
    /// `https://host/#fragment`.
    #[error("the address at \"{0}\" contains a fragment (#…); leave it out")]
    Fragment(String),
    /// There is nobody to connect to.
    #[error("\"{0}\" names no host; give a complete address")]
    NoHost(String),
    /// Inside our own network, where a provider must not send us without the operator's leave.
    #[error(
        "\"{host}\" is at {ip}, {what}; if the provider really is there, allow it with \
         --allow-private {host}"
    )]
    Private {
        /// The host as named.
        host: String,
        /// Where it is.
        ip: IpAddr,
        /// What kind of address that is, with its article.
        what: &'static str,
    },
    /// No provider can be there, so no switch opens it.
    #[error("\"{host}\" is at {ip}, {what}, where no provider can be; correct the host or its DNS")]
    Never {
        /// The host as named.
        host: String,
        /// Where it is.
        ip: IpAddr,
        /// What kind of address that is, with its article.
        what: &'static str,
    },
    /// `localhost` that is not this machine (RFC 6761 section 6.3).
    #[error("\"{host}\" is at {ip}, which is not this machine; correct the resolver or /etc/hosts")]
    NotLoopback {
        /// The host as named.
        host: String,
        /// Where it is.
        ip: IpAddr,
    },
}

impl AddressFault {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scheme(_) => "scheme",
            Self::PlainHttp(_) => "plain_http",
            Self::UserInfo(_) => "user_info",
            Self::Fragment(_) => "fragment",
            Self::NoHost(_) => "no_host",
            Self::Private { .. } => "private_address",
            Self::Never { .. } => "impossible_address",
            Self::NotLoopback { .. } => "not_loopback",
        }
    }
}

/// What an IP address is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Anybody's.
    Public,
    /// Opened by the operator's word alone.
    Private(&'static str),
    /// Opened by nothing.
    Never(&'static str),
}

impl Reach<'_> {
    /// Checks an address before its name is resolved: https without user name and fragment; plain
    /// http for listed loopback hosts alone; literal IP addresses as [`Self::check_address`] does.
    pub fn check_url(&self, url: &Url) -> Result<(), AddressFault> {
        let (host, port) = match (url.host(), url.port_or_known_default()) {
            (Some(host), Some(port)) => (host, port),
            _ => return Err(AddressFault::NoHost(url.scheme().to_owned())),
        };
        let name = host.to_string();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressFault::UserInfo(name));
        }
        if url.fragment().is_some() {
            return Err(AddressFault::Fragment(name));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) && self.allows(&name, port) => {}
            "http" => return Err(AddressFault::PlainHttp(name)),
            _ => return Err(AddressFault::Scheme(format!("{}://{name}", url.scheme()))),
        }
        match host {
            Host::Ipv4(ip) => self.check_address(&name, port, IpAddr::V4(ip)),
            Host::Ipv6(ip) => self.check_address(&name, port, IpAddr::V6(ip)),
            // What `localhost` resolves to is known beforehand; every other name is checked at
            // connect, when it has an address.
            Host::Domain(_) if is_loopback(&host) => {
                self.check_address(&name, port, IpAddr::V4(Ipv4Addr::LOCALHOST))
            }
            Host::Domain(_) => Ok(()),
        }
    }

    /// Checks one address that `host` resolved to, immediately before it is connected to.
    ///
    /// A private address passes only where `allow_private` lists the host or `host:port`. Some
    /// addresses never pass: no provider can be there, and the metadata services of clouds hand
    /// out credentials.
    pub fn check_address(&self, host: &str, port: u16, ip: IpAddr) -> Result<(), AddressFault> {
        if is_localhost(host) && !unwrapped(ip).is_loopback() {
            return Err(AddressFault::NotLoopback { host: host.to_owned(), ip });
        }
        match kind(ip) {
            Kind::Public => Ok(()),
            Kind::Private(_) if self.allows(host, port) => Ok(()),
            Kind::Private(what) => Err(AddressFault::Private { host: host.to_owned(), ip, what }),
            Kind::Never(what) => Err(AddressFault::Never { host: host.to_owned(), ip, what }),
        }
    }

    /// Whether the operator listed the host, or the host with this port.
    fn allows(&self, host: &str, port: u16) -> bool {
        let host = plain(host);
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let with_port = format!("{bracketed}:{port}");
        self.allow_private.iter().any(|entry| {
            let entry = entry.trim().to_ascii_lowercase();
            entry == with_port || plain(&entry) == host
        })
    }
}

/// A host as it is compared: lower case, without the root's dot and without brackets.
fn plain(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).to_ascii_lowercase()
}

/// `localhost` and the names under it are this machine (RFC 6761 section 6.3).
fn is_localhost(host: &str) -> bool {
    let host = plain(host);
    host == "localhost" || host.ends_with(".localhost")
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// An IPv4 address in IPv6 clothes (`::ffff:127.0.0.1`) as itself.
fn unwrapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => kind_v6(v6),
    }
}

/// Addresses at which clouds serve credentials to whoever asks from inside: AWS, Azure and Google
/// (169.254.169.254), Amazon's containers, Alibaba, Oracle, and Azure's platform address, which
/// looks public.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// Amazon's and Google's metadata services over IPv6.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// The special-purpose registry for IPv4 (RFC 6890), most particular first.
fn kind_v4(ip: Ipv4Addr) -> Kind {
    if METADATA_V4.contains(&ip) {
        return Kind::Never("a cloud's metadata service");
    }
    match ip.octets() {
        [0, ..] => Kind::Never("an unspecified address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("a private address"),
        [127, ..] => Kind::Private("a loopback address"),
        [169, 254, ..] => Kind::Private("a link-local address"),
        [100, 64..=127, ..] => Kind::Private("a shared address behind a carrier's NAT"),
        [192, 0, 0, _] => Kind::Private("an address for protocols"),
        [198, 18..=19, ..] => Kind::Private("an address for benchmarks"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Kind::Private("an address for documentation")
        }
        [192, 88, 99, _] => Kind::Private("an address of the 6to4 relays"),
        [224..=239, ..] => Kind::Never("a multicast address"),
        [240..=255, ..] => Kind::Never("a reserved or broadcast address"),
        _ => Kind::Public,
    }
}

/// Only global unicast (2000::/3) is public; what carries an IPv4 address inside is judged by it.
fn kind_v6(ip: Ipv6Addr) -> Kind {
    if METADATA_V6.contains(&ip) {
        return Kind::Never("a cloud's metadata service");
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private("a loopback address"),
        // The unspecified address, IPv4-compatible and -mapped ones (RFC 4291 2.5.2, 2.5.5),
        // -translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4 (RFC 3056).
        | [0x2002, high, low, ..] => kind_v4(embedded(high, low)),
        [0x64, 0xff9b, 1, ..] => Kind::Private("an address of a local NAT64"),
        [0x2001, 0, ..] => Kind::Never("a Teredo address"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Kind::Private("an address for documentation")
        }
        [0x2001, 1..=0x01ff, ..] => Kind::Private("an address for protocols"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        [0xfc00..=0xfdff, ..] => Kind::Private("a unique local address"),
        [0xfe80..=0xfeff, ..] => Kind::Private("a link-local or site-local address"),
        [0xff00..=0xffff, ..] => Kind::Never("a multicast address"),
        _ => Kind::Never("an address that nobody was given"),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}
