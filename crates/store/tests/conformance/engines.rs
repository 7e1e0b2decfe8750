//! Runs each promise on SQLite and on PostgreSQL, and says so when it cannot.

use crate::house::House;

/// Writes each test twice. PostgreSQL missing is a failure, unless `VESTIBULE_TEST_ENGINES`
/// leaves it out.
macro_rules! both {
    ($($(#[$about:meta])* async fn $name:ident($house:ident) $body:block)*) => {
        $($(#[$about])* async fn $name($house: &$crate::house::House) $body)*

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(house) = $crate::engines::sqlite().await {
                        super::$name(&house).await;
                    }
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(house) = $crate::engines::postgres().await {
                        super::$name(&house).await;
                    }
                }
            )*
        }
    };
}
pub(crate) use both;

/// A house on SQLite, unless it is left out.
pub(crate) async fn sqlite() -> Option<House> {
    if wanted("sqlite") { Some(House::on_sqlite().await) } else { None }
}

/// A house on PostgreSQL, unless it is left out.
pub(crate) async fn postgres() -> Option<House> {
    if wanted("postgres") { Some(House::on_postgres().await) } else { None }
}

/// Whether the engine is to be tested; both are unless somebody says otherwise.
pub(crate) fn wanted(engine: &str) -> bool {
    std::env::var("VESTIBULE_TEST_ENGINES")
        .map_or(true, |engines| engines.split(',').any(|one| one.trim() == engine))
}
