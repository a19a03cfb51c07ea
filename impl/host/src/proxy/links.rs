//! Links of a page behind the proxy, so that they lead through the proxy again.
//!
//! Source: `rewriteURL` of apimachinery/pkg/util/proxy/transport.go, v1.36.

use apiserver::ProxyCall;
use http::header::{HOST, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

/// Where links lead to.
#[derive(Debug)]
pub(super) struct Links {
    /// What stands before paths.
    prefix: String,
    /// The path that is asked for behind the proxy.
    path: String,
    /// The address behind the proxy.
    source: String,
    /// The address by which the client knows the API server.
    asked: String,
}

impl Links {
    /// Those of a request.
    pub(super) fn of(call: &ProxyCall, parts: &Parts) -> Self {
        let ProxyCall { host, port, path, prefix, .. } = call;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let asked = parts.uri.authority().map(|authority| authority.as_str()).or(header);
        Self {
            prefix: prefix.clone(),
            path: path.clone(),
            source: format!("{host}:{port}"),
            asked: asked.unwrap_or_default().to_owned(),
        }
    }

    /// The path that the client asks for, for `X-Forwarded-Uri`.
    pub(super) fn forwarded_uri(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        join(&self.prefix, path)
    }

    /// Moves the address that an answer leads to.
    pub(super) fn move_location(&self, headers: &mut HeaderMap) {
        let moved = headers.get(LOCATION).and_then(|location| self.moved(location.to_str().ok()?));
        if let Some(location) = moved.and_then(|moved| HeaderValue::from_str(&moved).ok()) {
            headers.insert(LOCATION, location);
        }
    }

    /// A link as it leads through the proxy, if it is one to the same host that is not relative.
    pub(super) fn moved(&self, link: &str) -> Option<String> {
        let (host, rest) = split(link)?;
        let is_here = host.is_none_or(|host| host == self.source || host == self.asked);
        if !is_here || !rest.starts_with('/') {
            return None;
        }
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (path, query) = rest.split_at(end);
        let keeps_host = host.is_some_and(|host| host == self.asked);
        let origin = if keeps_host { &link[..link.len() - rest.len()] } else { "" };
        let path =
            if path.starts_with(&self.prefix) { path.to_owned() } else { join(&self.prefix, path) };
        Some(format!("{origin}{path}{query}"))
    }
}

/// The host of a link, if it has one, and what comes behind. Nothing for links that lead to no host.
fn split(link: &str) -> Option<(Option<&str>, &str)> {
    let behind_scheme = match link.split_once(':') {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
            rest.starts_with("//").then_some(rest)?
        }
        _ => link,
    };
    let Some(rest) = behind_scheme.strip_prefix("//") else { return Some((None, behind_scheme)) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((Some(&rest[..end]), &rest[end..]))
}

/// Two paths as one, without empty segments and dots. A slash at the end stays.
fn join(prefix: &str, path: &str) -> String {
    let mut segments = vec![];
    for segment in prefix.split('/').chain(path.split('/')) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let slash = if path.ends_with('/') { "/" } else { "" };
    format!("/{}{slash}", segments.join("/"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Links of a page that is served at `10.0.0.1:80` and asked for as `api:6443`.
    pub(in crate::proxy) fn links() -> Links {
        let text = str::to_owned;
        let (source, asked) = (text("10.0.0.1:80"), text("api:6443"));
        Links { prefix: text("/api/v1/p/proxy"), path: text("/a/"), source, asked }
    }

    #[test]
    fn links_to_the_same_host_lead_through_the_proxy() {
        for (link, expected) in [
            ("/", "/api/v1/p/proxy/"),
            ("/x/y?z=/#w", "/api/v1/p/proxy/x/y?z=/#w"),
            ("/x/../y/", "/api/v1/p/proxy/y/"),
            ("http://10.0.0.1:80/x", "/api/v1/p/proxy/x"),
            ("//10.0.0.1:80/x", "/api/v1/p/proxy/x"),
            ("https://api:6443/x", "https://api:6443/api/v1/p/proxy/x"),
            ("/api/v1/p/proxy/x", "/api/v1/p/proxy/x"),
        ] {
            assert_eq!(links().moved(link).as_deref(), Some(expected), "{link}");
        }
    }

    #[test]
    fn other_links_stay() {
        for link in ["x", "../x", "", "?a", "#b", "http://example.com/", "mailto:a@b", "//other/x"]
        {
            assert_eq!(links().moved(link), None, "{link}");
        }
    }

    #[test]
    fn a_location_is_moved_too() {
        let mut headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static("/login"))]);

        links().move_location(&mut headers);

        assert_eq!(headers[LOCATION], "/api/v1/p/proxy/login");
        assert_eq!(links().forwarded_uri(), "/api/v1/p/proxy/a/");
    }
}
