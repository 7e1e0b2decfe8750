//! How many codes for a mailbox are sent, and whom a stranger can keep from one.

use super::*;
use crate::email::Email;
use crate::federation::external::EmailVerified;
use crate::ids::ProviderId;
use crate::users::Name;

fn asks(subject: &str, email: &str, from: &str) -> Vec<Bucket> {
    let external = ExternalIdentity {
        provider: ProviderId::from_stored("provider"),
        issuer: "https://idp.test".to_owned(),
        subject: subject.to_owned(),
        email: Some(Email::parse(email).unwrap()),
        email_verified: EmailVerified::Absent,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: serde_json::Map::new(),
    };
    buckets_for_code_mail(&Population::default_one(), UserType::Customer, &external, ip(from))
}

const WAIT: Reservation = Reservation::Wait { minutes: 60 };

#[test]
fn s104_one_person_at_a_provider_has_three_codes_sent_in_an_hour_wherever_they_go() {
    let mut kept = Kept::default();
    for n in 0..3 {
        let asks = asks("eve", &format!("victim{n}@shop.test"), &format!("192.0.2.{n}"));
        assert!(granted(&kept.attempt(START, &asks)));
    }
    assert_eq!(kept.attempt(START, &asks("eve", "next@shop.test", "192.0.2.9")), WAIT);
    let later = START.plus(MINUTE * 60);
    assert!(granted(&kept.attempt(later, &asks("eve", "next@shop.test", "192.0.2.9"))));
}

#[test]
fn s104_a_stranger_who_claims_an_address_does_not_keep_its_owner_from_a_code() {
    let mut kept = Kept::default();
    let eve = asks("eve", "ada@shop.test", "192.0.2.1");
    for n in 0..9 {
        assert_eq!(granted(&kept.attempt(START, &eve)), n < 3);
    }
    for _ in 0..3 {
        assert!(granted(&kept.attempt(START, &asks("ada", "Ada@shop.test", "192.0.2.2"))));
    }
    // However many they are, the address gets ten.
    for n in 0..4 {
        let asks = asks(&format!("other{n}"), "ada@shop.test", "192.0.2.3");
        assert!(granted(&kept.attempt(START, &asks)));
    }
    assert_eq!(kept.attempt(START, &asks("one more", "ada@shop.test", "192.0.2.4")), WAIT);
    assert!(granted(&kept.attempt(START, &asks("one more", "bob@shop.test", "192.0.2.4"))));
}

#[test]
fn s104_codes_are_bounded_by_network_and_counted_apart_from_reset_mails() {
    let mut kept = Kept::default();
    let nth = |n: u32, from: &str| asks(&format!("n{n}"), &format!("n{n}@shop.test"), from);
    for n in 0..60 {
        assert!(granted(&kept.attempt(START, &nth(n, "192.0.2.1"))));
    }
    assert_eq!(kept.attempt(START, &nth(60, "192.0.2.1")), WAIT);
    assert!(granted(&kept.attempt(START, &nth(60, "192.0.2.2"))));
    let population = Population::default_one();
    let reset =
        buckets_for_reset_mail(&population, UserType::Customer, "n1@shop.test", ip("192.0.2.1"));
    assert!(granted(&kept.attempt(START, &reset)));
    // What succeeds gives its network one back, and not everything.
    let after = settled_ok(&Throttles::default(), START, &kept.read(&nth(0, "192.0.2.1")));
    let left: Vec<_> = after.iter().map(|one| one.1.map(|counter| counter.failures)).collect();
    assert_eq!(left, [None, None, Some(59)]);
}
