//! A connection that is kept, for one request after the other.

use std::fmt;

use http::Method;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use super::connection::{Connection, Sender};
use super::kubeconfig::{CannotRun, Target};

/// A connection to an API server.
pub struct Session {
    connection: Connection,
    sender: Sender,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects.
    pub async fn open(target: &Target) -> Result<Self, CannotRun> {
        let connection = Connection::open(target).await?;
        let sender = connection.connect().await.map_err(CannotRun)?;
        Ok(Self { connection, sender })
    }

    /// Sends a request, with a body and its media type if there is one. The code of the answer, and its
    /// body.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<(u16, Bytes), CannotRun> {
        let (code, body) = self.begin(method, path, body).await?;
        let body = body.collect().await.map_err(|error| CannotRun(error.to_string()))?;
        Ok((code, body.to_bytes()))
    }

    /// The same, and leaves the body to be read.
    pub async fn begin(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<(u16, Incoming), CannotRun> {
        let cannot = |error: &dyn fmt::Display| CannotRun(format!("{path}: {error}"));
        let request =
            self.connection.request(method, path, body).map_err(|error| cannot(&error))?;
        self.sender.ready().await.map_err(|error| cannot(&error))?;
        let response = self.sender.send_request(request).await.map_err(|error| cannot(&error))?;
        Ok((response.status().as_u16(), response.into_body()))
    }
}
