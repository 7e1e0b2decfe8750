//! Races that are lost on purpose: the other side commits exactly between reading and writing.
//!
//! Only PostgreSQL lets anybody write in that moment; on SQLite the first has the only pen.

use std::sync::atomic::{AtomicUsize, Ordering};

use identity::federation::decide::{Known, decide};
use identity::federation::policy::UnknownUser;
use identity::federation::refusal::Refusal;
use identity::users::StatusChange;
use store::{By, Settle, Settled, Store};

use crate::engines;
use crate::house::{House, at, digest, new_staff, open};
use crate::settle::{arrive, decider};

/// Settles with `meanwhile` happening elsewhere after the first reading; how often was decided?
async fn settle_while<F>(
    house: &House,
    settle: &Settle,
    meanwhile: impl Fn(Store) -> F + Sync,
) -> (store::Result<Settled>, usize)
where
    F: Future<Output = ()>,
{
    let decided = AtomicUsize::new(0);
    let said = house
        .store
        .settle(settle, |known: &Known| {
            if decided.fetch_add(1, Ordering::SeqCst) == 0 {
                std::thread::scope(|scope| {
                    let elsewhere = scope.spawn(|| {
                        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                        runtime.block_on(async {
                            meanwhile(open(&house.url).await.expect("it opens")).await;
                        });
                    });
                    elsewhere.join().expect("it happens");
                });
            }
            decide(&settle.arrival, known)
        })
        .await;
    (said, decided.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s050_an_account_made_meanwhile_is_linked_and_not_an_error() {
    let Some(house) = engines::postgres().await else { return };
    let acme = house.provider("acme", UnknownUser::Create, &[]).await;
    let settle = arrive(&house, &acme, "subject", "ada@example.com").await;
    let (said, decided) = settle_while(&house, &settle, async |store| {
        store.add_user(&new_staff("ada@example.com"), &[], &By::operator(), at(1)).await.unwrap();
    })
    .await;
    assert!(matches!(said, Ok(Settled::SignedIn { linked: true, .. })), "{said:?}");
    assert_eq!(decided, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s036_whoever_is_deactivated_meanwhile_is_refused() {
    let Some(house) = engines::postgres().await else { return };
    let acme = house.provider("acme", UnknownUser::Create, &[]).await;
    let mut settle = arrive(&house, &acme, "subject", "ada@example.com").await;
    let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
    let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
    settle.session.token = digest("second");
    let (said, decided) = settle_while(&house, &settle, async |store| {
        let (off, by) = (StatusChange::Deactivate, By::operator());
        store.change_user_status(&user.id, off, &by, at(20)).await.unwrap();
    })
    .await;
    assert!(
        matches!(said, Ok(Settled::Refused { reason: Refusal::UserDeactivated, .. })),
        "{said:?}"
    );
    assert_eq!(decided, 2);
    assert_eq!(house.store.find_session(&digest("second")).await.unwrap(), None);
}
