//! Where we let a provider send us, address by address.

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn code_of(result: Result<(), AddressFault>) -> Option<&'static str> {
    result.err().map(|fault| fault.code())
}

fn check_url(text: &str, allow: &[&str]) -> Option<&'static str> {
    let allow: Vec<String> = allow.iter().map(|&entry| entry.to_owned()).collect();
    code_of(Reach { allow_private: &allow }.check_url(&url(text)))
}

fn check_ip(host: &str, ip: &str, allow: &[&str]) -> Option<&'static str> {
    let allow: Vec<String> = allow.iter().map(|&entry| entry.to_owned()).collect();
    code_of(Reach { allow_private: &allow }.check_address(host, 443, ip.parse().unwrap()))
}

/// First and last address of each range that an operator may open.
const PRIVATE: [&str; 42] = [
    "10.0.0.0",
    "10.255.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "127.0.0.0",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "198.18.0.0",
    "198.19.255.255",
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.0",
    "203.0.113.255",
    "192.88.99.0",
    "::1",
    "64:ff9b:1::",
    "64:ff9b:1:ffff::",
    "2001:1::",
    "2001:1ff::",
    "2001:db8::",
    "2001:db8:ffff::",
    "3fff::",
    "3fff:fff:ffff::",
    "fc00::",
    "fdff:ffff::",
    "fe80::",
    "febf:ffff::1",
    "fec0::",
    "feff:ffff::1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::ffff:0:192.168.0.1",
    "64:ff9b::172.16.0.1",
    "64:ff9b::7f00:1",
    "2002:0a00:0001::",
];

/// First and last address of each range that nothing opens.
const NEVER: [&str; 31] = [
    "0.0.0.0",
    "0.255.255.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::",
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::ffff:0.0.0.0",
    "::2",
    "2001::",
    "2001:0:ffff::",
    "ff00::",
    "ffff::",
    "100::1",
    "0:0:0:1::",
    "1fff:ffff::",
    "4000::",
    "5f00::1",
    "fbff:ffff::",
    "fe00::1",
];

/// Neighbours of the ranges above, and addresses of the Internet in IPv6 clothes.
const PUBLIC: [&str; 36] = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "192.88.98.255",
    "192.88.100.0",
    "168.63.129.17",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:db7::",
    "2001:db9::",
    "2003::",
    "2606:4700::1111",
    "3ffe::",
    "3fff:1000::",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::",
];

#[test]
fn s031_private_addresses_are_refused_unless_the_host_is_listed() {
    for ip in PRIVATE {
        assert_eq!(check_ip("id.example.com", ip, &[]), Some("private_address"), "{ip}");
        assert_eq!(check_ip("id.example.com", ip, &["id.example.com"]), None, "{ip}");
    }
}

#[test]
fn s031_metadata_services_and_impossible_addresses_are_refused_even_when_listed() {
    for ip in NEVER {
        for allow in [&[][..], &["id.example.com", "id.example.com:443"][..]] {
            assert_eq!(check_ip("id.example.com", ip, allow), Some("impossible_address"), "{ip}");
        }
    }
}

#[test]
fn what_an_operator_reads_names_the_kind_of_address() {
    let words = |ip: &str| {
        let reach = Reach { allow_private: &[] };
        reach.check_address("idp.corp", 443, ip.parse().unwrap()).unwrap_err().to_string()
    };
    for (ip, kind) in [
        ("10.0.0.1", "a private address"),
        ("::1", "a loopback address"),
        ("::", "an unspecified address"),
        ("ff02::1", "a multicast address"),
        ("100::1", "an address that nobody was given"),
        ("169.254.169.254", "a cloud's metadata service"),
    ] {
        let words = words(ip);
        assert!(words.contains(kind) && words.contains(ip), "{ip}: {words}");
    }
}

#[test]
fn s031_addresses_of_the_internet_pass() {
    for ip in PUBLIC {
        assert_eq!(check_ip("id.example.com", ip, &[]), None, "{ip}");
    }
}

#[test]
fn s031_the_list_names_a_host_or_one_port_of_it_and_nothing_else() {
    let open = |host, entry| check_ip(host, "10.0.0.1", &[entry]).is_none();
    for entry in ["idp.corp", "IDP.corp", "idp.corp.", " idp.corp ", "idp.corp:443"] {
        assert!(open("idp.corp", entry), "{entry}");
        assert!(open("IDP.Corp.", entry), "{entry}");
    }
    for entry in ["idp.corp:8443", "corp", "other.corp", "10.0.0.1", "idp.corp:", "", "x:443"] {
        assert!(!open("idp.corp", entry), "{entry}");
    }
    for entry in ["[fd12::1]", "fd12::1", "[fd12::1]:443"] {
        assert_eq!(check_ip("[fd12::1]", "fd12::1", &[entry]), None, "{entry}");
        assert_eq!(check_ip("fd12::1", "fd12::1", &[entry]), None, "{entry}");
    }
    assert!(check_ip("[fd12::1]", "fd12::1", &["[fd12::1]:8443"]).is_some());
}

#[test]
fn s031_literal_addresses_are_checked_before_any_connection() {
    for text in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://10.1.2.3:8443/x",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
    ] {
        assert_eq!(check_url(text, &[]), Some("private_address"), "{text}");
    }
    assert_eq!(
        check_url("https://169.254.169.254/", &["169.254.169.254"]),
        Some("impossible_address")
    );
    assert_eq!(check_url("https://10.1.2.3:8443/x", &["10.1.2.3:8443"]), None);
    assert_eq!(check_url("https://10.1.2.3:8443/x", &["10.1.2.3:443"]), Some("private_address"));
    assert_eq!(check_url("https://[fd12::1]/", &["[fd12::1]"]), None);
    assert_eq!(check_url("https://localhost/", &["localhost"]), None);
    for public in ["https://id.example.com/", "https://8.8.8.8/", "https://notlocalhost/"] {
        assert_eq!(check_url(public, &[]), None, "{public}");
    }
}

#[test]
fn s030_plain_http_is_for_listed_loopback_hosts_only() {
    for text in [
        "http://localhost:8080/",
        "http://127.0.0.1:8080/",
        "http://[::1]:8080/",
        "http://a.localhost:8080/",
    ] {
        let parsed = url(text);
        let host = parsed.host_str().unwrap();
        assert_eq!(check_url(text, &[]), Some("plain_http"), "{text}");
        assert_eq!(check_url(text, &[host]), None, "{text}");
        assert_eq!(check_url(text, &[&format!("{host}:8080")]), None, "{text}");
        assert_eq!(check_url(text, &[&format!("{host}:8081")]), Some("plain_http"), "{text}");
    }
    for text in ["http://id.example.com/", "http://10.0.0.1/", "http://[fd12::1]/"] {
        let parsed = url(text);
        let host = parsed.host_str().unwrap();
        assert_eq!(check_url(text, &[host]), Some("plain_http"), "{text}");
    }
}

#[test]
fn s030_only_complete_https_addresses_pass() {
    for (text, code) in [
        ("ftp://id.example.com/", "scheme"),
        ("wss://id.example.com/", "scheme"),
        ("file:///etc/passwd", "no_host"),
        ("javascript:alert(1)", "no_host"),
        ("gopher://id.example.com/", "no_host"),
        ("https://user@id.example.com/", "user_info"),
        ("https://:secret@id.example.com/", "user_info"),
        ("https://id.example.com/#x", "fragment"),
        ("https://id.example.com/#", "fragment"),
    ] {
        assert_eq!(check_url(text, &["id.example.com"]), Some(code), "{text}");
    }
}

#[test]
fn s031_localhost_is_this_machine_or_nothing() {
    for host in ["localhost", "LocalHost.", "a.localhost"] {
        for ip in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(check_ip(host, ip, &[host]), None, "{host} {ip}");
        }
        for ip in ["8.8.8.8", "10.0.0.1", "2606:4700::1111"] {
            assert_eq!(check_ip(host, ip, &[host]), Some("not_loopback"), "{host} {ip}");
        }
    }
    assert_eq!(check_ip("localhost.example.com", "8.8.8.8", &[]), None);
}

#[test]
fn every_refusal_says_what_to_do() {
    let reach = Reach { allow_private: &[] };
    let private = reach.check_address("idp.corp", 443, "10.0.0.1".parse().unwrap());
    assert_eq!(
        private.unwrap_err().to_string(),
        "\"idp.corp\" is at 10.0.0.1, a private address; if the provider really is there, allow \
         it with --allow-private idp.corp"
    );
    let plain = reach.check_url(&url("http://id.example.com/")).unwrap_err().to_string();
    assert!(plain.contains("use https"), "{plain}");
    let secret = reach.check_url(&url("https://me:hunter2@id.example.com/")).unwrap_err();
    assert!(!secret.to_string().contains("hunter2"), "{secret}");
}

proptest! {
    /// However an IPv4 address is dressed up, it is judged like the bare one.
    #[test]
    fn s031_an_embedded_address_is_judged_like_itself(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from(bits);
        let (high, low) = ((bits >> 16) as u16, bits as u16);
        // ::0.0.0.0 and ::0.0.0.1 are the unspecified and the loopback address themselves.
        prop_assume!(bits > 1);
        for dressed in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        ] {
            prop_assert_eq!(kind(IpAddr::V6(dressed)), kind(IpAddr::V4(v4)));
        }
    }
}
