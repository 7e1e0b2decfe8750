//! A store on a fresh database, and the people and things that most tests need in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use identity::applications::{Application, ApplicationKey};
use identity::email::Email;
use identity::entropy::Entropy;
use identity::federation::policy::{PolicyFields, UnknownUser};
use identity::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use identity::groups::{ADMINISTRATORS, Group, GroupName};
use identity::ids::{GroupId, ProviderId};
use identity::secret::Digest;
use identity::sessions::{Method, Session};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};
use store::{
    By, NewConnection, NewSession, NewUser, PasswordOutcome, PasswordSignIn, Store,
    VerifiedPassword,
};

use crate::postgres::Database;

/// Different bytes every time, however many stores draw them.
#[derive(Debug)]
pub(crate) struct Counting;

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        for byte in buffer {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let text = Digest::of(&count.to_be_bytes());
            *byte = text.as_str().as_bytes()[0] ^ text.as_str().as_bytes()[1].rotate_left(2);
        }
    }
}

/// A store on a fresh database of its own.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) url: String,
    folder: Option<PathBuf>,
    _database: Option<Database>,
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// When most tests happen, plus so many seconds.
pub(crate) fn at(seconds: u64) -> Moment {
    Moment::from_seconds(1_800_000_000).plus(Duration::from_secs(seconds))
}

/// A digest of a word, standing for a secret.
pub(crate) fn digest(word: &str) -> Digest {
    Digest::of(word.as_bytes())
}

/// A folder of one test alone.
pub(crate) fn folder() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("vestibule-store-{}-{count}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Opens a store as a process does.
pub(crate) async fn open(url: &str) -> store::Result<Store> {
    Store::open(url, 10, Arc::new(Counting), at(0)).await
}

impl House {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = folder();
        let url = format!("sqlite:{}", folder.join("house.db").display());
        let store = open(&url).await.expect("SQLite opens");
        Self { store, url, folder: Some(folder), _database: None }
    }

    pub(crate) async fn on_postgres() -> Self {
        let database = Database::create().unwrap_or_else(|said| panic!("{said}"));
        let url = database.url().to_owned();
        let store = open(&url).await.expect("PostgreSQL opens");
        Self { store, url, folder: None, _database: Some(database) }
    }

    /// An active member of staff.
    pub(crate) async fn staff(&self, email: &str) -> User {
        self.store
            .add_user(&new_staff(email), &[], &By::operator(), at(0))
            .await
            .expect("a user is added")
    }

    /// An active administrator with a password.
    pub(crate) async fn administrator(&self, email: &str) -> User {
        let group = self.administrators().await.id;
        let user = self
            .store
            .add_user(&new_staff(email), &[group], &By::operator(), at(0))
            .await
            .expect("an administrator is added");
        self.password(&user, "hash").await;
        user
    }

    pub(crate) async fn password(&self, user: &User, hash: &str) {
        self.store
            .set_password(&user.id, hash, None, &By::operator(), at(0))
            .await
            .expect("a password is set");
    }

    pub(crate) async fn administrators(&self) -> Group {
        let name = GroupName::parse(ADMINISTRATORS).expect("a name");
        self.store
            .find_group_by_name(UserType::Staff, &name)
            .await
            .expect("groups are read")
            .expect("every house has administrators")
    }

    pub(crate) async fn back_office(&self) -> Application {
        self.store.get_application(&back_office()).await.expect("the back office is built in")
    }

    /// A session by password, whose cookie is `token`.
    pub(crate) async fn session(&self, user: &User, token: &str, now: Moment) -> Session {
        let hash = self
            .store
            .find_password_login(user.user_type, &user.population, user.email.key())
            .await
            .expect("logins are read")
            .expect("the user is there")
            .hash
            .expect("the user has a password");
        let sign_in = PasswordSignIn {
            password: VerifiedPassword { user: &user.id, verified_hash: &hash, rehash: None },
            session: &new_session(token),
            buckets: &[],
            by: &By::operator(),
        };
        let keep = |counters: &[_]| counters.to_vec();
        match self.store.complete_password_sign_in(&sign_in, keep, now).await {
            Ok(PasswordOutcome::SignedIn { session, .. }) => *session,
            other => panic!("no session: {other:?}"),
        }
    }

    /// An enabled provider on the back office, and what becomes of strangers.
    pub(crate) async fn provider(
        &self,
        key: &str,
        unknown_user: UnknownUser,
        groups: &[GroupId],
    ) -> Provider {
        let provider = provider(key);
        let connection = NewConnection {
            application: back_office(),
            policy: PolicyFields { default_groups: Some(groups.to_vec()), ..unknown_user.into() },
            position: 0,
        };
        self.store
            .add_provider(&provider, Some("sealed"), &[connection], &By::operator(), at(0))
            .await
            .expect("a provider is added");
        provider
    }
}

pub(crate) fn back_office() -> ApplicationKey {
    ApplicationKey::parse("back-office").expect("a key")
}

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

pub(crate) fn new_staff(address: &str) -> NewUser {
    NewUser {
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: email(address),
        email_standing: EmailStanding::VouchedFor,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en".to_owned()),
        status: Status::Active,
        birth: Birth::Added,
    }
}

pub(crate) fn new_session(token: &str) -> NewSession {
    NewSession {
        token: digest(token),
        application: back_office(),
        methods: vec![Method::Password],
        auth_time: Some(at(0)),
        times: Application::built_in()[1].session,
        organisation: None,
        browser: Some(digest("browser")),
        user_agent: Some("test".to_owned()),
    }
}

pub(crate) fn provider(key: &str) -> Provider {
    Provider {
        id: ProviderId::from_stored(format!("00000000-0000-7000-8000-{key:0>12}")),
        key: key.to_owned(),
        name: format!("The {key}"),
        organisation: None,
        authority: Authority::Operator,
        state: ProviderState::Enabled,
        issuer: format!("https://{key}.example"),
        client_id: "vestibule".to_owned(),
        client_authentication: ClientAuthentication::ClientSecretBasic,
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        trusted_domains: vec!["example.com".to_owned()],
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: format!("https://{key}.example/authorize"),
            token: format!("https://{key}.example/token"),
            userinfo: None,
            jwks: format!("https://{key}.example/jwks"),
        },
        algorithms: vec!["RS256".to_owned()],
        promises_iss: true,
        pkce: true,
        created_at: at(0),
    }
}
