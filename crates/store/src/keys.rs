//! The keys that encrypt fields at rest, wrapped by the master key that is not in the database.

use identity::ids::DataKeyId;
use identity::time::Moment;

use crate::Store;
use crate::changes::ChangeKind;
use crate::db::{Mode, transact};
use crate::error::{Conflict, Meaning, Result};
use crate::value::args;

impl Store {
    /// Adds a wrapped key; the latest one seals, all of them open. `Conflict(KeyTaken)` when the
    /// id is there.
    pub async fn add_data_key(&self, id: &DataKeyId, wrapped: &str, now: Moment) -> Result<()> {
        const SQL: &str = "INSERT INTO data_keys (id, wrapped, created_at) VALUES ($1, $2, $3)";
        transact!(self.db, Mode::Plain, |tx| {
            tx.run(SQL, args![id, wrapped, now]).await.on_unique(Conflict::KeyTaken)?;
            tx.changed(&[(ChangeKind::Keys, id.as_str())], now).await
        })
    }

    /// Adds the first wrapped key of a new house; false when there is a key already. Of any number
    /// of processes at the same moment one gets true, and the others see its key from then on.
    pub async fn add_first_data_key(
        &self,
        id: &DataKeyId,
        wrapped: &str,
        now: Moment,
    ) -> Result<bool> {
        const SQL: &str = "INSERT INTO data_keys (id, wrapped, created_at) SELECT $1, $2, $3 \
                           WHERE NOT EXISTS (SELECT 1 FROM data_keys)";
        transact!(self.db, Mode::Plain, |tx| {
            // There is no row to lock yet, so the one that every change passes by stands for it.
            tx.run("UPDATE change_counter SET seq = seq WHERE id = 1", args![]).await?;
            let added = tx.run(SQL, args![id, wrapped, now]).await? > 0;
            if added {
                tx.changed(&[(ChangeKind::Keys, id.as_str())], now).await?;
            }
            Ok(added)
        })
    }

    /// Every wrapped key, the oldest first.
    pub async fn list_data_keys(&self) -> Result<Vec<(DataKeyId, String)>> {
        const SQL: &str = "SELECT id, wrapped FROM data_keys ORDER BY id";
        let rows: Vec<(String, String)> = self.db.all(SQL, args![]).await?;
        Ok(rows.into_iter().map(|(id, wrapped)| (DataKeyId::from_stored(id), wrapped)).collect())
    }
}
