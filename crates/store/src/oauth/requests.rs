//! Authorization requests that wait: pushed by a client, or until somebody has signed in.

use std::time::Duration;

use identity::ids::ClientId;
use identity::oauth::parameters::Parameters;
use identity::secret::Digest;
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, transact};
use crate::error::{Fault, Result};
use crate::row::{json, to_json};
use crate::value::args;

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Whose it is.
    pub client: ClientId,
    /// As it came.
    pub parameters: Parameters,
    /// When it came, or was answered last: a sign-in after that was made for it.
    pub begun_at: Moment,
}

#[derive(sqlx::FromRow)]
struct RequestRow {
    client_id: String,
    parameters: String,
    begun_at: i64,
}

impl RequestRow {
    fn read(self) -> std::result::Result<WaitingRequest, Fault> {
        Ok(WaitingRequest {
            client: ClientId::from_stored(self.client_id),
            parameters: json(&self.parameters)?,
            begun_at: Moment::from_micros(self.begun_at),
        })
    }
}

impl Store {
    /// Keeps a request for `life`.
    pub async fn add_authorization_request(
        &self,
        name: &Digest,
        request: &WaitingRequest,
        life: Duration,
    ) -> Result<()> {
        const SQL: &str = "INSERT INTO authorization_requests (digest, client_id, parameters, \
                           begun_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
        let parameters = to_json(&request.parameters)?;
        transact!(self.db, Mode::Plain, |tx| {
            let ends = request.begun_at.plus(life);
            let values = args![name, &request.client, &parameters, request.begun_at, ends];
            tx.run(SQL, values).await.map(|_| ())
        })
    }

    /// The request, unless it has ended.
    pub async fn find_authorization_request(
        &self,
        name: &Digest,
        now: Moment,
    ) -> Result<Option<WaitingRequest>> {
        const SQL: &str = "SELECT client_id, parameters, begun_at FROM authorization_requests \
                           WHERE digest = $1 AND expires_at > $2 AND taken_at IS NULL";
        let row: Option<RequestRow> = self.db.opt(SQL, args![name, now]).await?;
        Ok(row.map(RequestRow::read).transpose()?)
    }

    /// It was answered at that moment, and is from now on as if it had come then: a sign-in that
    /// was made for the answer is older than what may be asked next.
    pub async fn change_authorization_request(&self, name: &Digest, now: Moment) -> Result<()> {
        const SQL: &str = "UPDATE authorization_requests SET begun_at = $2 WHERE digest = $1";
        transact!(self.db, Mode::Plain, |tx| tx.run(SQL, args![name, now]).await.map(|_| ()))
    }

    /// The request, once: a pushed one is used up by its first use (RFC 9126 section 7.3).
    pub async fn take_authorization_request(
        &self,
        name: &Digest,
        client: &ClientId,
        now: Moment,
    ) -> Result<Option<WaitingRequest>> {
        const SQL: &str = "UPDATE authorization_requests SET taken_at = $3 WHERE digest = $1 \
                           AND client_id = $2 AND taken_at IS NULL AND expires_at > $3 \
                           RETURNING client_id, parameters, begun_at";
        let row: Option<RequestRow> = self.db.write_opt(SQL, args![name, client, now]).await?;
        Ok(row.map(RequestRow::read).transpose()?)
    }
}
