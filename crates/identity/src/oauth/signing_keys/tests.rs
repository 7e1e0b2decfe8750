//! The schedule of signing keys: as a table, and as a promise to every verifier.

use proptest::prelude::*;

use super::*;
use crate::oauth::clients::SigningAlgorithm::{EdDsa, Es256, Rs256};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn at(days: u64) -> Moment {
    Moment::from_seconds(1_800_000_000).plus(Duration::from_secs(days * 24 * 3600))
}

fn key(algorithm: SigningAlgorithm, name: &str, signs_from: Moment) -> SigningKey {
    SigningKey {
        kid: name.to_owned(),
        algorithm,
        public_jwk: json!({ "kid": name }),
        created_at: signs_from.minus(DAY),
        signs_from,
        retired_at: None,
    }
}

fn kids(keys: &[&SigningKey]) -> Vec<String> {
    keys.iter().map(|key| key.kid.clone()).collect()
}

#[test]
fn s086_the_overlap_is_longer_than_a_token_and_a_copy_of_the_keys_live() {
    assert!(OVERLAP >= TOKEN_LIFE + JWKS_MAX_AGE);
    assert!(Schedule::default().ahead > JWKS_MAX_AGE);
    assert!(KEPT > OVERLAP);
    assert!(JWKS_MAX_AGE <= DAY, "or a removed key would be believed for long");
}

/// Operators plan by them, and verifiers keep our keys by the first.
#[test]
fn the_times_of_a_key_are_these() {
    assert_eq!(JWKS_MAX_AGE.as_secs(), 3_600, "an hour");
    assert_eq!(CLOCKS_APART.as_secs(), 300, "five minutes");
    assert_eq!(OVERLAP.as_secs(), 600 + 3_600 + 300, "a token, a copy of the keys and clocks");
    assert_eq!(KEPT.as_secs(), 7_776_000, "ninety days");
    let Schedule { every, ahead } = Schedule::default();
    assert_eq!((every.as_secs(), ahead.as_secs()), (7_776_000, 86_400), "ninety days and a day");
}

#[test]
fn every_standing_has_one_word_in_data_and_commands() {
    let words = [
        (Standing::Signing, "signing"),
        (Standing::Retired, "retired"),
        (Standing::Upcoming, "upcoming"),
        (Standing::Kept, "kept"),
    ];
    assert_eq!(Standing::ALL, words.map(|(standing, _)| standing));
    for (standing, word) in words {
        assert_eq!(standing.as_str(), word);
        assert_eq!(word.parse().ok(), Some(standing), "{word}");
        assert_eq!(serde_json::to_value(standing).unwrap(), word);
    }
}

#[test]
fn s086_the_life_of_a_key_in_the_order_of_its_moments() {
    let keys = [key(Es256, "old", at(0)), key(Es256, "new", at(90))];
    let tick = Duration::from_micros(1);
    for (now, old, new) in [
        (at(89), Standing::Signing, Standing::Upcoming),
        (at(90).minus(tick), Standing::Signing, Standing::Upcoming),
        (at(90), Standing::Retired, Standing::Signing),
        (at(90).plus(OVERLAP).minus(tick), Standing::Retired, Standing::Signing),
        (at(90).plus(OVERLAP), Standing::Kept, Standing::Signing),
    ] {
        let found = (keys[0].standing(&keys, now), keys[1].standing(&keys, now));
        assert_eq!(found, (old, new), "{now:?}");
        let signs = if old == Standing::Signing { "old" } else { "new" };
        assert_eq!(signing(&keys, Es256, now).unwrap().kid, signs, "{now:?}");
        let seen = published(&keys, now);
        assert_eq!(seen[0].kid, signs, "what signs comes first");
        assert_eq!(seen.len(), if old == Standing::Kept { 1 } else { 2 }, "{now:?}");
    }
}

#[test]
fn keys_of_other_algorithms_do_not_count() {
    let keys = [key(Es256, "curve", at(0)), key(Rs256, "rsa", at(1))];
    assert_eq!(signing(&keys, Es256, at(2)).unwrap().kid, "curve");
    assert_eq!(signing(&keys, Rs256, at(2)).unwrap().kid, "rsa");
    assert_eq!(signing(&keys, EdDsa, at(2)), None);
    assert_eq!(kids(&published(&keys, at(2))), ["rsa", "curve"]);
}

#[test]
fn a_key_that_a_faster_clock_made_signs_at_once_when_there_is_no_other() {
    let keys = [key(Es256, "later", at(2)), key(Es256, "soon", at(1))];
    assert_eq!(signing(&keys, Es256, at(0)).unwrap().kid, "soon");
    let made = due(&keys[1..], Es256, Schedule::default(), at(0)).make;
    assert_eq!(made, None, "there is one");
}

#[test]
fn s086_a_retired_key_never_signs_again() {
    let mut old = key(Es256, "old", at(0));
    old.retired_at = Some(at(90));
    assert_eq!(signing(&[old.clone()], Es256, at(91)), None);
    let keys = [old, key(Es256, "new", at(90))];
    // Where the clock is slow, too.
    assert_eq!(signing(&keys, Es256, at(89)).unwrap().kid, "new");
    let made = due(&keys[..1], Es256, Schedule::default(), at(91)).make.unwrap();
    assert_eq!((made.after.unwrap().kid.as_str(), made.signs_from), ("old", at(91)));
}

#[test]
fn s086_a_successor_is_made_a_day_before_it_signs() {
    let schedule = Schedule::default();
    assert_eq!(
        due(&[], Es256, schedule, at(0)).make,
        Some(Wanted { after: None, signs_from: at(0) })
    );
    let keys = [key(Es256, "old", at(0))];
    let early = at(89).minus(HOUR);
    assert_eq!(due(&keys, Es256, schedule, early), Due::default());
    let made = due(&keys, Es256, schedule, at(89)).make.unwrap();
    assert_eq!((made.after, made.signs_from), (Some(&keys[0]), at(90)));
    // Nobody looked for half a year: still a day ahead.
    let made = due(&keys, Es256, schedule, at(180)).make.unwrap();
    assert_eq!(made.signs_from, at(181));
    let keys = [keys[0].clone(), key(Es256, "new", at(90))];
    assert_eq!(due(&keys, Es256, schedule, at(89)).make, None, "one is enough");
}

#[test]
fn s086_a_successor_never_signs_before_the_key_that_it_follows() {
    let keys = [key(Es256, "later", at(5))];
    assert_eq!(successor(&keys[0], Schedule::default(), at(0)).signs_from, at(6));
}

#[test]
fn what_has_ended_is_retired_and_much_later_removed() {
    let schedule = Schedule::default();
    let mut keys = vec![key(Es256, "old", at(0)), key(Es256, "new", at(90))];
    assert_eq!(due(&keys, Es256, schedule, at(90)).retire, []);
    let due_now = due(&keys, Es256, schedule, at(90).plus(CLOCKS_APART));
    assert_eq!((due_now.retire, due_now.remove), (vec![(&keys[0], at(90))], vec![]));
    keys[0].retired_at = Some(at(90));
    let end = at(90).plus(KEPT);
    assert_eq!(due(&keys, Es256, schedule, end.minus(HOUR)).remove, Vec::<&SigningKey>::new());
    assert_eq!(due(&keys, Es256, schedule, end).remove, [&keys[0]]);
    assert_eq!(due(&keys, Es256, schedule, end).retire, []);
}

/// The example of RFC 7638 section 3.1, and the Ed25519 key of RFC 8037 appendix A.3.
#[test]
fn thumbprints_are_those_of_the_standards() {
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let rsa = json!({
        "kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    });
    let ed = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let of = |jwk: &Value| thumbprint(jwk.as_object().unwrap());
    assert_eq!(of(&rsa).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    assert_eq!(of(&ed).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    for none in [
        json!({}),
        json!({ "kty": "oct", "k": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AQAB" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "a\",\"y\":\"b" }),
    ] {
        assert_eq!(of(&none), None, "{none}");
    }
}

#[test]
fn a_new_key_is_named_by_its_thumbprint_and_says_what_it_is_for() {
    let members = json!({ "kty": "EC", "crv": "P-256", "x": "AQ", "y": "Ag" });
    let members = members.as_object().unwrap();
    let key = SigningKey::new(Es256, members.clone(), at(0), at(1)).unwrap();
    assert_eq!(Some(&key.kid), thumbprint(members).as_ref());
    let jwk = &key.public_jwk;
    assert_eq!(
        (&jwk["kid"], &jwk["use"], &jwk["alg"]),
        (&json!(key.kid), &json!("sig"), &json!("ES256"))
    );
    assert_eq!(SigningKey::new(Es256, Map::new(), at(0), at(0)), None);
}

/// A house that keeps its keys up whenever it is looked at.
#[derive(Default)]
struct House {
    keys: Vec<SigningKey>,
    made: u32,
}

impl House {
    fn keep_up(&mut self, now: Moment) {
        let due = due(&self.keys, Es256, Schedule::default(), now);
        let remove: Vec<String> = due.remove.iter().map(|key| key.kid.clone()).collect();
        let retire: Vec<_> = due.retire.iter().map(|(key, end)| (key.kid.clone(), *end)).collect();
        if let Some(signs_from) = due.make.map(|wanted| wanted.signs_from) {
            self.made += 1;
            let mut new = key(Es256, &format!("{:05}", self.made), signs_from);
            new.created_at = now;
            self.keys.push(new);
        }
        self.keys.retain(|key| !remove.contains(&key.kid));
        for key in &mut self.keys {
            let end = retire.iter().find(|(kid, _)| *kid == key.kid);
            key.retired_at = key.retired_at.or(end.map(|(_, end)| *end));
        }
    }
}

proptest! {
    /// Whatever the gaps between two looks are: who checks a token within its life, with a copy of
    /// our keys that is no older than it may be, finds the key in it.
    #[test]
    fn s086_every_verifier_has_the_key_of_every_token(
        // Often within a copy's age, and now and then almost to the next change.
        steps in prop::collection::vec(
            prop_oneof![
                4 => 0..600_u64,
                4 => 0..3000_u64,
                1 => 0..40 * 86_400_u64,
                2 => 86_400 - 600..86_400_u64,
                2 => 89 * 86_400 - 6000..89 * 86_400_u64,
            ],
            1..150,
        )
    ) {
        let mut house = House::default();
        let mut now = at(0);
        let mut seen = Vec::new();
        for step in steps {
            house.keep_up(now);
            let signs = signing(&house.keys, Es256, now).map(|key| key.kid.clone());
            prop_assert!(signs.is_some(), "there is always a key that signs");
            seen.push((now, signs.unwrap(), kids(&published(&house.keys, now))));
            prop_assert!(house.keys.len() <= 4, "keys do not pile up: {:?}", house.keys);
            now = now.plus(Duration::from_secs(step));
        }
        for (signed_at, kid, _) in &seen {
            let (from, to) = (signed_at.minus(JWKS_MAX_AGE), signed_at.plus(TOKEN_LIFE));
            for (_, _, copy) in seen.iter().filter(|(at, ..)| (from..=to).contains(at)) {
                prop_assert!(copy.contains(kid), "{kid} signed at {signed_at:?}: {copy:?}");
            }
        }
    }
}
