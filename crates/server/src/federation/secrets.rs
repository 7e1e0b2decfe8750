//! Client secrets, sealed, in memory: one database read less on the way of everybody who returns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use identity::entropy::Entropy;
use identity::federation::provider::Provider;
use identity::ids::ProviderId;
use identity::seal::SealError;
use identity::secret::Secret;
use store::Store;

use crate::keys::Keyring;

/// Where in the database a client secret is sealed for; it opens nowhere else.
pub fn place(provider: &ProviderId) -> String {
    format!("providers/sealed_secret/{provider}")
}

/// Seals a client secret for its row.
pub fn seal(
    keyring: &Keyring,
    provider: &ProviderId,
    secret: &Secret,
    entropy: &dyn Entropy,
) -> Result<String, SealError> {
    keyring.seal(secret, &place(provider), entropy)
}

/// Why there is no secret to show to a provider.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored does not open.
    #[error(
        "the client secret of the provider \"{0}\" does not open: {1}; put the key file back, or \
         give the secret again: vestibule providers change {0} --client-secret-file FILE"
    )]
    Seal(String, SealError),
    /// None is stored.
    #[error(
        "the provider \"{0}\" has no client secret; give it one: vestibule providers change {0} \
         --client-secret-file FILE"
    )]
    Missing(String),
}

/// What was read, and for which picture of the provider.
struct Kept {
    provider: Arc<Provider>,
    sealed: String,
}

/// The secrets of providers that somebody came through.
#[derive(Default)]
pub(crate) struct Secrets {
    kept: Mutex<HashMap<ProviderId, Kept>>,
}

impl Secrets {
    /// The secret of a provider as the directory shows it. Whatever changes a provider makes the
    /// directory read all of them again, so a kept secret is good for as long as its picture of
    /// the provider is the directory's.
    pub(crate) async fn get(
        &self,
        store: &Store,
        keyring: &Keyring,
        provider: &Arc<Provider>,
    ) -> Result<Secret, SecretError> {
        let open = |sealed: &str| {
            keyring
                .open(sealed, &place(&provider.id))
                .map_err(|error| SecretError::Seal(provider.key.clone(), error))
        };
        if let Some(sealed) = self.kept(provider) {
            return open(&sealed);
        }
        let sealed = store.get_provider_secret(&provider.id).await?;
        let sealed = sealed.ok_or_else(|| SecretError::Missing(provider.key.clone()))?;
        let secret = open(&sealed)?;
        let kept = Kept { provider: Arc::clone(provider), sealed };
        self.lock().insert(provider.id.clone(), kept);
        Ok(secret)
    }

    fn kept(&self, provider: &Arc<Provider>) -> Option<String> {
        let kept = self.lock();
        let found = kept.get(&provider.id)?;
        Arc::ptr_eq(&found.provider, provider).then(|| found.sealed.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
