//! Several processes over one database: what one does, the others know.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use identity::entropy::Entropy;
use identity::seal::{DataKey, MasterKey};
use identity::secret::Secret;
use server::app::open_store;
use server::clock::{SystemClock, SystemEntropy};
use server::config::Config;
use server::keys::Keyring;
use server::sessions::cache::Trust;
use testkit::postgres::Database;
use testkit::{Engine, FakeProvider, House, on_both_engines};

const MINUTE: Duration = Duration::from_secs(60);

const PLACE: &str = "tests.place.1";

fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy)
}

/// Waits until the running house has looked at the changes.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn master(folder: &Path) -> MasterKey {
    let text = std::fs::read_to_string(folder.join("vestibule.key")).expect("a key file");
    MasterKey::parse(text.trim()).expect("a key")
}

on_both_engines! {
    async fn processes_that_start_at_once_on_an_empty_database_share_one_key(engine: Engine) {
        let folder = folder_for(engine);
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create().expect("a database")),
        };
        let mut config = Config::default();
        config.keys.file = folder.join("vestibule.key");
        config.database.url = Secret::new(match &database {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite:{}", folder.join("vestibule.db").display()),
        });
        config.database.max_connections = 2;
        let starting: Vec<_> = (0..4)
            .map(|_| {
                let config = config.clone();
                tokio::spawn(async move { open_store(&config, &SystemClock, &entropy()).await })
            })
            .collect();
        let mut houses = Vec::new();
        for house in starting {
            houses.push(house.await.expect("no panic").expect("a house"));
        }
        let seal = |ring: &Keyring| ring.seal(&Secret::new("plain"), PLACE, &SystemEntropy);
        let sealed: Vec<_> = houses.iter().map(|(_, ring)| seal(ring).expect("sealed")).collect();
        for (_, ring) in &houses {
            for text in &sealed {
                assert_eq!(ring.open(text, PLACE).expect("opened").expose(), "plain");
            }
        }
        assert_eq!(houses[0].0.list_data_keys().await.expect("a list").len(), 1);
        for (store, _) in houses {
            store.close().await;
        }
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    async fn s091_a_session_that_another_process_saw_used_is_not_idle_here(engine: Engine) {
        let house = House::start(engine).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        house.connect(&provider).await;
        let browser = house.browser();
        assert!(browser.open("/back-office/login/corp").await.is_signed_in());
        let user = house.users().await.remove(0).id;
        let session = house.app.store.list_sessions(&user).await.expect("a list").remove(0).id;
        let trusted = || house.app.sessions.trust(house.app.now()) == Trust::Fresh;
        // A look that begins now sees the sign-in as a change, and forgets it; none does later.
        house.clock.turn(Duration::from_secs(3));
        eventually("the changes are looked at", trusted).await;
        assert!(browser.open("/back-office").await.is_signed_in());
        house.clock.turn(50 * MINUTE);
        let used = house.app.now();
        house.app.store.touch_sessions(&[(session, used)]).await.expect("used elsewhere");
        house.clock.turn(50 * MINUTE);
        // Memory answers, and it knows of no use for 100 minutes.
        eventually("the changes are looked at", trusted).await;
        assert!(!house.app.sessions.is_empty());
        assert!(browser.open("/back-office").await.is_signed_in(), "idle for 50 minutes only");
        house.clock.turn(61 * MINUTE);
        eventually("the changes are looked at", trusted).await;
        assert!(!browser.open("/back-office").await.is_signed_in(), "now it is idle everywhere");
    }

    async fn what_another_process_seals_with_a_new_key_can_be_opened(engine: Engine) {
        let house = House::start(engine).await;
        let key = DataKey::generate(house.app.now(), &SystemEntropy);
        let wrapped = key.wrap(&master(house.folder()), &SystemEntropy).expect("wrapped");
        let sealed = key.seal(b"plain", PLACE, &SystemEntropy).expect("sealed");
        assert!(house.app.keyring.open(&sealed, PLACE).is_err());
        let now = house.app.now();
        house.app.store.add_data_key(&key.id, &wrapped, now).await.expect("added");
        let opens = || house.app.keyring.open(&sealed, PLACE).is_ok();
        eventually("the new key is known", opens).await;
    }
}

fn folder_for(engine: Engine) -> std::path::PathBuf {
    let folder =
        std::env::temp_dir().join(format!("vestibule-nodes-{}-{engine:?}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
