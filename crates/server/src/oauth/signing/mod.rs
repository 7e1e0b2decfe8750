//! What signs our tokens: keys made once, sealed in the database, and parsed in memory.

mod pair;
mod upkeep;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::entropy::Entropy;
use identity::federation::jwks::KeySetError;
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::own_tokens::{Expected, OwnKeys, OwnTokenFault};
use identity::oauth::signing_keys::SigningKey;
use identity::seal::SealError;
use identity::time::Moment;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Store, StoredSigningKey};

use crate::app::{App, House};
use crate::keys::Keyring;
use pair::Pair;
use upkeep::maintain;

pub use upkeep::{Made, add_next, replace, work};

/// Quickly made, so they are there before anybody asks; the third waits for its first use.
const MADE_AT_ONCE: [SigningAlgorithm; 2] = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

/// Why nothing can be signed, or no key be made.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keyring does not take the private half.
    #[error("the new signing key cannot be sealed: {0}")]
    Seal(#[from] SealError),
    /// The cryptographic library did not do it.
    #[error("the cryptographic library made no {0} key or signature; try again")]
    Library(SigningAlgorithm),
    /// There is a key, but it does not open.
    #[error(
        "no {0} key can sign; restore the key file, or make a new key with: vestibule keys rotate \
         --now --algorithm {0}"
    )]
    NoKey(SigningAlgorithm),
    /// More keys than anybody can use.
    #[error("the signing keys in the database cannot be used: {0}")]
    Keys(#[from] KeySetError),
    /// Claims that are no JSON.
    #[error("the claims of a token cannot be written: {0}")]
    Claims(#[from] serde_json::Error),
}

/// What keys are made and opened with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where they are kept.
    pub store: &'a Store,
    /// What seals them.
    pub keyring: &'a Keyring,
    /// What the seal needs.
    pub entropy: &'a dyn Entropy,
}

impl House {
    /// What the keys of this house are made and opened with.
    pub fn signing_tools(&self) -> Tools<'_> {
        Tools { store: &self.store, keyring: &self.keyring, entropy: self.entropy.as_ref() }
    }
}

/// One consistent picture of the keys.
#[derive(Default)]
struct Held {
    keys: OwnKeys,
    pairs: HashMap<String, Arc<Pair>>,
}

/// The keys of this house, in memory.
pub struct Signer {
    held: RwLock<Arc<Held>>,
    /// Held from the read to the exchange, so that a slow reload never puts an older picture in
    /// the place of a newer one.
    reloading: tokio::sync::Mutex<()>,
    /// Held while keys are made: who also needs one waits for it instead of making another.
    making: tokio::sync::Mutex<()>,
}

impl Signer {
    /// Opens the keys that are there, and makes in a new house those that take no time. The others
    /// come with [`work`], or with their first use: a start does not wait for primes.
    pub async fn open(tools: Tools<'_>, now: Moment) -> Result<Self, SigningError> {
        let signer = Self::read(tools).await?;
        signer.ensure(tools, &MADE_AT_ONCE, now).await?;
        Ok(signer)
    }

    /// Opens the keys that are there, and makes none.
    pub async fn read(tools: Tools<'_>) -> Result<Self, SigningError> {
        let signer = Self {
            held: RwLock::default(),
            reloading: tokio::sync::Mutex::default(),
            making: tokio::sync::Mutex::default(),
        };
        signer.reload(tools).await?;
        Ok(signer)
    }

    /// Reads everything again: another process made a key, or took one away.
    pub async fn reload(&self, tools: Tools<'_>) -> Result<(), SigningError> {
        let _alone = self.reloading.lock().await;
        let old = self.held();
        let mut pairs = HashMap::new();
        let mut keys = Vec::new();
        for StoredSigningKey { key, sealed_private } in tools.store.list_signing_keys().await? {
            let known = old.pairs.get(&key.kid).cloned();
            if let Some(sealed) = sealed_private
                && let Some(pair) = known.or_else(|| open(tools.keyring, &key, &sealed))
            {
                pairs.insert(key.kid.clone(), pair);
            }
            keys.push(key);
        }
        let fresh = Arc::new(Held { keys: OwnKeys::new(keys)?, pairs });
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Makes the keys that are missing among these.
    pub async fn ensure(
        &self,
        tools: Tools<'_>,
        algorithms: &[SigningAlgorithm],
        now: Moment,
    ) -> Result<(), SigningError> {
        let is_missing = |one: &SigningAlgorithm| self.held().keys.signing(*one, now).is_none();
        if !algorithms.iter().any(is_missing) {
            return Ok(());
        }
        let _alone = self.making.lock().await;
        // Another process may have made them; and with the database away, nobody looks for primes.
        self.reload(tools).await?;
        for algorithm in algorithms.iter().copied().filter(is_missing) {
            maintain(tools, self.held().keys.all(), algorithm, now).await?;
        }
        self.reload(tools).await
    }

    /// The algorithm that should be ready and is not, if there is one. A key that nobody has needed
    /// yet is made by its first use and is not missed.
    pub fn not_ready(&self, now: Moment) -> Option<SigningAlgorithm> {
        let held = self.held();
        SigningAlgorithm::ALL.into_iter().find(|algorithm| {
            let key = held.keys.signing(*algorithm, now);
            let opens = key.map(|key| held.pairs.contains_key(&key.kid));
            !opens.unwrap_or(!MADE_AT_ONCE.contains(algorithm))
        })
    }

    /// A signed token (RFC 7515 section 7.1) of the kind `typ`, from memory. `NoKey` when there is
    /// none; [`sign`] makes it.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &impl Serialize,
        now: Moment,
    ) -> Result<String, SigningError> {
        let held = self.held();
        let key = held.keys.signing(algorithm, now).ok_or(SigningError::NoKey(algorithm))?;
        let pair = held.pairs.get(&key.kid).ok_or(SigningError::NoKey(algorithm))?;
        let header = json!({ "alg": algorithm.as_str(), "typ": typ, "kid": key.kid });
        let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let signature =
            pair.sign(token.as_bytes()).map_err(|_| SigningError::Library(algorithm))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The claims of a token of ours that holds now, from memory: signature by a published key,
    /// kind, issuer and end. Whether its session lives, who asks must look up.
    pub fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, OwnTokenFault> {
        self.held().keys.verify(token, expected)
    }

    /// The claims of a token that we signed at any time: a hint, which proves nothing about now.
    pub fn recognise(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, OwnTokenFault> {
        self.held().keys.recognise(token, expected)
    }

    /// The document at `jwks_uri`.
    pub fn jwks(&self, now: Moment) -> Value {
        self.held().keys.jwks(now)
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A signed token of the kind `typ`; makes the key where the house has none yet.
pub async fn sign(
    app: &App,
    algorithm: SigningAlgorithm,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, SigningError> {
    let now = app.now();
    app.signer.ensure(app.signing_tools(), &[algorithm], now).await?;
    app.signer.sign(algorithm, typ, claims, now)
}

/// Where in the database a private half is sealed for; it opens nowhere else.
fn place(kid: &str) -> String {
    format!("signing_keys/private/{kid}")
}

/// A key that does not open must not take the others with it: it stays published, and signs not.
fn open(keyring: &Keyring, key: &SigningKey, sealed: &str) -> Option<Arc<Pair>> {
    let text = match keyring.open(sealed, &place(&key.kid)) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, kid = key.kid, "a signing key does not open");
            return None;
        }
    };
    let pair = Pair::parse(key.algorithm, &text);
    if pair.is_none() {
        tracing::error!(kid = key.kid, "a signing key is none; run: vestibule keys rotate --now");
    }
    pair.map(Arc::new)
}
