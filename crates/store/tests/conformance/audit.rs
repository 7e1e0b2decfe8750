//! The audit: every entry found again by its code, the latest first.

use identity::ids::AuditId;
use serde_json::{Map, json};
use store::{AuditNote, By, Conflict, Error, Happened, Paging};

use crate::engines::both;
use crate::house::{at, back_office};

both! {
    async fn a_refusal_is_found_by_its_code(house) {
        let user = house.staff("ada@example.com").await;
        let mut detail = Map::new();
        detail.insert("claims".to_owned(), json!({"email": "a…@example.com"}));
        let note = AuditNote {
            request_id: Some("request".to_owned()),
            address: Some("192.0.2.1/32".to_owned()),
            user_agent: Some("test".to_owned()),
            detail,
        };
        let refused = Happened::refused("sign_in.provider", "token_invalid")
            .about(&user.id)
            .at(&back_office())
            .coded("CODE")
            .with("cause", "expired");
        let by = By::visitor(note);
        house.store.add_refusal(&refused, &by, at(1)).await.unwrap();
        let entry = house.store.find_audit_by_support_code("CODE").await.unwrap().unwrap();
        assert_eq!((entry.at, entry.actor.as_str()), (at(1), "visitor"));
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("sign_in.provider", "token_invalid"));
        assert_eq!(entry.user, Some(user.id));
        assert_eq!(entry.application, Some(back_office()));
        assert_eq!(entry.request_id.as_deref(), Some("request"));
        assert_eq!(entry.address.as_deref(), Some("192.0.2.1/32"));
        assert_eq!(entry.detail["cause"], "expired");
        assert_eq!(entry.detail["claims"]["email"], "a…@example.com");
        assert_eq!(house.store.find_audit_by_support_code("NONE").await.unwrap(), None);
        assert_eq!(house.store.find_audit(&entry.id).await.unwrap(), Some(entry));
        assert_eq!(house.store.find_audit(&AuditId::from_stored("none")).await.unwrap(), None);
        let said = house.store.add_refusal(&refused, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::KeyTaken))), "{said:?}");
    }

    async fn what_was_done_in_somebodys_name_is_noted(house) {
        let user = house.staff("ada@example.com").await;
        let happened = Happened::done("token.exchange").about(&user.id).with("act", json!({ "sub": "shop" }));
        house.store.add_audit(&happened, &By::system(), at(1)).await.unwrap();
        let page = house.store.list_audit(Some(&user.id), &Paging::first(1)).await.unwrap();
        assert_eq!((page.items[0].action.as_str(), page.items[0].outcome.as_str()), ("token.exchange", "done"));
        assert_eq!(page.items[0].detail["act"]["sub"], "shop");
    }

    async fn entries_come_the_latest_first_in_pages(house) {
        let user = house.staff("ada@example.com").await;
        for second in 1..5 {
            let happened = Happened::done("test").with("second", second);
            house.store.add_refusal(&happened, &By::system(), at(second)).await.unwrap();
        }
        let page = house.store.list_audit(None, &Paging::first(3)).await.unwrap();
        let seconds: Vec<_> = page.items.iter().map(|entry| entry.detail["second"].clone()).collect();
        assert_eq!(seconds, [json!(4), json!(3), json!(2)]);
        let rest = Paging::after(page.next.unwrap(), 3);
        let page = house.store.list_audit(None, &rest).await.unwrap();
        assert_eq!((page.items.len(), page.next), (2, None));
        let own = house.store.list_audit(Some(&user.id), &Paging::first(3)).await.unwrap();
        assert_eq!(own.items.len(), 1);
        assert_eq!(own.items[0].action, "user.add");
    }
}
