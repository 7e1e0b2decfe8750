//! Changes: a poller that follows the numbers never misses one, or is told that it has.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use identity::users::StatusChange;
use store::{By, ChangeKind, Changes};

use crate::engines::both;
use crate::house::{at, open};

both! {
    async fn a_cursor_gets_what_is_behind_it_in_order(house) {
        assert_eq!(house.store.latest_change().await.unwrap(), 0);
        assert_eq!(house.store.list_changes(0, 10).await.unwrap(), Changes::Since(Vec::new()));
        let user = house.staff("ada@example.com").await;
        for change in [StatusChange::Deactivate, StatusChange::Activate, StatusChange::Deactivate] {
            house.store.change_user_status(&user.id, change, &By::operator(), at(1)).await.unwrap();
        }
        let Changes::Since(lines) = house.store.list_changes(1, 10).await.unwrap() else {
            panic!("missed")
        };
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [2, 3]);
        assert!(lines.iter().all(|line| line.kind == ChangeKind::User));
        let Changes::Since(one) = house.store.list_changes(0, 1).await.unwrap() else {
            panic!("missed")
        };
        assert_eq!(one.len(), 1);
        assert_eq!(house.store.latest_change().await.unwrap(), 3);
    }

    async fn a_cursor_behind_what_was_pruned_is_told_to_forget_everything(house) {
        let user = house.staff("ada@example.com").await;
        let by = By::operator();
        house.store.change_user_status(&user.id, StatusChange::Deactivate, &by, at(1)).await.unwrap();
        house.store.change_user_status(&user.id, StatusChange::Activate, &by, at(1)).await.unwrap();
        let late = at(2 * 3600);
        house.store.change_user_status(&user.id, StatusChange::Deactivate, &by, late).await.unwrap();
        house.store.prune(late).await.unwrap();
        let missed = Changes::Missed { latest: 3 };
        assert_eq!(house.store.list_changes(0, 10).await.unwrap(), missed);
        assert_eq!(house.store.list_changes(1, 10).await.unwrap(), missed);
        assert!(matches!(house.store.list_changes(2, 10).await.unwrap(), Changes::Since(lines) if lines.len() == 1));
        assert_eq!(house.store.list_changes(9, 10).await.unwrap(), missed, "a restored backup");
    }

    async fn no_change_is_lost_under_concurrent_commits(house) {
        const WRITERS: usize = 8;
        const EACH: usize = 12;
        let mut users = Vec::new();
        for number in 0..WRITERS {
            users.push(house.staff(&format!("user{number}@example.com")).await);
        }
        let reader = open(&house.url).await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let poll = tokio::spawn({
            let (reader, done) = (reader.clone(), Arc::clone(&done));
            async move {
                let (mut cursor, mut seen) = (0, HashSet::new());
                loop {
                    // Looked at before the poll: what was committed until then must be in it.
                    let last = done.load(Ordering::SeqCst);
                    let Changes::Since(lines) = reader.list_changes(cursor, 3).await.unwrap() else {
                        panic!("missed")
                    };
                    let empty = lines.is_empty();
                    for line in lines {
                        assert!(line.seq > cursor);
                        cursor = line.seq;
                        assert!(seen.insert(line.seq));
                    }
                    if last && empty {
                        return seen.len();
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        let writers: Vec<_> = users
            .into_iter()
            .map(|user| {
                let store = house.store.clone();
                tokio::spawn(async move {
                    for round in 0..EACH {
                        let change = if round % 2 == 0 {
                            StatusChange::Deactivate
                        } else {
                            StatusChange::Activate
                        };
                        let by = By::operator();
                        store.change_user_status(&user.id, change, &by, at(1)).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        assert_eq!(poll.await.unwrap(), WRITERS * EACH);
        reader.close().await;
    }
}
