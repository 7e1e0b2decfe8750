//! Arrivals: who came lately is kept as far as rules read it, can be tried under another policy, and
//! is forgotten after a month.

use identity::federation::policy::{PolicyChange, UnknownUser};
use identity::federation::replay::{Difference, Replayed, replay};
use serde_json::json;
use store::{By, ConnectionChange, Paging};

use crate::engines::both;
use crate::house::{House, at, back_office};
use crate::settle::{arrive, decider};

async fn set_rules(house: &House, fields: serde_json::Value) {
    let id = house.store.list_connections(None).await.unwrap().remove(0).id;
    let set = serde_json::from_value(fields).unwrap();
    let policy = PolicyChange { set, ..PolicyChange::default() };
    let change = ConnectionChange { policy, ..ConnectionChange::default() };
    house.store.change_connection(&id, &change, &By::operator(), at(1)).await.unwrap();
}

both! {
    async fn who_came_is_kept_as_far_as_rules_read_it_and_for_a_month(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        set_rules(house, json!({ "allow_if": "claims.department == 'Sales'" })).await;
        for (subject, department) in [("ada", "Sales"), ("bob", "Legal")] {
            let mut settle = arrive(house, &acme, subject, &format!("{subject}@example.com")).await;
            let claims = json!({ "department": department, "salary": 1 });
            settle.arrival.external.claims = claims.as_object().unwrap().clone();
            house.store.settle(&settle, decider(&settle)).await.unwrap();
        }
        let arrivals = house.store.list_arrivals(&back_office(), &acme.id, 10).await.unwrap();
        assert_eq!(arrivals.len(), 2);
        let outcomes: Vec<_> = arrivals.iter().map(|one| one.outcome.as_str()).collect();
        assert!(outcomes.contains(&"done") && outcomes.contains(&"not_allowed"), "{outcomes:?}");
        let kept = serde_json::to_string(&arrivals[0].kept).unwrap();
        assert!(kept.contains("department") && !kept.contains("salary"), "{kept}");
        let one = house.store.list_arrivals(&back_office(), &acme.id, 1).await.unwrap();
        assert_eq!(one, arrivals[..1]);
        let entry = house.store.find_audit(&arrivals[0].id).await.unwrap().unwrap();
        let said = serde_json::to_string(&entry.detail).unwrap();
        assert!(!said.contains("@example.com"), "beside the entry, not in it: {said}");

        const DAY: u64 = 24 * 3600;
        house.store.prune(at(29 * DAY)).await.unwrap();
        assert_eq!(house.store.list_arrivals(&back_office(), &acme.id, 10).await.unwrap().len(), 2);
        house.store.prune(at(31 * DAY)).await.unwrap();
        assert!(house.store.list_arrivals(&back_office(), &acme.id, 10).await.unwrap().is_empty());
        assert!(house.store.find_audit(&arrivals[0].id).await.unwrap().is_some(), "the entry stays");
    }

    async fn a_token_that_was_brought_is_no_arrival(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let mut settle = arrive(house, &acme, "ada", "ada@example.com").await;
        settle.attempt = None;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(house.store.list_arrivals(&back_office(), &acme.id, 10).await.unwrap().is_empty());
    }

    async fn another_policy_meets_the_groups_that_it_names(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "ada", "ada@example.com").await;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        let name = identity::groups::GroupName::parse("Editors").unwrap();
        let staff = identity::users::UserType::Staff;
        house.store.add_group(staff, &name, &By::operator(), at(1)).await.unwrap();
        let recorded = house.store.list_arrivals(&back_office(), &acme.id, 1).await.unwrap().remove(0);
        let entries = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items.len();
        let tried = house.store.find_known_under(&settle.arrival, |known| {
            if let Some(connection) = &mut known.connection {
                let rules = json!({ "on_sign_in": { "groups": "'Editors'" } });
                connection.policy = serde_json::from_value(rules).unwrap();
            }
        });
        let tried = tried.await.unwrap();
        assert!(tried.in_force.groups.is_empty());
        assert_eq!(tried.changed.groups.len(), 1);
        let Some(Replayed::Said(said)) = replay(&recorded.kept, &settle.arrival, &tried) else {
            panic!("nothing is said")
        };
        assert_eq!(said.difference, Difference::Groups);
        let after = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items.len();
        assert_eq!(after, entries, "nothing is written");
    }
}
