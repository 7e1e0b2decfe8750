//! The key file, and the keys that encrypt fields at rest.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use identity::entropy::{Entropy, draw};
use identity::seal::{DataKey, MasterKey, SealError, data_key_of};
use identity::secret::Secret;
use identity::time::Moment;
use store::Store;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot use the key file {0}: {1}")]
    File(String, std::io::Error),
    /// The file holds no key of ours, or another one.
    #[error("key file {0}: {1}")]
    Seal(String, SealError),
    /// Others may read the file.
    #[error("the key file {0} can be read by others; run: chmod 600 {0}")]
    Open(String),
    /// The database does not answer.
    #[error("cannot read the keys in the database: {0}")]
    Store(#[from] store::Error),
}

/// Reads the key file, or makes it where there is none.
pub fn master_key(file: &Path, entropy: &dyn Entropy) -> Result<MasterKey, KeyError> {
    let shown = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => {
            refuse_if_open(file, &shown)?;
            MasterKey::parse(text.trim()).map_err(|error| KeyError::Seal(shown, error))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(file, entropy),
        Err(error) => Err(KeyError::File(shown, error)),
    }
}

fn refuse_if_open(file: &Path, shown: &str) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file)
        .map_err(|error| KeyError::File(shown.to_owned(), error))?
        .permissions()
        .mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Open(shown.to_owned())) }
}

fn make(file: &Path, entropy: &dyn Entropy) -> Result<MasterKey, KeyError> {
    let shown = file.display().to_string();
    let failed = |error| KeyError::File(shown.clone(), error);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        crate::files::private_folder(folder).map_err(failed)?;
    }
    let key = MasterKey::generate(entropy);
    // Whole or not at all, and never over a key that another process made meanwhile.
    let unfinished =
        file.with_extension(format!("new-{}", identity::ids::hex(&draw::<4>(entropy))));
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(failed)?;
    let text = key.to_file();
    out.write_all(text.expose().as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
    let linked = fs::hard_link(&unfinished, file);
    fs::remove_file(&unfinished).map_err(failed)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            master_key(file, entropy)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Everything that encrypts: the newest data key seals, every data key opens.
pub struct Keyring {
    ring: RwLock<Arc<Ring>>,
    master: MasterKey,
    /// For messages.
    file: String,
}

/// The data keys of a moment.
struct Ring {
    newest: DataKey,
    all: Vec<DataKey>,
}

impl Ring {
    async fn read(store: &Store, master: &MasterKey, file: &str) -> Result<Self, KeyError> {
        let all = store
            .list_data_keys()
            .await?
            .into_iter()
            .map(|(id, wrapped)| DataKey::unwrap(id, &wrapped, master))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| KeyError::Seal(file.to_owned(), error))?;
        match all.last().cloned() {
            Some(newest) => Ok(Self { newest, all }),
            None => Err(KeyError::Store(store::Error::NotFound)),
        }
    }
}

impl Keyring {
    /// Loads the data keys, and makes the first one in a new house.
    pub async fn load(
        master: MasterKey,
        file: &Path,
        store: &Store,
        entropy: &dyn Entropy,
        now: Moment,
    ) -> Result<Self, KeyError> {
        let file = file.display().to_string();
        if store.list_data_keys().await?.is_empty() {
            let key = DataKey::generate(now, entropy);
            let wrapped =
                key.wrap(&master, entropy).map_err(|error| KeyError::Seal(file.clone(), error))?;
            // Another process may have been first; then its key is ours as well.
            store.add_first_data_key(&key.id, &wrapped, now).await?;
        }
        let ring = Ring::read(store, &master, &file).await?;
        Ok(Self { ring: RwLock::new(Arc::new(ring)), master, file })
    }

    /// Reads the data keys again: another process may have added one.
    pub async fn reload(&self, store: &Store) -> Result<(), KeyError> {
        let ring = Arc::new(Ring::read(store, &self.master, &self.file).await?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    fn now(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Encrypts for a place (`table.column.row`), from where alone it can be opened again.
    pub fn seal(
        &self,
        plain: &Secret,
        place: &str,
        entropy: &dyn Entropy,
    ) -> Result<String, SealError> {
        self.now().newest.seal(plain.expose().as_bytes(), place, entropy)
    }

    /// Decrypts what was sealed for the same place.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Secret, SealError> {
        let id = data_key_of(sealed)?;
        match self.now().all.iter().find(|key| key.id == id) {
            Some(key) => key.open_text(sealed, place),
            None => Err(SealError::OtherDataKey { needed: id.to_string() }),
        }
    }

    /// 32 bytes for one purpose, the same in every process with the same key file.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.master.derive(purpose)
    }
}
