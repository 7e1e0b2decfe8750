//! Sealed text opens with its own key at its own place, and nowhere else.

use std::sync::atomic::{AtomicU8, Ordering};

use super::*;

/// Different bytes at each draw.
#[derive(Default)]
struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

const PLACE: &str = "providers.client_secret.1";

fn keys() -> (Counting, MasterKey, DataKey) {
    let entropy = Counting::default();
    let master = MasterKey::generate(&entropy);
    let key = DataKey::generate(Moment::from_seconds(1), &entropy);
    (entropy, master, key)
}

#[test]
fn what_was_sealed_opens_again() {
    let (entropy, _, key) = keys();
    for plain in ["", "s3cret", "a longer text, with more than one block of the cipher in it"] {
        let sealed = key.seal(plain.as_bytes(), PLACE, &entropy).unwrap();
        assert!(plain.is_empty() || !sealed.contains(plain));
        assert_eq!(key.open(&sealed, PLACE).unwrap(), plain.as_bytes());
        assert_eq!(key.open_text(&sealed, PLACE).unwrap().expose(), plain);
        assert_eq!(data_key_of(&sealed).unwrap(), key.id);
    }
}

#[test]
fn the_same_text_is_sealed_differently_each_time() {
    let (entropy, _, key) = keys();
    let seal = || key.seal(b"x", PLACE, &entropy).unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn a_field_does_not_open_at_another_place() {
    let (entropy, _, key) = keys();
    let sealed = key.seal(b"x", PLACE, &entropy).unwrap();
    for place in ["providers.client_secret.2", "providers.other.1", ""] {
        assert_eq!(key.open(&sealed, place), Err(SealError::DoesNotOpen), "{place}");
    }
}

#[test]
fn a_changed_field_does_not_open() {
    let (entropy, _, key) = keys();
    let sealed = key.seal(b"secret", PLACE, &entropy).unwrap();
    let parts: Vec<&str> = sealed.split('.').collect();
    for part in [2, 3] {
        let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let first = if changed[part].starts_with('A') { "B" } else { "A" };
        changed[part].replace_range(..1, first);
        assert_eq!(key.open(&changed.join("."), PLACE), Err(SealError::DoesNotOpen));
    }
}

#[test]
fn another_data_key_does_not_open_it_even_under_the_same_name() {
    let (entropy, _, key) = keys();
    let sealed = key.seal(b"x", PLACE, &entropy).unwrap();
    let other = DataKey::generate(Moment::from_seconds(2), &entropy);
    let needed = key.id.to_string();
    assert_eq!(other.open(&sealed, PLACE), Err(SealError::OtherDataKey { needed }));
    let renamed = DataKey { id: key.id.clone(), ..other };
    assert_eq!(renamed.open(&sealed, PLACE), Err(SealError::DoesNotOpen));
}

#[test]
fn text_that_is_no_sealed_text_is_named_so() {
    let (entropy, _, key) = keys();
    let sealed = key.seal(b"\xff", PLACE, &entropy).unwrap();
    let id = key.id.as_str();
    assert_eq!(key.open_text(&sealed, PLACE).map(drop), Err(SealError::Malformed));
    for text in [
        "".to_owned(),
        "plain".to_owned(),
        sealed.replacen("v1", "v2", 1),
        format!("{sealed}.more"),
        format!("v1.{id}.AAAA.AAAA"),
        format!("v1.{id}.!.AAAA"),
        format!("v1.{id}.AAAAAAAAAAAAAAAA.!"),
    ] {
        assert_eq!(key.open(&text, PLACE), Err(SealError::Malformed), "{text}");
    }
    // Shorter than its own tag.
    let short = format!("v1.{id}.AAAAAAAAAAAAAAAA.AAAA");
    assert_eq!(key.open(&short, PLACE), Err(SealError::DoesNotOpen));
}

#[test]
fn a_data_key_is_wrapped_by_the_key_file() {
    let (entropy, master, key) = keys();
    let wrapped = key.wrap(&master, &entropy).unwrap();
    let sealed = key.seal(b"x", PLACE, &entropy).unwrap();
    let unwrapped = DataKey::unwrap(key.id.clone(), &wrapped, &master).unwrap();
    assert_eq!(unwrapped.open(&sealed, PLACE).unwrap(), b"x");
    let other_row = DataKeyId::from_stored("another");
    assert_eq!(
        DataKey::unwrap(other_row, &wrapped, &master).map(drop),
        Err(SealError::DoesNotOpen)
    );
}

#[test]
fn the_wrong_key_file_is_named() {
    let (entropy, master, key) = keys();
    let wrapped = key.wrap(&master, &entropy).unwrap();
    let other = MasterKey::generate(&entropy);
    let error = DataKey::unwrap(key.id, &wrapped, &other).map(drop).unwrap_err();
    let (needed, given) = (master.id().to_owned(), other.id().to_owned());
    assert_eq!(error, SealError::OtherMasterKey { needed: needed.clone(), given });
    assert!(error.to_string().contains(&needed) && error.to_string().contains("keys.file"));
}

#[test]
fn a_wrapped_key_has_256_bits() {
    let (entropy, master, key) = keys();
    let short = master.key.seal(&master.id, &wrapping(&key.id), b"short", &entropy).unwrap();
    assert_eq!(DataKey::unwrap(key.id, &short, &master).map(drop), Err(SealError::Malformed));
}

#[test]
fn a_key_file_is_one_line_and_reads_back() {
    let (entropy, master, key) = keys();
    let file = master.to_file();
    assert!(file.expose().starts_with("vestibule-key-v1:") && file.expose().ends_with('\n'));
    let read = MasterKey::parse(file.expose()).unwrap();
    assert_eq!(read.id(), master.id());
    assert_eq!(master.id().len(), 16);
    let wrapped = key.wrap(&master, &entropy).unwrap();
    assert!(DataKey::unwrap(key.id, &wrapped, &read).is_ok());
    let line = file.expose().trim().to_owned();
    let bits = line.rsplit(':').next().unwrap().to_owned();
    for wrong in [
        String::new(),
        line.replacen("v1", "v2", 1),
        line.clone() + ":more",
        line[..line.len() - 4].to_owned(),
        format!("vestibule-key-v1::{bits}"),
        format!("vestibule-key-v1:a.b:{bits}"),
        format!("vestibule-key-v1:ab:!{bits}"),
    ] {
        assert_eq!(MasterKey::parse(&wrong).map(drop), Err(SealError::KeyFile), "{wrong}");
    }
}

#[test]
fn no_key_prints_itself() {
    let (_, master, key) = keys();
    let debug = format!("{master:?} {key:?}");
    assert!(debug.contains("Key(…)"));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&key.key.0);
    assert!(!debug.contains(&format!("{bytes:?}")));
}

#[test]
fn each_purpose_and_each_key_file_derive_another_key() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let (_, generated, _) = keys();
    let file = generated.to_file();
    let id = file.expose().split(':').nth(1).unwrap();
    let master = MasterKey::parse(&format!("{FILE_PREFIX}:{id}:{key}")).unwrap();
    // HMAC-SHA-256 of "refresh" under the bytes 0 to 31, by another implementation.
    let expected = "rOeh7kAulAcMLyWNuglvM1PIbhQQP5kLZo0idl4buBU";
    assert_eq!(URL_SAFE_NO_PAD.encode(master.derive("refresh")), expected);
    assert_ne!(master.derive("refresh"), master.derive("other"));
    let other = MasterKey::parse(&format!("{FILE_PREFIX}:{id}:{}", key.replace('A', "B"))).unwrap();
    assert_ne!(master.derive("refresh"), other.derive("refresh"));
}
