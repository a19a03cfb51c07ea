//! Pages in HTML: the attributes of theirs that are links are moved, all else stays as it is.
//!
//! Source: `atomsToAttrs` and `rewriteResponse` of apimachinery/pkg/util/proxy/transport.go, v1.36. Upstream
//! writes each tag anew, with its attributes in small letters and quotes; here only the links change.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::links::Links;

/// The largest page that is unpacked.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Tags, and which of their attributes are links.
const LINKS: &[(&str, &[&str])] = &[
    ("a", &["href"]),
    ("applet", &["codebase"]),
    ("area", &["href"]),
    ("audio", &["src"]),
    ("base", &["href"]),
    ("blockquote", &["cite"]),
    ("body", &["background"]),
    ("button", &["formaction"]),
    ("command", &["icon"]),
    ("del", &["cite"]),
    ("embed", &["src"]),
    ("form", &["action"]),
    ("frame", &["longdesc", "src"]),
    ("head", &["profile"]),
    ("html", &["manifest"]),
    ("iframe", &["longdesc", "src"]),
    ("img", &["longdesc", "src", "usemap"]),
    ("input", &["src", "usemap", "formaction"]),
    ("ins", &["cite"]),
    ("link", &["href"]),
    ("object", &["classid", "codebase", "data", "usemap"]),
    ("q", &["cite"]),
    ("script", &["src"]),
    ("source", &["src"]),
    ("video", &["poster", "src"]),
];

/// Tags whose content is no HTML.
const RAW: [&str; 9] =
    ["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"];

/// Whether an answer is a page.
pub(super) fn is_one(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.and_then(|value| value.split(';').next()).map(str::trim) == Some("text/html")
}

/// The page with other links, packed as it was. What cannot be unpacked stays.
pub(super) fn rewrite(headers: &HeaderMap, page: Bytes, links: &Links) -> Bytes {
    let encoding = headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes);
    let rewritten = match encoding {
        None | Some(b"") => Some(moved(&page, links)),
        Some(b"gzip") => gzip(&page, links),
        Some(b"deflate") => deflate(&page, links),
        Some(_) => None,
    };
    rewritten.map_or(page, Bytes::from)
}

fn gzip(page: &[u8], links: &Links) -> Option<Vec<u8>> {
    let page = unpacked(GzDecoder::new(page))?;
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(&moved(&page, links)).ok()?;
    encoder.finish().ok()
}

fn deflate(page: &[u8], links: &Links) -> Option<Vec<u8>> {
    let page = unpacked(DeflateDecoder::new(page))?;
    let mut encoder = DeflateEncoder::new(vec![], Compression::best());
    encoder.write_all(&moved(&page, links)).ok()?;
    encoder.finish().ok()
}

fn unpacked(decoder: impl Read) -> Option<Vec<u8>> {
    let mut page = vec![];
    let bytes = decoder.take(BYTES_MAX + 1).read_to_end(&mut page).ok()?;
    (bytes as u64 <= BYTES_MAX).then_some(page)
}

/// A page that is read from its beginning, and what is written of it.
struct Page<'a> {
    rest: &'a [u8],
    written: Vec<u8>,
}

fn moved(page: &[u8], links: &Links) -> Vec<u8> {
    let mut page = Page { rest: page, written: Vec::with_capacity(page.len()) };
    while let Some(start) = page.rest.iter().position(|byte| *byte == b'<') {
        page.copy(start + 1);
        if page.rest.starts_with(b"!--") {
            page.copy_until(b"-->");
        } else if page.rest.first().is_some_and(u8::is_ascii_alphabetic) {
            let name =
                page.copy_while(|byte| !byte.is_ascii_whitespace() && !b"/>".contains(&byte));
            let name = name.to_ascii_lowercase();
            page.tag(&name, links);
            if RAW.iter().any(|raw| raw.as_bytes() == name) {
                page.copy_until(&[b"</", &name[..]].concat());
            }
        }
    }
    page.copy(page.rest.len());
    page.written
}

impl<'a> Page<'a> {
    fn copy(&mut self, bytes: usize) -> &'a [u8] {
        let (copied, rest) = self.rest.split_at(bytes);
        self.written.extend_from_slice(copied);
        self.rest = rest;
        copied
    }

    fn copy_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !wanted(*byte));
        self.copy(end.unwrap_or(self.rest.len()))
    }

    /// Up to and with these bytes, whatever the case of their letters, or to the end.
    fn copy_until(&mut self, end: &[u8]) {
        let found = self.rest.windows(end.len()).position(|found| found.eq_ignore_ascii_case(end));
        self.copy(found.map_or(self.rest.len(), |start| start + end.len()));
    }

    /// The attributes of a tag, to its end.
    fn tag(&mut self, tag: &[u8], links: &Links) {
        let of_tag = LINKS.iter().find(|(name, _)| name.as_bytes() == tag);
        let attributes = of_tag.map_or(&[][..], |(_, attributes)| attributes);
        loop {
            self.copy_while(|byte| byte.is_ascii_whitespace() || byte == b'/');
            match self.rest.first() {
                None => return,
                Some(b'>') => {
                    self.copy(1);
                    return;
                }
                Some(_) => {}
            }
            let name = self.name();
            self.copy_while(|byte| byte.is_ascii_whitespace());
            if self.rest.first() == Some(&b'=') {
                self.copy(1);
                self.copy_while(|byte| byte.is_ascii_whitespace());
                let is_link =
                    attributes.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
                self.value(is_link.then_some(links));
            }
        }
    }

    /// The name of an attribute, which may open with a sign that no other byte of it is.
    fn name(&mut self) -> &'a [u8] {
        let whole = self.rest;
        self.copy(1);
        let rest =
            self.copy_while(|byte| !byte.is_ascii_whitespace() && !b"=>/".contains(&byte)).len();
        &whole[..=rest]
    }

    /// The value of an attribute, in quotes or without.
    fn value(&mut self, links: Option<&Links>) {
        let quote = self.rest.first().copied().filter(|byte| b"\"'".contains(byte));
        if quote.is_some() {
            self.copy(1);
        }
        let is_end = |byte: &u8| match quote {
            Some(quote) => *byte == quote,
            None => byte.is_ascii_whitespace() || *byte == b'>',
        };
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        let link = std::str::from_utf8(value).ok();
        let moved = links.zip(link).and_then(|(links, link)| links.moved(link.trim()));
        self.written.extend_from_slice(moved.as_deref().map_or(value, str::as_bytes));
        self.rest = rest;
        if quote.is_some() && !self.rest.is_empty() {
            self.copy(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::links::tests::links;
    use super::*;

    fn check(page: &str, expected: &str) {
        let rewritten = moved(page.as_bytes(), &links());
        assert_eq!(String::from_utf8_lossy(&rewritten), expected);
    }

    #[test]
    fn links_of_tags_lead_through_the_proxy() {
        check(r#"<a href="/x">x</a>"#, r#"<a href="/api/v1/p/proxy/x">x</a>"#);
        check("<IMG alt=y SRC='/x.png' />", "<IMG alt=y SRC='/api/v1/p/proxy/x.png' />");
        check("<form action=/x>", "<form action=/api/v1/p/proxy/x>");
        check("<script src = \"/x\"></script>", "<script src = \"/api/v1/p/proxy/x\"></script>");
        check("<video poster=/a src=/b>", "<video poster=/api/v1/p/proxy/a src=/api/v1/p/proxy/b>");
    }

    #[test]
    fn all_else_stays() {
        for page in [
            "",
            "a < b",
            "<",
            "<a",
            "<a href",
            "<a href=\"/x",
            "<!-- <a href=\"/x\"> -->",
            "<script>\"<a href='/x'>\"</script>",
            "<p title=\"/x\">",
            "<a href=\"x\">",
            "<a =/x>",
            "<a href='http://example.com/x'>",
        ] {
            let expected = page.replace("<a href=\"/x", "<a href=\"/api/v1/p/proxy/x");
            let is_cut = page == "<a href=\"/x";
            check(page, if is_cut { &expected } else { page });
        }
    }

    #[test]
    fn a_packed_page_is_packed_again() {
        let page = b"<a href=/x>";
        for (encoding, packed) in [("gzip", true), ("deflate", true), ("br", false)] {
            let value = HeaderValue::from_static(encoding);
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, value)]);
            let mut gzip = GzEncoder::new(vec![], Compression::fast());
            let mut deflate = DeflateEncoder::new(vec![], Compression::fast());
            let bytes = match encoding {
                "gzip" => {
                    gzip.write_all(page).unwrap();
                    gzip.finish().unwrap()
                }
                _ => {
                    deflate.write_all(page).unwrap();
                    deflate.finish().unwrap()
                }
            };

            let rewritten = rewrite(&headers, bytes.clone().into(), &links());

            let unpacked = match encoding {
                "gzip" => unpacked(GzDecoder::new(&rewritten[..])),
                _ => unpacked(DeflateDecoder::new(&rewritten[..])),
            };
            let expected: &[u8] = if packed { b"<a href=/api/v1/p/proxy/x>" } else { page };
            assert_eq!(unpacked.unwrap(), expected, "{encoding}");
        }
    }

    #[test]
    fn a_page_says_that_it_is_one() {
        let is_page = |value: &'static str| {
            is_one(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]))
        };

        assert!(is_page("text/html") && is_page("text/html; charset=utf-8"));
        assert!(!is_page("text/plain") && !is_one(&HeaderMap::new()));
    }
}
