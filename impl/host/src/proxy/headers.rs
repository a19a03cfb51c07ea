//! The headers of a request and an answer that are passed on.
//!
//! Source: Go's net/http/httputil/reverseproxy.go, and apimachinery/pkg/util/proxy, v1.36.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, CONNECTION, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::Peer;
use super::links::Links;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// What is between two neighbours and of no interest beyond.
const HOPS: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Whether a request asks for a stream.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    named_in_connection(headers).any(|name| name.to_lowercase().contains("upgrade"))
        && headers.contains_key(UPGRADE)
}

fn named_in_connection(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Removes what is between two neighbours, and what they say is.
pub(super) fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        named_in_connection(headers).filter_map(|name| name.parse().ok()).collect();
    let takes_trailers = headers.get_all(TE).iter().any(|value| value == "trailers");
    for name in named.iter().chain(&HOPS) {
        headers.remove(name);
    }
    // Of all that neighbours tell each other, Go lets this pass.
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes what would let pages of other origins read answers of the API server.
pub(super) fn without_cross_origin(headers: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN,
    ] {
        headers.remove(name);
    }
}

/// Says for whom and for which path the request is.
pub(super) fn forwarded(headers: &mut HeaderMap, parts: &Parts, links: &Links) {
    add_forwarded_for(headers, parts);
    if let Ok(uri) = HeaderValue::from_str(&links.forwarded_uri()) {
        headers.insert(FORWARDED_URI, uri);
    }
}

/// Adds the client's address to those before it.
pub(super) fn add_forwarded_for(headers: &mut HeaderMap, parts: &Parts) {
    let Some(Peer(peer)) = parts.extensions.get::<Peer>() else { return };
    let before = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let mut all: Vec<String> = before.map(str::to_owned).collect();
    all.push(peer.ip().to_string());
    if let Ok(all) = HeaderValue::from_str(&all.join(", ")) {
        headers.insert(FORWARDED_FOR, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        list.iter().map(pair).collect()
    }

    #[test]
    fn what_neighbours_tell_each_other_goes_no_further() {
        let mut passed = headers(&[
            ("connection", "close, x-own"),
            ("keep-alive", "1"),
            ("te", "gzip"),
            ("x-own", "1"),
            ("accept", "*/*"),
        ]);

        without_hops(&mut passed);

        assert_eq!(passed, headers(&[("accept", "*/*")]));
    }

    #[test]
    fn who_takes_trailers_says_so_to_all() {
        let mut passed = headers(&[("te", "trailers")]);

        without_hops(&mut passed);

        assert_eq!(passed, headers(&[("te", "trailers")]));
    }

    #[test]
    fn a_stream_is_asked_for_by_two_headers() {
        assert!(is_upgrade(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "x")])));
        assert!(!is_upgrade(&headers(&[("upgrade", "x")])));
        assert!(!is_upgrade(&headers(&[("connection", "Upgrade")])));
    }

    #[test]
    fn the_client_comes_after_those_for_whom_it_asks() {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.extensions.insert(Peer(([10, 0, 0, 2], 1).into()));
        let mut passed = headers(&[("x-forwarded-for", "10.0.0.1")]);

        add_forwarded_for(&mut passed, &parts);

        assert_eq!(passed, headers(&[("x-forwarded-for", "10.0.0.1, 10.0.0.2")]));
    }
}
