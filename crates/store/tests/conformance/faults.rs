//! Faults: a database that is busy, gone or not ours is said to be so, and nothing is half-done.

use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use store::{By, Error, Store};

use crate::engines::{self, wanted};
use crate::house::{Counting, at, digest, folder, new_staff, open};
use crate::postgres::{Database, OwnServer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_open_a_new_sqlite_file_at_once() {
    let folder = folder();
    let url = format!("sqlite:{}", folder.join("house.db").display());
    several_open_at_once(&url).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_open_a_new_postgres_database_at_once() {
    if wanted("postgres") {
        let database = Database::create().unwrap_or_else(|said| panic!("{said}"));
        several_open_at_once(database.url()).await;
    }
}

async fn several_open_at_once(url: &str) {
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for opened in opening {
        let store = opened.await.unwrap().expect("every process opens it");
        assert_eq!(store.list_applications().await.unwrap().len(), 4);
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_in_memory_is_a_whole_house() {
    let store = open("sqlite::memory:").await.unwrap();
    assert_eq!((store.engine(), store.list_applications().await.unwrap().len()), ("sqlite", 4));
    let user = store.add_user(&new_staff("a@example.com"), &[], &By::operator(), at(0)).await;
    assert!(store.find_user(&user.unwrap().id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_url_that_is_no_database_of_ours_is_refused() {
    for url in ["mysql://localhost/x", "", "sqlite:/nowhere/at/all/house.db"] {
        let said = Store::open(url, 2, Arc::new(Counting), at(0)).await;
        assert!(matches!(said, Err(Error::Broken(_) | Error::Busy(_))), "{url}: {said:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_busy_and_not_absent() {
    let url = "postgres://vestibule@127.0.0.1:1/house";
    let said = Store::open(url, 2, Arc::new(Counting), at(0)).await;
    assert!(matches!(said, Err(Error::Busy(_))), "{said:?}");
}

#[tokio::test]
async fn an_abandoned_transaction_leaves_nothing_and_blocks_nobody() {
    for house in [engines::sqlite().await, engines::postgres().await].into_iter().flatten() {
        for number in 0..20 {
            let new = new_staff(&format!("gone{number}@example.com"));
            let by = By::operator();
            let adding = house.store.add_user(&new, &[], &by, at(0));
            // Dropped in the middle, as a handler is whose client went away.
            let _ =
                tokio::time::timeout(std::time::Duration::from_micros(number * 100), adding).await;
        }
        house.staff("ada@example.com").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_goes_is_busy_and_one_that_comes_back_serves() {
    if !wanted("postgres") {
        return;
    }
    let mut server = OwnServer::start().unwrap_or_else(|said| panic!("{said}"));
    let store = open(&server.url()).await.unwrap();
    let new = new_staff("ada@example.com");
    let user = store.add_user(&new, &[], &By::operator(), at(0)).await.unwrap();
    server.crash();
    let read = store.find_session(&digest("token")).await;
    assert!(matches!(read, Err(Error::Busy(_))), "{read:?}");
    let write = store.add_user(&new_staff("late@example.com"), &[], &By::operator(), at(1)).await;
    assert!(matches!(write, Err(Error::Busy(_))), "{write:?}");
    assert!(matches!(store.health().await, Err(Error::Busy(_))));
    server.start_again().unwrap();
    assert_eq!(store.find_user(&user.id).await.unwrap(), Some(user), "acknowledged is kept");
    store.add_user(&new_staff("late@example.com"), &[], &By::operator(), at(2)).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_another_process_keeps_is_waited_for_once() {
    let folder = folder();
    let file = folder.join("house.db");
    let store = open(&format!("sqlite:{}", file.display())).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&file);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let before = store.counted();
    let write = store.add_user(&new_staff("late@example.com"), &[], &By::operator(), at(1)).await;
    assert!(matches!(write, Err(Error::Busy(_))), "{write:?}");
    assert_eq!(store.counted().since(before).retries, 0);
    other.close().await.unwrap();
    store.add_user(&new_staff("late@example.com"), &[], &By::operator(), at(2)).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}
