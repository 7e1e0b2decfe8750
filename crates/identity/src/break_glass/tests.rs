//! Who breaks the glass, and for how long.

use proptest::prelude::*;

use super::*;
use crate::email::Email;
use crate::entropy::Entropy;
use crate::ids::{PublicId, UserId};
use crate::secret::Secret;
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, UserType};

const ACTIVE: Owner = Owner { status: Status::Active, is_administrator: true, has_password: true };

const RIGHT: Trial =
    Trial { local_login: false, seal: Some(Standing::Usable), password: true, code: true };

fn somebody() -> User {
    User {
        id: UserId::from_stored("ada"),
        public_id: PublicId::from_stored("ada"),
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: Email::from_stored("ada@shop.test", "ada@shop.test"),
        email_standing: EmailStanding::VouchedFor,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

fn refusal(trial: Trial) -> Option<GlassRefusal> {
    decide(trial).refusal
}

#[test]
fn s107_the_glass_needs_the_seal_the_password_and_the_code() {
    assert_eq!(refusal(RIGHT), None);
    let password = Trial { password: false, ..RIGHT };
    assert_eq!(refusal(password), Some(GlassRefusal::WrongPassword));
    assert_eq!(refusal(Trial { code: false, ..RIGHT }), Some(GlassRefusal::WrongCode));
    assert_eq!(refusal(Trial { seal: None, ..RIGHT }), Some(GlassRefusal::NotSealed));
    let open = Trial { local_login: true, ..RIGHT };
    assert_eq!(refusal(open), Some(GlassRefusal::LocalLoginOpen));
    let spent = Trial { seal: Some(Standing::Opened), ..RIGHT };
    assert_eq!(refusal(spent).map(GlassRefusal::code), Some("opened"));
}

#[test]
fn s107_a_seal_is_worth_as_much_as_whoever_it_is_for() {
    assert_eq!(Standing::of(false, ACTIVE), Standing::Usable);
    assert_eq!(Standing::of(true, ACTIVE), Standing::Opened);
    for status in [Status::Held, Status::Deactivated, Status::Deleted] {
        assert_eq!(Standing::of(false, Owner { status, ..ACTIVE }), Standing::NotActive);
    }
    let no_more = Owner { is_administrator: false, ..ACTIVE };
    assert_eq!(Standing::of(false, no_more), Standing::NotAdministrator);
    let without = Owner { has_password: false, ..ACTIVE };
    assert_eq!(Standing::of(false, without), Standing::NoPassword);
}

#[test]
fn nothing_is_sealed_that_would_be_worth_nothing() {
    let door = Application::built_in().into_iter().find(|door| door.key.as_str() == "back-office");
    let door = door.unwrap();
    let user = somebody();
    assert_eq!(may_seal(&door, &user, ACTIVE), Ok(()));
    for (owner, refusal) in [
        (Owner { status: Status::Held, ..ACTIVE }, SealRefusal::NotActive),
        (Owner { is_administrator: false, ..ACTIVE }, SealRefusal::NotAdministrator),
        (Owner { has_password: false, ..ACTIVE }, SealRefusal::NoPassword),
    ] {
        assert_eq!(may_seal(&door, &user, owner), Err(refusal));
    }
    let shop = Application::built_in().into_iter().find(|door| door.key.as_str() == "storefront");
    assert_eq!(may_seal(&shop.unwrap(), &user, ACTIVE), Err(SealRefusal::OfOtherDoors));
    let brand = Population::from_stored("brand");
    let elsewhere = User { population: brand, ..user };
    assert_eq!(may_seal(&door, &elsewhere, ACTIVE), Err(SealRefusal::OfOtherDoors));
}

#[test]
fn why_nothing_is_sealed_has_a_name_of_its_own() {
    for (refusal, code) in [
        (SealRefusal::OfOtherDoors, "wrong_user_type"),
        (SealRefusal::NotActive, "user_not_active"),
        (SealRefusal::NotAdministrator, "not_administrator"),
        (SealRefusal::NoPassword, "no_password"),
    ] {
        assert_eq!(refusal.code(), code);
    }
}

#[test]
fn a_code_is_written_in_crockfords_base_32() {
    let code = |bytes| new_code(&Fixed(bytes)).expose().to_owned();
    assert_eq!(code([0; 32]), "0".repeat(52));
    assert_eq!(code([0xff; 32]), format!("{}G", "Z".repeat(51)), "the last bit stands first");
}

/// Bytes of a test's own.
struct Fixed([u8; 32]);

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0[..buffer.len()]);
    }
}

/// The lowest bits of each, the highest first.
fn bits(values: &[u8], of_each: u8) -> Vec<bool> {
    let each = |value: &u8| {
        let value = *value;
        (0..of_each).rev().map(move |bit| (value >> bit) % 2 == 1)
    };
    values.iter().flat_map(each).collect()
}

/// What a code says, five bits a letter, by the table of whoever invented the letters.
fn bits_of(code: &str) -> Vec<bool> {
    let letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = |letter| u8::try_from(letters.find(letter).expect("a letter")).unwrap();
    let values: Vec<u8> = code.chars().map(value).collect();
    bits(&values, 5)
}

fn trials() -> impl Strategy<Value = Trial> {
    let seal = prop_oneof![
        Just(None),
        Just(Some(Standing::Usable)),
        prop::sample::select(&Standing::ALL[..]).prop_map(Some),
    ];
    (any::<bool>(), seal, any::<bool>(), any::<bool>())
        .prop_map(|(local_login, seal, password, code)| Trial { local_login, seal, password, code })
}

proptest! {
    #[test]
    fn s107_the_glass_breaks_for_exactly_one_case(trial in trials()) {
        let decided = decide(trial);
        prop_assert_eq!(decided.refusal.is_none(), trial == RIGHT);
        let settled = decided.rules.iter().filter(|rule| rule.settled).count();
        prop_assert_eq!(settled, usize::from(decided.refusal.is_some()));
        prop_assert!(decided.rules.iter().rev().skip(1).all(|rule| !rule.settled));
    }

    #[test]
    fn s107_no_session_of_it_outlives_its_hour_or_the_doors_own_time(idle in 1_u64.., absolute in 1_u64..) {
        let (idle, absolute) = (Duration::from_micros(idle), Duration::from_micros(absolute));
        let times = session_times(SessionTimes { idle, absolute });
        prop_assert!(times.absolute <= LONGEST_SESSION && times.absolute <= absolute);
        prop_assert!(times.idle <= LONGEST_SESSION && times.idle <= idle);
        prop_assert!(times.idle == idle || times.idle == LONGEST_SESSION);
    }

    #[test]
    fn a_code_has_all_its_bits_and_is_read_as_people_write_it(bytes in any::<[u8; 32]>(), other in any::<[u8; 32]>()) {
        let code = new_code(&Fixed(bytes));
        prop_assert_eq!(code.expose().len(), 52);
        let digest = code_digest(&code);
        prop_assert_eq!(&digest, &code.digest());
        let printed = for_people(&code);
        prop_assert_eq!(printed.split('-').count(), 13);
        for typed in [printed.to_lowercase(), printed.replace('-', " "), printed.replace('0', "o").replace('1', "l")] {
            prop_assert_eq!(code_digest(&Secret::new(typed)), digest.clone());
        }
        let same = new_code(&Fixed(other)).expose() == code.expose();
        prop_assert_eq!(same, bytes == other);
        prop_assert_eq!(bits_of(code.expose())[..256].to_owned(), bits(&bytes, 8));
    }
}
