//! Protected hosts, tickets that work once, and cookies that end with their session.

use identity::applications::ApplicationKey;
use identity::forward_auth::ProtectedHost;
use identity::return_to::Origin;
use identity::time::Moment;
use store::{By, ChangeKind, Changes, Conflict, EndReason, Error, HostSession, NewTicket};

use crate::engines::both;
use crate::house::{House, at, digest};

fn host(origin: &str, application: &str) -> ProtectedHost {
    ProtectedHost {
        origin: Origin::parse(origin).expect("an origin"),
        application: ApplicationKey::parse(application).expect("a key"),
    }
}

fn shop() -> ProtectedHost {
    host("https://shop.example", "back-office")
}

/// A ticket of Ada's session whose cookie is `token`.
async fn ticket(house: &House, word: &str, now: Moment) -> NewTicket {
    let user = match house.store.find_session(&digest("token")).await.unwrap() {
        Some(found) => return new(word, &found.session.id, house, now).await,
        None => house.staff("ada@example.com").await,
    };
    house.password(&user, "hash").await;
    let session = house.session(&user, "token", at(0)).await;
    new(word, &session.id, house, now).await
}

async fn new(word: &str, id: &identity::ids::SessionId, house: &House, now: Moment) -> NewTicket {
    let new = NewTicket {
        ticket: digest(word),
        host: shop(),
        browser: digest("browser"),
        session: id.clone(),
        return_to: "/cart".to_owned(),
    };
    house.store.add_host_ticket(&new, now).await.unwrap();
    new
}

both! {
    async fn a_host_belongs_to_one_application_and_every_process_learns_of_it(house) {
        let by = By::operator();
        let seen = house.store.latest_change().await.unwrap();
        house.store.add_protected_host(&shop(), &by, at(1)).await.unwrap();
        let twice = host("https://shop.example", "storefront");
        let said = house.store.add_protected_host(&twice, &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::AlreadyThere))), "{said:?}");
        let nobodys = host("https://other.example", "nowhere");
        let said = house.store.add_protected_host(&nobodys, &by, at(1)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        assert_eq!(house.store.list_protected_hosts().await.unwrap(), [shop()]);
        let gone = house.store.remove_protected_host(&shop().origin, &by, at(2)).await.unwrap();
        assert_eq!(gone, shop());
        assert_eq!(house.store.list_protected_hosts().await.unwrap(), []);
        let said = house.store.remove_protected_host(&shop().origin, &by, at(2)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let Changes::Since(lines) = house.store.list_changes(seen, 10).await.unwrap() else {
            panic!("missed")
        };
        let told: Vec<_> = lines.iter().map(|line| (line.kind, line.id.as_str())).collect();
        assert_eq!(told, [(ChangeKind::Application, "back-office"); 2]);
    }

    async fn a_ticket_works_once_for_its_host_application_and_browser_and_in_its_minute(house) {
        let made = ticket(house, "one", at(1)).await;
        let take = async |host: &ProtectedHost, browser: &str, now| {
            let (browser, token) = (digest(browser), digest("there"));
            house.store.take_host_ticket(&made.ticket, host, &browser, &token, now).await.unwrap()
        };
        let elsewhere = host("https://other.example", "back-office");
        assert_eq!(take(&elsewhere, "browser", at(2)).await, None);
        let door = host("https://shop.example", "storefront");
        assert_eq!(take(&door, "browser", at(2)).await, None);
        assert_eq!(take(&shop(), "other", at(2)).await, None);
        assert_eq!(take(&shop(), "browser", at(61)).await, None);
        assert_eq!(house.store.find_host_session(&digest("there")).await.unwrap(), None);
        assert_eq!(take(&shop(), "browser", at(60)).await.as_deref(), Some("/cart"));
        assert_eq!(take(&shop(), "browser", at(60)).await, None);
        let found = house.store.find_host_session(&digest("there")).await.unwrap();
        assert_eq!(found, Some(HostSession { host: shop(), session: digest("token") }));
    }

    async fn of_many_who_redeem_a_ticket_one_gets_in(house) {
        let made = ticket(house, "one", at(1)).await;
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let (store, ticket) = (house.store.clone(), made.ticket.clone());
                tokio::spawn(async move {
                    let (browser, token) = (digest("browser"), digest(&format!("there {number}")));
                    let host = shop();
                    store.take_host_ticket(&ticket, &host, &browser, &token, at(2)).await.unwrap()
                })
            })
            .collect();
        let mut let_in = 0;
        for task in tasks {
            let_in += usize::from(task.await.unwrap().is_some());
        }
        assert_eq!(let_in, 1);
    }

    async fn s093_a_ticket_of_a_session_that_ended_gives_nothing(house) {
        let made = ticket(house, "one", at(1)).await;
        let (by, token) = (By::operator(), digest("there"));
        house.store.end_session(&made.session, EndReason::Ended, &by, at(2)).await.unwrap();
        let taken = house.store.take_host_ticket(
            &made.ticket, &shop(), &made.browser, &token, at(3),
        ).await;
        assert_eq!(taken.unwrap(), None);
        assert_eq!(house.store.find_host_session(&token).await.unwrap(), None);
    }

    async fn what_stands_at_a_host_goes_with_the_host_and_with_the_session(house) {
        let by = By::operator();
        house.store.add_protected_host(&shop(), &by, at(1)).await.unwrap();
        let take = async |word: &str, token: &str| {
            let made = ticket(house, word, at(1)).await;
            let token = digest(token);
            house.store
                .take_host_ticket(&made.ticket, &shop(), &made.browser, &token, at(2))
                .await
                .unwrap()
                .expect("a way on");
            token
        };
        let first = take("one", "first").await;
        house.store.remove_protected_host(&shop().origin, &by, at(3)).await.unwrap();
        assert_eq!(house.store.find_host_session(&first).await.unwrap(), None);
        let second = take("two", "second").await;
        house.store.prune(at(3600)).await.unwrap();
        assert!(house.store.find_host_session(&second).await.unwrap().is_some());
        // The session, and with it what stood for it; and the ticket.
        let pruned = house.store.prune(at(60 * 24 * 3600)).await.unwrap();
        assert!(pruned.rows >= 3, "{pruned:?}");
        assert_eq!(house.store.find_host_session(&second).await.unwrap(), None);
    }
}
