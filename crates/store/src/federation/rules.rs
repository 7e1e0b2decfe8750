//! Groups and attributes that follow what a provider says: what rules look at, and what they change.

use std::collections::BTreeMap;

use identity::federation::mapping::{Changes, Membership};
use identity::federation::policy::Connection;
use identity::groups::Group;
use identity::ids::{GroupId, UserId};
use identity::users::{Status, User, UserType};

use crate::changes::ChangeKind;
use crate::db::Tx;
use crate::error::{Error, Fault};
use crate::federation::settle::{Settle, now_of};
use crate::groups::{Grant, GroupRow, group_columns};
use crate::value::{Value, args};

/// How many groups one statement looks for.
const AT_ONCE: usize = 100;

/// Groups by a hundred keys.
const NAMED: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM groups g WHERE g.user_type = $1 AND g.name_key IN (\
     $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, \
     $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, \
     $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, \
     $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, \
     $83, $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, \
     $99, $100, $101)"
);

#[derive(sqlx::FromRow)]
struct MembershipRow {
    id: String,
    name: String,
    granted_by: String,
}

impl Tx {
    /// The groups of a user, and which of them this connection gave them.
    pub(super) async fn memberships(
        &mut self,
        user: &UserId,
        connection: &Connection,
    ) -> Result<Vec<Membership>, Fault> {
        const SQL: &str = "SELECT g.id, g.name, m.granted_by FROM user_groups m \
             JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1";
        let here = Grant::of(connection).text();
        let rows: Vec<MembershipRow> = self.all(SQL, args![user]).await?;
        let mut memberships: BTreeMap<String, Membership> = BTreeMap::new();
        for row in rows {
            let group = GroupId::from_stored(row.id.clone());
            let membership = Membership { group, name: row.name, granted_here: false };
            let membership = memberships.entry(row.id).or_insert(membership);
            membership.granted_here |= row.granted_by == here;
        }
        Ok(memberships.into_values().collect())
    }

    /// Those that there are of the groups with these keys.
    pub(super) async fn groups_named(
        &mut self,
        user_type: UserType,
        keys: &[String],
    ) -> Result<Vec<Group>, Fault> {
        let mut groups = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            let mut values: Vec<Value> = args![user_type];
            // A statement has as many places as it has; what is over finds nothing.
            let padded = keys.iter().map(String::as_str).chain(std::iter::repeat(""));
            values.extend(padded.take(AT_ONCE).map(Value::from));
            let rows: Vec<GroupRow> = self.all(NAMED, values).await?;
            for row in rows {
                groups.push(row.read()?);
            }
        }
        Ok(groups)
    }

    /// Changes what the rules of a policy say about somebody who signs in; the user as they are
    /// afterwards.
    pub(super) async fn change_by_rules(
        &mut self,
        mut user: User,
        changes: &Changes,
        connection: Option<&Connection>,
        settle: &Settle,
    ) -> Result<User, Fault> {
        if changes.is_empty() {
            return Ok(user);
        }
        let connection = connection.ok_or_else(|| {
            Fault::Final(Error::Broken("rules of a connection that is not there".to_owned()))
        })?;
        if let Some(name) = &changes.name {
            user.name.clone_from(name);
        }
        user.locale = changes.locale.clone().or(user.locale);
        if changes.approved {
            user.status = Status::Active;
        }
        const PROFILE: &str = "UPDATE users SET given_name = $2, family_name = $3, locale = $4, \
             status = $5 WHERE id = $1";
        let values =
            args![&user.id, &user.name.given, &user.name.family, &user.locale, user.status];
        self.run(PROFILE, values).await?;
        if let Some(email) = &changes.email {
            self.follow_address(&mut user, email, settle).await?;
        }
        let grant = Grant::of(connection);
        for group in &changes.revoked {
            const REVOKE: &str = "DELETE FROM user_groups WHERE user_id = $1 AND group_id = $2 \
                 AND granted_by = $3";
            self.run(REVOKE, args![&user.id, group, grant.text()]).await?;
        }
        for group in &changes.granted {
            self.grant_if_there(group, &user, &grant, now_of(settle)).await?;
        }
        self.changed(&[(ChangeKind::User, user.id.as_str())], now_of(settle)).await?;
        Ok(user)
    }
}
