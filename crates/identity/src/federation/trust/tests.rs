//! How far each kind of provider's word goes.

use super::*;
use crate::email::Email;
use crate::federation::fixtures::provider;
use crate::ids::ProviderId;
use crate::users::Name;

fn external(email: Option<&str>, email_verified: EmailVerified) -> ExternalIdentity {
    ExternalIdentity {
        provider: ProviderId::from_stored("provider-a"),
        issuer: "https://id.example.com".to_owned(),
        subject: "subject".to_owned(),
        email: email.map(|email| Email::parse(email).unwrap()),
        email_verified,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: serde_json::Map::new(),
    }
}

fn trusted_with(authority: Authority, domains: &[&str]) -> Provider {
    let trusted_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    Provider { authority, trusted_domains, ..provider() }
}

fn google(email: &str, hosted_domain: Option<&str>) -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://accounts.google.com".to_owned(),
        hosted_domain: hosted_domain.map(str::to_owned),
        ..external(Some(email), EmailVerified::Yes)
    }
}

#[test]
fn s041_an_explicit_no_blocks_whatever_else_speaks_for_the_address() {
    for authority in Authority::ALL {
        let provider = trusted_with(authority, &["company.test", "gmail.com"]);
        for address in ["ada@company.test", "ada@gmail.com", "ada@elsewhere.test"] {
            let denied = ExternalIdentity {
                email_verified: EmailVerified::No,
                ..google(address, Some("company.test"))
            };
            for user_type in UserType::ALL {
                assert_eq!(weigh(&denied, &provider, user_type), EmailTrust::DeniedByProvider);
            }
        }
    }
}

#[test]
fn s041_silence_is_no_denial_and_no_proof() {
    let trusted = trusted_with(Authority::Operator, &["company.test"]);
    let ask =
        |address| weigh(&external(Some(address), EmailVerified::Absent), &trusted, UserType::Staff);
    assert_eq!(ask("ada@company.test"), EmailTrust::TrustedDomain);
    assert_eq!(ask("ada@elsewhere.test"), EmailTrust::NoGround);
}

#[test]
fn s042_the_operators_own_provider_counts_when_it_says_verified() {
    let own = trusted_with(Authority::Operator, &[]);
    let ask = |verified| weigh(&external(Some("ada@any.test"), verified), &own, UserType::Staff);
    assert_eq!(ask(EmailVerified::Yes), EmailTrust::VerifiedByOperatorProvider);
    assert_eq!(ask(EmailVerified::Absent), EmailTrust::NoGround);
}

#[test]
fn s042_an_organisations_provider_counts_in_its_own_domains_only() {
    let company = trusted_with(Authority::Organisation, &["company.test", "xn--bcher-kva.test"]);
    for (address, trust) in [
        ("ada@company.test", EmailTrust::TrustedDomain),
        ("ada@COMPANY.test", EmailTrust::TrustedDomain),
        ("ada@b\u{fc}cher.test", EmailTrust::TrustedDomain),
        ("ada@sub.company.test", EmailTrust::NoGround),
        ("ada@company.test.evil.test", EmailTrust::NoGround),
        ("ada@evilcompany.test", EmailTrust::NoGround),
        ("ada@rival.test", EmailTrust::NoGround),
    ] {
        // Its "verified" never widens it.
        for verified in [EmailVerified::Yes, EmailVerified::Absent] {
            let external = external(Some(address), verified);
            assert_eq!(weigh(&external, &company, UserType::Staff), trust, "{address}");
        }
    }
}

#[test]
fn s042_a_public_provider_counts_only_for_mailboxes_that_it_runs() {
    let public = trusted_with(Authority::Public, &["company.test"]);
    let ask = |external: &ExternalIdentity| weigh(external, &public, UserType::Customer);
    let runs = EmailTrust::VerifiedByMailboxProvider;
    assert_eq!(ask(&google("ada@gmail.com", None)), runs);
    assert_eq!(ask(&google("ada@company.test", Some("company.test"))), runs);
    for foreign in [
        google("ada@company.test", None),
        google("ada@company.test", Some("other.test")),
        google("ada@gmail.com.test", None),
        external(Some("ada@gmail.com"), EmailVerified::Yes),
        ExternalIdentity {
            hosted_domain: Some("company.test".to_owned()),
            ..external(Some("ada@company.test"), EmailVerified::Yes)
        },
        ExternalIdentity { email_verified: EmailVerified::Absent, ..google("ada@gmail.com", None) },
    ] {
        assert_eq!(ask(&foreign), EmailTrust::NoGround, "{foreign:?}");
    }
}

#[test]
fn s047_a_public_provider_never_counts_for_people_who_work_for_somebody() {
    let public = trusted_with(Authority::Public, &["company.test"]);
    for user_type in [UserType::Staff, UserType::Merchant, UserType::Member] {
        for external in
            [google("ada@gmail.com", None), google("ada@company.test", Some("company.test"))]
        {
            assert_eq!(weigh(&external, &public, user_type), EmailTrust::NoGround);
        }
    }
}

#[test]
fn without_an_address_nothing_is_weighed() {
    let own = trusted_with(Authority::Operator, &["company.test"]);
    for verified in EmailVerified::ALL {
        assert_eq!(weigh(&external(None, verified), &own, UserType::Staff), EmailTrust::Missing);
    }
}

#[test]
fn three_grounds_count_and_every_outcome_has_its_code() {
    let counting: Vec<_> = EmailTrust::ALL.into_iter().filter(|trust| trust.counts()).collect();
    assert_eq!(
        counting.iter().map(|trust| trust.code()).collect::<Vec<_>>(),
        ["trusted_domain", "verified_by_operator_provider", "verified_by_mailbox_provider"]
    );
    assert_eq!(EmailTrust::Missing.code(), "email_missing");
    assert_eq!(EmailTrust::DeniedByProvider.code(), "denied_by_provider");
    assert_eq!(EmailTrust::NoGround.code(), "no_ground");
}

#[test]
fn s047_the_large_providers_of_everybody_are_known() {
    for open in [
        "https://accounts.google.com",
        "https://accounts.google.com/",
        "https://ACCOUNTS.google.com.",
        "https://appleid.apple.com",
        "https://gitlab.com",
        "https://github.com/login/oauth",
        "https://www.facebook.com",
        "https://www.linkedin.com/oauth",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/Consumers/v2.0",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://sts.windows.net/9188040D-6C67-4C5B-B112-36A304B66DAD/",
    ] {
        assert!(is_open_to_everybody(open), "{open}");
        assert_eq!(usual_authority(open), Authority::Public, "{open}");
    }
    for own in [
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        "https://accounts.google.com.evil.test",
        "https://gitlab.company.test",
        "https://id.company.test/github.com",
        "no address",
    ] {
        assert!(!is_open_to_everybody(own), "{own}");
        assert_eq!(usual_authority(own), Authority::Operator, "{own}");
    }
}
