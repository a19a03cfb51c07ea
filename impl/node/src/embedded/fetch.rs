//! A GET to a container, with or without TLS. Nobody asks for its certificate's authority.
//!
//! Source: `NewProbeRequest` of pkg/probe/http/request.go and `New` of pkg/probe/http/http.go (v1.36).

use std::fmt;
use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::probe::connect;

/// An answer's first line and headers fit in this; the body does not matter.
pub(super) const ANSWER_MAX: usize = 10 * 1024;

/// Where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Url<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: &'a str,
    pub(super) https: bool,
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(formatter, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Sends a GET: the code of the answer, and the answer.
pub(super) async fn fetch(
    url: Url<'_>,
    (headers, user_agent): (&[(String, String)], &str),
) -> Result<(u16, String), String> {
    let refused = |why: String| format!("Get \"{url}\": {why}");
    let request = request(url, headers, user_agent);
    let stream = connect(url.host, url.port).await.map_err(refused)?;
    let answer = if url.https {
        match host::tls::connect_to_anybody(url.host, stream).await {
            Ok(stream) => ask(stream, &request).await,
            Err(error) => Err(error),
        }
    } else {
        ask(stream, &request).await
    };
    let answer = answer.map_err(|error| refused(error.to_string()))?;
    let code = answer.split_whitespace().nth(1).and_then(|code| code.parse::<u16>().ok());
    let code = code.ok_or_else(|| refused("malformed HTTP response".to_owned()))?;
    Ok((code, answer))
}

fn request(url: Url<'_>, headers: &[(String, String)], user_agent: &str) -> String {
    let mut request = format!("GET {} HTTP/1.1\r\nConnection: close\r\n", url.path);
    let defaults = [
        ("Host", format!("{}:{}", url.host, url.port)),
        ("User-Agent", user_agent.to_owned()),
        ("Accept", "*/*".to_owned()),
    ];
    for (name, value) in defaults {
        if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = vec![];
    let read = stream.take(ANSWER_MAX as u64).read_to_end(&mut answer).await;
    match read {
        // Many servers end TLS without saying so.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
        Ok(_) | Err(_) => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use host::tls::{Authority, Clients, server_config};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Answers one caller by TLS, with a certificate that nobody knows and that is for somebody else.
    async fn serve(listener: TcpListener) -> String {
        let authority = Authority::create().unwrap();
        let identity = authority.server(&["elsewhere"], &[]).unwrap();
        let clients = Clients::of(&authority.identity().certificate).unwrap();
        let config = server_config(&clients, &identity).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let mut asked = vec![0; 1024];
        let length = stream.read(&mut asked).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    }

    #[tokio::test]
    async fn nobody_asks_who_has_signed_the_certificate_of_a_container() {
        let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = Url { host: "127.0.0.1", port, path: "/healthz?a=b", https: true };
        let headers = [("X-A".to_owned(), "1".to_owned())];

        let (asked, answer) = tokio::join!(serve(listener), fetch(url, (&headers, "agent")));

        let expected = format!(
            "GET /healthz?a=b HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:{port}\r\n\
             User-Agent: agent\r\nAccept: */*\r\nX-A: 1\r\n\r\n"
        );
        assert_eq!((asked, answer.unwrap().0), (expected, 204));
    }

    #[tokio::test]
    async fn a_container_that_speaks_no_tls_does_not_answer_over_https() {
        let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = Url { host: "127.0.0.1", port, path: "/", https: true };
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        };

        let ((), answer) = tokio::join!(serve, fetch(url, (&[], "agent")));

        let why = answer.unwrap_err();
        assert!(why.starts_with(&format!("Get \"https://127.0.0.1:{port}/\": ")), "{why}");
    }
}
