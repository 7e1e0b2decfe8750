//! After the restart: every promise in the ledger is kept, and nothing was done by halves.

use std::collections::HashSet;

use identity::email::Email;
use identity::users::{Birth, Population, Status, User, UserType};
use rand::Rng;
use rand::rngs::StdRng;
use store::{AuditEntry, Paging, Store, UserFilter};
use testkit::wire::Wire;

use crate::check_tokens::check_tokens;
use crate::ledger::{Colleague, Newcomer, SessionEntry, Standing};
use crate::stage::Stage;
use crate::yard::{CUSTOMER, PEOPLE};

/// Entries of earlier rounds that are looked at after each restart.
const SAMPLE: usize = 15;

/// Checks what this round touched and a sample of the rest, or everything.
pub async fn check(stage: &Stage, whole: bool, random: &mut StdRng) {
    let (sessions, newcomers, colleagues) = {
        let (ledger, which) = (stage.ledger(), (stage.round(), whole, SAMPLE));
        (
            chosen(&ledger.sessions, |one| one.round, which, random),
            chosen(&ledger.newcomers, |one| one.round, which, random),
            chosen(&ledger.colleagues, |one| one.round, which, random),
        )
    };
    let store = stage.yard.observe().await;
    for (place, colleague) in colleagues {
        check_colleague(stage, &store, place, &colleague).await;
    }
    let mut wire = stage.connect().await.expect("the house is back");
    // As they stand now: a look at a colleague may have settled how their sessions are.
    for (place, _) in sessions {
        let entry = stage.ledger().sessions[place].clone();
        check_session(stage, &mut wire, place, &entry).await;
    }
    check_tokens(stage, &mut wire, whole, random).await;
    for (_, newcomer) in newcomers {
        check_newcomer(&store, &newcomer).await;
    }
    check_letters(stage, &store).await;
    if whole {
        check_everybody(stage, &store).await;
        for person in PEOPLE.into_iter().chain([CUSTOMER]) {
            check_sign_ins(stage, &store, person).await;
        }
    }
    store.close().await;
}

/// What was touched in the round, and a sample of so many others; or all of it.
pub fn chosen<T: Clone>(
    entries: &[T],
    round_of: impl Fn(&T) -> u64,
    (round, whole, sample): (u64, bool, usize),
    random: &mut StdRng,
) -> Vec<(usize, T)> {
    let mut places: HashSet<usize> =
        (0..entries.len()).filter(|place| whole || round_of(&entries[*place]) == round).collect();
    if !entries.is_empty() {
        places.extend((0..sample).map(|_| random.random_range(0..entries.len())));
    }
    let mut places: Vec<usize> = places.into_iter().collect();
    places.sort_unstable();
    places.into_iter().map(|place| (place, entries[place].clone())).collect()
}

/// A session opens the door, or does not, as was acknowledged. What was not acknowledged is
/// settled by now, and stays as it is found.
async fn check_session(stage: &Stage, wire: &mut Wire, place: usize, entry: &SessionEntry) {
    let page = wire.get("/back-office", &entry.cookies).await.expect("the house is back");
    let found = if page.is_signed_in() {
        Standing::In
    } else {
        assert_eq!(page.status, 303, "{entry:?}: {}", page.body);
        Standing::Out
    };
    match entry.standing {
        Standing::Unknown => stage.ledger().sessions[place].standing = found,
        promised => assert_eq!(found, promised, "{entry:?}"),
    }
}

/// Somebody who came through the provider is whole: one user, one identity, and a session and an
/// audit entry for every arrival. Who was not told that they are in is that, or not there at all.
async fn check_newcomer(store: &Store, newcomer: &Newcomer) {
    let Some(user) = find(store, &newcomer.email).await else {
        assert_eq!(newcomer.arrivals, 0, "lost: {newcomer:?}");
        return;
    };
    assert_eq!((user.status, user.birth), (Status::Active, Birth::SingleSignOn), "{newcomer:?}");
    let identities = store.list_identities_of(&user.id).await.expect("an answer");
    let subjects: Vec<_> = identities.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, [newcomer.email.as_str()], "half a user: {newcomer:?}");
    let sessions = store.list_sessions(&user.id).await.expect("an answer").len();
    let noted = count(&audit(store, &user).await, "sign_in.provider");
    assert_eq!(sessions, noted, "sessions and audit of {newcomer:?}");
    assert!(sessions > 0 && sessions >= newcomer.arrivals, "{sessions} of {newcomer:?}");
}

/// Somebody whom the operator added is there as the operator was told, with the audit's word for
/// it. Whether a deactivation that was cut off took place is settled by now.
async fn check_colleague(stage: &Stage, store: &Store, place: usize, colleague: &Colleague) {
    let Some(user) = find(store, &colleague.email).await else {
        assert!(!colleague.added, "lost: {colleague:?}");
        return;
    };
    let noted = audit(store, &user).await;
    assert_eq!(count(&noted, "user.add"), 1, "{colleague:?}");
    assert!(!colleague.added || count(&noted, "password.set") == 1, "{colleague:?}");
    let found = if user.status == Status::Active { Standing::In } else { Standing::Out };
    assert_eq!(count(&noted, "user.deactivate"), usize::from(found == Standing::Out));
    match colleague.standing {
        Standing::Unknown => stage.ledger().set_colleague(place, found),
        promised => assert_eq!(found, promised, "{colleague:?}"),
    }
    let live = store.list_sessions(&user.id).await.expect("an answer");
    assert!(found == Standing::In || live.is_empty(), "deactivated and still in: {colleague:?}");
}

/// Every letter that was promised waits in the queue.
async fn check_letters(stage: &Stage, store: &Store) {
    let queue = store.count_mails().await.expect("an answer");
    let (asked, promised) = {
        let ledger = stage.ledger();
        (ledger.letters_asked, ledger.letters_promised)
    };
    assert!((promised..=asked).contains(&queue.waiting), "{queue:?}, {promised} of {asked}");
}

/// Nobody is there whom nobody knows, and everybody is whole.
async fn check_everybody(stage: &Stage, store: &Store) {
    let mut paging = Paging::first(1000);
    loop {
        let page = store.list_users(&UserFilter::default(), &paging).await.expect("a list");
        for user in &page.items {
            let email = user.email.as_typed();
            let known = {
                let ledger = stage.ledger();
                match user.birth {
                    Birth::SingleSignOn => ledger.newcomers.iter().any(|one| one.email == email),
                    Birth::Added => {
                        PEOPLE.contains(&email)
                            || email == CUSTOMER
                            || ledger.colleagues.iter().any(|one| one.email == email)
                    }
                }
            };
            assert!(known, "a user from nowhere: {user:?}");
        }
        match page.next {
            Some(next) => paging = Paging::after(next, 1000),
            None => return,
        }
    }
}

/// Every session of somebody has its sign-in in the audit, and every end as well.
async fn check_sign_ins(stage: &Stage, store: &Store, email: &str) {
    let user = find(store, email).await.expect("somebody who was always here");
    let noted = audit(store, &user).await;
    let live = store.list_sessions(&user.id).await.expect("an answer").len();
    let (begun, ended) = (count(&noted, "sign_in.password"), count(&noted, "session.end"));
    assert_eq!(live + ended, begun, "sessions and audit of {email}");
    let promised = stage.ledger().sessions.iter().filter(|one| one.email == email).count();
    assert!(begun >= promised, "{begun} of {promised} sign-ins of {email}");
}

async fn find(store: &Store, email: &str) -> Option<User> {
    let key = Email::key_of(email).expect("an address");
    let population = Population::default_one();
    store.find_user_by_email(UserType::Staff, &population, &key).await.expect("an answer")
}

/// Everything that was done to or by a user.
async fn audit(store: &Store, user: &User) -> Vec<AuditEntry> {
    let mut paging = Paging::first(1000);
    let mut all = Vec::new();
    loop {
        let page = store.list_audit(Some(&user.id), &paging).await.expect("a list");
        all.extend(page.items);
        match page.next {
            Some(next) => paging = Paging::after(next, 1000),
            None => return all,
        }
    }
}

fn count(entries: &[AuditEntry], action: &str) -> usize {
    entries.iter().filter(|one| one.action == action && one.outcome == "done").count()
}
