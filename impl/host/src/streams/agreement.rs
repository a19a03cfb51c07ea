//! What a client and this server speak once their connection has become a stream.
//!
//! Source: streaming/pkg/httpstream/httpstream.go (`Handshake`), v1.36, for SPDY; RFC 6455 for WebSockets.

use api::{Reason, Status};
use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::spdy;
use crate::transport::{Body, BoxError};

/// The subprotocols of a SPDY connection.
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// An agreement.
pub(super) struct Agreed {
    /// The answer that seals it.
    pub(super) answer: Response<Body>,
    /// The connection, once it is sealed.
    pub(super) upgrade: OnUpgrade,
    /// Whether SPDY is spoken, and not a WebSocket's messages.
    pub(super) is_spdy: bool,
    /// The subprotocol; empty if none was asked for.
    pub(super) protocol: &'static str,
}

fn header<'a>(parts: &'a Parts, name: &HeaderName) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a client wants to speak SPDY.
pub(super) fn is_spdy(parts: &Parts) -> bool {
    header(parts, &UPGRADE).eq_ignore_ascii_case(spdy::PROTOCOL)
}

/// Whether a client wants to read a WebSocket's messages.
pub(super) fn is_web_socket(parts: &Parts) -> bool {
    header(parts, &UPGRADE).eq_ignore_ascii_case("websocket")
}

/// Agrees with a client on one of these subprotocols; an empty one is for who asks for none.
pub(super) fn agree(parts: &mut Parts, offered: &[&'static str]) -> Result<Agreed, Status> {
    let is_spdy = is_spdy(parts);
    if !is_spdy && !is_web_socket(parts) {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let name = if is_spdy { STREAM_PROTOCOL } else { SEC_WEBSOCKET_PROTOCOL };
    let asked = parts.headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
    let mut asked: Vec<&str> = asked.flat_map(|value| value.split(',')).map(str::trim).collect();
    if asked.is_empty() {
        asked.push("");
    }
    let agreed = asked.iter().find_map(|asked| offered.iter().find(|known| *known == asked));
    let protocol = *agreed.ok_or_else(|| no_agreement(&asked, offered))?;
    let mut answer = Response::new(nothing());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if !protocol.is_empty() {
        headers.insert(name, HeaderValue::from_static(protocol));
    }
    if is_spdy {
        headers.insert(UPGRADE, HeaderValue::from_static(spdy::PROTOCOL));
    } else {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let accept = derive_accept_key(header(parts, &SEC_WEBSOCKET_KEY).as_bytes());
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
    }
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| Status::bad_request("this connection cannot be upgraded"))?;
    Ok(Agreed { answer, upgrade, is_spdy, protocol })
}

fn nothing() -> Body {
    Empty::<Bytes>::new().map_err(|never| -> BoxError { match never {} }).boxed_unsync()
}

fn no_agreement(asked: &[&str], offered: &[&str]) -> Status {
    let quoted = |list: &[&str]| {
        let named = list.iter().filter(|protocol| !protocol.is_empty());
        named.map(|protocol| format!("{protocol:?}")).collect::<Vec<_>>().join(", ")
    };
    let (asked, offered) = (quoted(asked), quoted(offered));
    let why = format!(
        "unable to upgrade: unable to negotiate protocol: client supports [{asked}], server accepts [{offered}]"
    );
    Status::new(Reason::Forbidden, why)
}
