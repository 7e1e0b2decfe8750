//! Policies: what holds for a connection is what was set for it, else for its door; and whoever is
//! held is there and is not signed in.

use identity::federation::policy::{Link, PolicyChange, PolicyField, PolicyFields, UnknownUser};
use identity::federation::refusal::Refusal;
use identity::ids::MailId;
use identity::users::{Birth, Status, StatusChange, StatusRefusal};
use store::{
    ApplicationChange, By, Conflict, ConnectionChange, Error, NewMail, Paging, Settled,
    StatusOutcome, StatusWish, UserFilter,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest};
use crate::settle::{arrive, decider};

async fn set_defaults(house: &House, defaults: PolicyChange) -> store::Result<()> {
    let change = ApplicationChange { defaults, ..ApplicationChange::default() };
    let by = By::operator();
    house.store.change_application(&back_office(), &change, &by, at(2)).await.map(|_| ())
}

async fn users(house: &House) -> Vec<identity::users::User> {
    let all = UserFilter::default();
    house.store.list_users(&all, &Paging::first(100)).await.unwrap().items
}

both! {
    async fn whoever_is_held_is_there_once_and_not_signed_in(house) {
        let acme = house.provider("acme", UnknownUser::Hold, &[]).await;
        for subject in ["first", "again"] {
            let mut settle = arrive(house, &acme, subject, "ada@example.com").await;
            settle.arrival.external.subject = "ada".to_owned();
            let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
            let Settled::Refused { reason: Refusal::UserHeld, support_code } = done else {
                panic!("{done:?}")
            };
            let held = users(house).await;
            assert_eq!(held.len(), 1);
            assert_eq!((held[0].status, held[0].birth), (Status::Held, Birth::SingleSignOn));
            assert_eq!(house.store.find_session(&digest(subject)).await.unwrap(), None);
            assert_eq!(house.store.list_identities_of(&held[0].id).await.unwrap().len(), 1);
            let entry =
                house.store.find_audit_by_support_code(&support_code).await.unwrap().unwrap();
            assert_eq!((entry.outcome.as_str(), &entry.user), ("user_held", &Some(held[0].id.clone())));
        }
        let user = users(house).await.remove(0);
        let approve = StatusChange::Approve;
        house.store.change_user_status(&user.id, approve, &By::operator(), at(11)).await.unwrap();
        let mut settle = arrive(house, &acme, "third", "ada@example.com").await;
        settle.arrival.external.subject = "ada".to_owned();
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::SignedIn { created: false, .. }), "{done:?}");
    }

    async fn only_who_waits_is_approved_or_rejected_and_the_mail_goes_with_it(house) {
        let acme = house.provider("acme", UnknownUser::Hold, &[]).await;
        let by = By::operator();
        let mail = |id: &str| NewMail { id: MailId::from_stored(id), sealed: "sealed".to_owned() };
        let wish = |change, id| StatusWish { change, mail: Some(mail(id)) };
        for (subject, change, status) in [
            ("a", StatusChange::Approve, Status::Active),
            ("b", StatusChange::Reject, Status::Deactivated),
        ] {
            let address = format!("{subject}@example.com");
            let settle = arrive(house, &acme, subject, &address).await;
            house.store.settle(&settle, decider(&settle)).await.unwrap();
            let user = users(house).await.into_iter().find(|one| one.status == Status::Held).unwrap();
            let waiting = house.store.count_mails().await.unwrap().waiting;
            let done =
                house.store.change_user_status(&user.id, wish(change, subject), &by, at(3)).await;
            let StatusOutcome::Changed(changed) = done.unwrap() else { panic!("refused") };
            assert_eq!(changed.status, status);
            assert_eq!(house.store.count_mails().await.unwrap().waiting, waiting + 1);
            let again =
                house.store.change_user_status(&user.id, wish(change, "again"), &by, at(4)).await;
            let again = again.unwrap();
            assert!(matches!(again, StatusOutcome::Refused(StatusRefusal::NotHeld)), "{again:?}");
            assert_eq!(house.store.count_mails().await.unwrap().waiting, waiting + 1, "one mail");
        }
    }

    async fn what_is_set_for_the_door_holds_until_the_connection_says_otherwise(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let id = house.store.list_connections(None).await.unwrap().remove(0).id;
        let unset = PolicyChange { unset: vec![PolicyField::UnknownUser], ..Default::default() };
        let change = ConnectionChange { policy: unset, ..ConnectionChange::default() };
        let by = By::operator();
        house.store.change_connection(&id, &change, &by, at(2)).await.unwrap();
        let outcome = async |subject: &str| {
            let settle = arrive(house, &acme, subject, &format!("{subject}@example.com")).await;
            match house.store.settle(&settle, decider(&settle)).await.unwrap() {
                Settled::SignedIn { .. } => "in",
                Settled::AskedForProof { .. } => "asked for proof",
                Settled::Refused { reason, .. } => reason.code(),
            }
        };
        assert_eq!(outcome("a").await, "unknown_user", "as it is built in");
        set_defaults(house, PolicyFields::from(UnknownUser::Hold).into()).await.unwrap();
        assert_eq!(outcome("b").await, "user_held", "as it is set for the door");
        let saved = house.back_office().await.defaults;
        assert_eq!(saved, PolicyFields::from(UnknownUser::Hold));
        let own = PolicyFields::from(UnknownUser::Create).into();
        let change = ConnectionChange { policy: own, ..ConnectionChange::default() };
        house.store.change_connection(&id, &change, &by, at(3)).await.unwrap();
        assert_eq!(outcome("c").await, "in", "as it is set for the connection");
    }

    async fn a_change_of_a_doors_defaults_is_noted_and_keeps_the_rest(house) {
        let link = PolicyFields { link: Some(Link::Never), ..PolicyFields::default() };
        set_defaults(house, link.clone().into()).await.unwrap();
        set_defaults(house, PolicyFields::from(UnknownUser::Hold).into()).await.unwrap();
        let both = PolicyFields { unknown_user: Some(UnknownUser::Hold), ..link };
        assert_eq!(house.back_office().await.defaults, both);
        let noted = house.store.list_audit(None, &Paging::first(10)).await.unwrap().items;
        let said = serde_json::to_value(&both).unwrap();
        let tells = |entry: &store::AuditEntry| {
            entry.action == "application.change" && entry.detail["defaults"] == said
        };
        assert!(noted.iter().any(tells), "{noted:?}");
    }

    async fn no_default_of_a_door_makes_administrators(house) {
        let administrators = house.administrators().await.id;
        let groups = PolicyFields { default_groups: Some(vec![administrators]), ..Default::default() };
        let said = set_defaults(house, groups.into()).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::BuiltIn))), "{said:?}");
        assert_eq!(house.back_office().await.defaults, PolicyFields::default());
    }
}
