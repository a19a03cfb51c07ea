//! A connection that is kept, for one request after the other.

use std::fmt;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use super::connection::{Connection, PATIENCE, Sender};
use super::kubeconfig::{CannotRun, Target};

/// A connection to an API server.
pub struct Session {
    connection: Connection,
    sender: Sender,
    /// How long the server may be silent.
    patience: Duration,
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
        Ok(Self { connection, sender, patience: PATIENCE })
    }

    /// What comes in time; an error after a silence that is too long.
    pub async fn in_time<T>(
        &self,
        what: &str,
        coming: impl Future<Output = T>,
    ) -> Result<T, CannotRun> {
        let patience = self.patience;
        tokio::time::timeout(patience, coming)
            .await
            .map_err(|_| CannotRun(format!("{what}: nothing came for {patience:?}")))
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
        let body = self.in_time(path, body.collect()).await?;
        let body = body.map_err(|error| CannotRun(error.to_string()))?;
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
        let answer = self.sender.send_request(request);
        let response = self.in_time(path, answer).await?.map_err(|error| cannot(&error))?;
        Ok((response.status().as_u16(), response.into_body()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers who connects first, and nobody else.
    async fn answer_once(listener: TcpListener) {
        let (mut first, _) = listener.accept().await.expect("somebody comes");
        let asked = first.read(&mut [0; 1024]).await.expect("it asks");
        assert_ne!(asked, 0, "it asks");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        first.write_all(answer).await.expect("it listens");
        let _held = listener.accept().await;
        std::future::pending().await
    }

    #[tokio::test]
    async fn a_server_that_falls_silent_is_not_waited_for_forever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(answer_once(listener));
        let mut session = Session::open(&Target { server, ..Target::default() }).await.unwrap();
        session.patience = Duration::from_millis(20);

        let error = session.send(Method::GET, "/livez", None).await.unwrap_err();

        assert_eq!(error.to_string(), "/livez: nothing came for 20ms");
    }
}
