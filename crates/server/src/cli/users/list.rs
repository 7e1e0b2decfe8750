//! `vestibule users list`

use clap::Args;
use identity::text::fold;
use identity::users::{Status, UserType};
use serde_json::json;
use store::{Paging, UserFilter};

use super::user_json;
use crate::cli::answer::{more, table};
use crate::cli::{Answer, CommandHouse, Failure};

/// Which users.
#[derive(Debug, Args)]
pub struct ListCommand {
    /// Only this type: customer, staff, merchant or member
    #[arg(long = "type", value_name = "TYPE")]
    user_type: Option<UserType>,
    /// Only this status: active, held, deactivated or deleted
    #[arg(long)]
    status: Option<Status>,
    /// Only addresses that begin so
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on behind this place, which the list before has printed
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

impl ListCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let filter = UserFilter {
            user_type: self.user_type,
            status: self.status,
            search: self.search.as_deref().map(|text| fold(text.trim())),
        };
        let paging = Paging { after: self.after, limit: self.limit };
        let page = house.store.list_users(&filter, &paging).await?;
        let rows: Vec<Vec<String>> = page
            .items
            .iter()
            .map(|user| {
                vec![
                    user.email.to_string(),
                    user.name.full(),
                    user.user_type.to_string(),
                    user.status.to_string(),
                    user.id.to_string(),
                ]
            })
            .collect();
        let text = if rows.is_empty() {
            "There is nobody. Add somebody with: vestibule users add EMAIL".to_owned()
        } else {
            let head = ["ADDRESS", "NAME", "TYPE", "STATUS", "ID"];
            table(&head, &rows) + &more(page.next.as_ref())
        };
        let users: Vec<_> = page.items.iter().map(user_json).collect();
        Ok(Answer::new(text, json!({ "users": users, "next": page.next })))
    }
}
