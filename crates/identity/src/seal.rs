//! Encryption at rest: a master key in a file wraps data keys, and data keys seal single fields.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::entropy::{Entropy, draw};
use crate::ids::{DataKeyId, hex};
use crate::secret::Secret;
use crate::time::Moment;

const FILE_PREFIX: &str = "vestibule-key-v1";
const VERSION: &str = "v1";

/// Why something cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The file is not one of ours.
    #[error(
        "this is not a key file: it has one line \"vestibule-key-v1:ID:KEY\"; restore the key \
         file from its backup"
    )]
    KeyFile,
    /// Wrapped by another key file.
    #[error(
        "the database was encrypted with the key file \"{needed}\", but this one is \"{given}\"; \
         point keys.file at the right file, or restore it from its backup"
    )]
    OtherMasterKey {
        /// Id of the key file that wrapped it.
        needed: String,
        /// Id of the key file that we have.
        given: String,
    },
    /// Sealed by another data key.
    #[error("this field was sealed with the data key \"{needed}\"; open it with that one")]
    OtherDataKey {
        /// Id of the data key that sealed it.
        needed: String,
    },
    /// The text was never written by us.
    #[error("this field holds no sealed text; set it anew, or restore the database")]
    Malformed,
    /// Changed, or moved here from another row or column.
    #[error(
        "this sealed text was changed or belongs to another place in the database; set the field \
         anew, or restore the database together with its key file"
    )]
    DoesNotOpen,
    /// More than the cipher takes.
    #[error("this is too long to be sealed; store less in this field")]
    TooLong,
}

/// 256 bits that nothing prints.
#[derive(Clone)]
struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// AES-256-GCM-SIV (RFC 8452): a nonce that repeats by accident, as after a copied machine,
    /// tells only that two plain texts are the same.
    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &self.0).map_err(|_| SealError::KeyFile)?;
        Ok(LessSafeKey::new(key))
    }

    fn seal(
        &self,
        id: &str,
        place: &str,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, SealError> {
        let nonce = draw::<12>(entropy);
        let mut buffer = plain.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(id, place)),
                &mut buffer,
            )
            .map_err(|_| SealError::TooLong)?;
        let (nonce, text) = (URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(buffer));
        Ok(format!("{VERSION}.{id}.{nonce}.{text}"))
    }

    fn open(&self, sealed: &Sealed<'_>, place: &str) -> Result<Vec<u8>, SealError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed);
        let nonce =
            <[u8; 12]>::try_from(decode(sealed.nonce)?).map_err(|_| SealError::Malformed)?;
        let mut buffer = decode(sealed.text)?;
        let plain = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(sealed.key, place)),
                &mut buffer,
            )
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(plain.to_vec())
    }
}

/// What the tag covers besides the text, so that a sealed text opens only where it was put.
fn associated(id: &str, place: &str) -> Vec<u8> {
    format!("{VERSION}.{}.{id}.{place}", id.len()).into_bytes()
}

/// `v1.<key id>.<nonce>.<cipher text and tag>`.
struct Sealed<'a> {
    key: &'a str,
    nonce: &'a str,
    text: &'a str,
}

impl<'a> Sealed<'a> {
    fn read(text: &'a str) -> Result<Self, SealError> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts[..] {
            [VERSION, key, nonce, text] => Ok(Self { key, nonce, text }),
            _ => Err(SealError::Malformed),
        }
    }
}

/// The key in the key file; everything else can be opened with it.
#[derive(Clone, Debug)]
pub struct MasterKey {
    id: String,
    key: Key,
}

impl MasterKey {
    /// A fresh one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self { id: hex(&draw::<8>(entropy)), key: Key(draw(entropy)) }
    }

    /// Reads a key file: one line `vestibule-key-v1:<id>:<key as base64url>`.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let [FILE_PREFIX, id, key] = parts[..] else {
            return Err(SealError::KeyFile);
        };
        let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
        let key = URL_SAFE_NO_PAD.decode(key).map_err(|_| SealError::KeyFile)?;
        match <[u8; 32]>::try_from(key) {
            Ok(key) if is_id => Ok(Self { id: id.to_owned(), key: Key(key) }),
            _ => Err(SealError::KeyFile),
        }
    }

    /// What belongs into the key file, with the line's end.
    pub fn to_file(&self) -> Secret {
        Secret::new(format!("{FILE_PREFIX}:{}:{}\n", self.id, URL_SAFE_NO_PAD.encode(self.key.0)))
    }

    /// 256 bits for one purpose, the same in every process that has this key file: HMAC-SHA-256
    /// of the purpose under the key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key.0);
        let mut derived = [0; 32];
        derived.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
        derived
    }

    /// Names the key file in messages; it is no secret.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A key that seals fields; the database keeps it wrapped by the master key.
#[derive(Clone, Debug)]
pub struct DataKey {
    /// Name of the row.
    pub id: DataKeyId,
    key: Key,
}

impl DataKey {
    /// A fresh one.
    pub fn generate(now: Moment, entropy: &dyn Entropy) -> Self {
        Self { id: DataKeyId::new(now, entropy), key: Key(draw(entropy)) }
    }

    /// As the database keeps it. Fails never for a key of ours.
    pub fn wrap(&self, master: &MasterKey, entropy: &dyn Entropy) -> Result<String, SealError> {
        master.key.seal(&master.id, &wrapping(&self.id), &self.key.0, entropy)
    }

    /// Back from the database; names the right key file when this is the wrong one.
    pub fn unwrap(id: DataKeyId, wrapped: &str, master: &MasterKey) -> Result<Self, SealError> {
        let sealed = Sealed::read(wrapped)?;
        if sealed.key != master.id {
            return Err(SealError::OtherMasterKey {
                needed: sealed.key.to_owned(),
                given: master.id.clone(),
            });
        }
        let key = master.key.open(&sealed, &wrapping(&id))?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| SealError::Malformed)?;
        Ok(Self { id, key: Key(key) })
    }

    /// Seals a field. `place` names its table, column and row (`providers.client_secret.<id>`);
    /// the same place is needed to open it.
    pub fn seal(
        &self,
        plain: &[u8],
        place: &str,
        entropy: &dyn Entropy,
    ) -> Result<String, SealError> {
        self.key.seal(self.id.as_str(), place, plain, entropy)
    }

    /// Opens what [`DataKey::seal`] made, at the same place.
    pub fn open(&self, text: &str, place: &str) -> Result<Vec<u8>, SealError> {
        let sealed = Sealed::read(text)?;
        if sealed.key != self.id.as_str() {
            return Err(SealError::OtherDataKey { needed: sealed.key.to_owned() });
        }
        self.key.open(&sealed, place)
    }

    /// Opens a sealed text.
    pub fn open_text(&self, text: &str, place: &str) -> Result<Secret, SealError> {
        let plain = self.open(text, place)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| SealError::Malformed)
    }
}

/// Id of the data key that sealed `text`, to find it by.
pub fn data_key_of(text: &str) -> Result<DataKeyId, SealError> {
    Sealed::read(text).map(|sealed| DataKeyId::from_stored(sealed.key))
}

fn wrapping(id: &DataKeyId) -> String {
    format!("data_keys.wrapped.{id}")
}

#[cfg(test)]
mod tests;
