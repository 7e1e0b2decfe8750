//! A look at a database before anybody opens it.

use store::{Error, Schema, Store};

use crate::engines::{both, wanted};
use crate::house::folder;
use crate::postgres::Database;

both! {
    /// What was opened by this program is up to date for it, while it is open and used as well.
    async fn an_opened_house_is_up_to_date(house) {
        house.staff("ada@shop.test").await;
        let found = Store::examine(&house.url).await.expect("it is read").expect("it is there");
        assert_eq!(found.schema, Schema::UpToDate);
        let engine = if house.store.engine() == "sqlite" { "SQLite 3." } else { "PostgreSQL " };
        assert!(found.engine.starts_with(engine), "{found:?}");
        assert_eq!(found.now.is_some(), house.store.engine() == "postgres");
    }
}

#[tokio::test]
async fn looking_for_a_file_does_not_make_it() {
    let folder = folder();
    let file = folder.join("house.db");
    let url = format!("sqlite:{}", file.display());
    assert!(Store::examine(&url).await.expect("nothing to read").is_none());
    assert!(!file.exists());
    std::fs::write(&file, "").expect("an empty file");
    let found = Store::examine(&url).await.expect("it is read").expect("it is there");
    assert_eq!(found.schema, Schema::Missing);
    assert_eq!(std::fs::read(&file).expect("a file"), b"", "nothing was written");
    std::fs::write(&file, "no database".repeat(100)).expect("a file of something else");
    assert!(matches!(Store::examine(&url).await, Err(Error::Broken(_))));
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn looking_into_a_server_makes_nothing_there() {
    if !wanted("postgres") {
        return;
    }
    let database = Database::create().unwrap_or_else(|said| panic!("{said}"));
    for _ in 0..2 {
        let found = Store::examine(database.url()).await.expect("it answers").expect("there");
        assert_eq!(found.schema, Schema::Missing);
    }
    let nobody = "postgres://vestibule@127.0.0.1:1/vestibule";
    assert!(matches!(Store::examine(nobody).await, Err(Error::Busy(_))));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let url = format!("postgres://vestibule@127.0.0.1:{port}/vestibule");
    assert!(matches!(Store::examine(&url).await, Err(Error::Busy(_))));
}
