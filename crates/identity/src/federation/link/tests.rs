//! Who ties what to whom, over all cases.

use super::*;
use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::fixtures::{ISSUER, NOW, provider};
use crate::federation::hook::HookWord;
use crate::ids::{ConnectionId, ProviderId, PublicId, SessionId};
use crate::sessions::Method;
use crate::users::{Birth, EmailStanding, Name, Population, UserType};

fn door(key: &str) -> Application {
    Application::built_in().into_iter().find(|door| door.key.as_str() == key).unwrap()
}

fn arrival(key: &str) -> Arrival {
    let external = ExternalIdentity {
        provider: ProviderId::from_stored("provider-a"),
        issuer: ISSUER.to_owned(),
        subject: "subject".to_owned(),
        email: None,
        email_verified: EmailVerified::Absent,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: serde_json::Map::new(),
    };
    Arrival { external, application: door(key), hook: HookWord::Unasked, shown: None, now: NOW }
}

fn asker() -> Asker {
    Asker { user: UserId::from_stored("user"), session: SessionId::from_stored("session") }
}

/// Whoever asked, still signed in at the door.
fn signed_in(door: &Application) -> SignedIn {
    let session = Session {
        id: SessionId::from_stored("session"),
        user: UserId::from_stored("user"),
        user_type: door.user_type,
        population: door.population.clone(),
        application: door.key.clone(),
        provider: None,
        identity: None,
        organisation: None,
        methods: vec![Method::Password],
        began_at: NOW,
        auth_time: Some(NOW),
        last_used_at: NOW,
        times: door.session,
        ended_at: None,
    };
    let user = User {
        id: UserId::from_stored("user"),
        public_id: PublicId::from_stored("public"),
        user_type: door.user_type,
        population: door.population.clone(),
        email: Email::parse("ada@company.test").unwrap(),
        email_standing: EmailStanding::Unconfirmed,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
        created_at: NOW,
    };
    SignedIn { session, user, way_closed: None }
}

/// Everything in favour.
fn known(arrival: &Arrival) -> LinkKnown {
    let connection = Connection {
        id: ConnectionId::from_stored("connection"),
        application: arrival.application.key.clone(),
        provider: ProviderId::from_stored("provider-a"),
        policy: PolicyFields { manual_linking: Some(true), ..PolicyFields::default() },
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    };
    LinkKnown {
        provider: provider(),
        connection: Some(connection),
        defaults: PolicyFields::default(),
        signed_in: Some(signed_in(&arrival.application)),
        owner: None,
        has_identity_of_provider: false,
    }
}

fn decided(change: impl FnOnce(&mut LinkKnown)) -> LinkDecision {
    let arrival = arrival("storefront");
    let mut known = known(&arrival);
    change(&mut known);
    decide_link(&arrival, &asker(), &known).decision
}

fn refused(reason: Refusal) -> LinkDecision {
    LinkDecision::Refuse { reason }
}

#[test]
fn whoever_asked_and_is_still_there_gets_an_identity_that_is_nobodys() {
    assert_eq!(decided(|_| {}), LinkDecision::Link);
    let theirs = |known: &mut LinkKnown| known.owner = Some(UserId::from_stored("user"));
    assert_eq!(decided(theirs), LinkDecision::Stays);
}

#[test]
fn what_is_switched_off_or_somebody_elses_is_not_linked() {
    let off = |known: &mut LinkKnown| known.provider.state = ProviderState::Disabled;
    assert_eq!(decided(off), refused(Refusal::ProviderDisabled));
    let apart = |known: &mut LinkKnown| known.connection = None;
    assert_eq!(decided(apart), refused(Refusal::ProviderNotConnected));
    let taken = |known: &mut LinkKnown| known.owner = Some(UserId::from_stored("other"));
    assert_eq!(decided(taken), refused(Refusal::IdentityTaken));
    let second = |known: &mut LinkKnown| known.has_identity_of_provider = true;
    assert_eq!(decided(second), refused(Refusal::LinkedAlready));
}

/// A change of who is signed in.
type Change = fn(&mut SignedIn);

#[test]
fn s049_a_link_that_another_person_or_session_began_ties_nothing() {
    let changes: [Change; 9] = [
        |now| now.user.id = UserId::from_stored("other"),
        |now| now.session.id = SessionId::from_stored("other"),
        |now| now.session.ended_at = Some(NOW),
        |now| now.session.last_used_at = Moment::from_seconds(0),
        |now| now.user.user_type = UserType::Staff,
        |now| now.user.population = Population::from_stored("other"),
        |now| now.user.status = Status::Deactivated,
        |now| now.way_closed = Some(AdmitRefusal::LocalLoginClosed),
        |now| now.session.methods = vec![Method::Password, Method::BreakGlass],
    ];
    for change in changes {
        let outcome = decided(|known| change(known.signed_in.as_mut().unwrap()));
        assert_eq!(outcome, refused(Refusal::NotSignedInAsBefore));
    }
    let nobody = decided(|known| known.signed_in = None);
    assert_eq!(nobody, refused(Refusal::NotSignedInAsBefore));
}

#[test]
fn whose_an_identity_is_plays_no_part_until_everything_else_holds() {
    let tied = |known: &mut LinkKnown| known.owner = Some(UserId::from_stored("other"));
    let arrival = arrival("storefront");
    for change in [
        (|known| known.provider.state = ProviderState::Disabled) as fn(&mut LinkKnown),
        |known| known.connection = None,
        |known| known.connection.as_mut().unwrap().policy.manual_linking = Some(false),
        |known| known.signed_in = None,
    ] {
        let (mut free, mut taken) = (known(&arrival), known(&arrival));
        change(&mut free);
        change(&mut taken);
        tied(&mut taken);
        let decide = |known: &LinkKnown| decide_link(&arrival, &asker(), known);
        assert_eq!(decide(&free), decide(&taken));
    }
}

#[test]
fn customers_link_for_themselves_and_others_only_where_it_is_set() {
    for door in Application::built_in() {
        let arrival = arrival(door.key.as_str());
        for set in [None, Some(true), Some(false)] {
            let mut known = known(&arrival);
            known.connection.as_mut().unwrap().policy.manual_linking = set;
            let linked = decide_link(&arrival, &asker(), &known).decision == LinkDecision::Link;
            let customers = door.user_type == UserType::Customer;
            assert_eq!(linked, set.unwrap_or(customers), "{} {set:?}", door.key);
        }
    }
}

#[test]
fn every_decision_says_what_settled_it() {
    let arrival = arrival("storefront");
    let mut facts = known(&arrival);
    facts.signed_in = None;
    let decided = decide_link(&arrival, &asker(), &facts);
    let rules: Vec<_> = decided.rules.iter().map(|one| (one.rule, one.settled)).collect();
    let expected = [
        ("provider_state", false),
        ("connection", false),
        ("manual_linking", false),
        ("signed_in", true),
    ];
    assert_eq!(rules, expected);
}

#[test]
fn s048_the_last_way_in_is_never_cut() {
    for bits in 0..16_u8 {
        let [manual_linking, password, local_login, other_identity] =
            [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let known = UnlinkKnown { manual_linking, password, local_login, other_identity };
        let expected = match (manual_linking, other_identity, password, local_login) {
            (false, ..) => Err(UnlinkRefusal::NotOffered),
            (true, true, ..) | (true, false, true, true) => Ok(()),
            (true, false, ..) => Err(UnlinkRefusal::LastWayIn),
        };
        assert_eq!(decide_unlink(&known), expected, "{known:?}");
    }
    let codes = [UnlinkRefusal::NotOffered, UnlinkRefusal::LastWayIn].map(UnlinkRefusal::code);
    assert_eq!(codes, ["linking_not_offered", "last_way_in"]);
}
