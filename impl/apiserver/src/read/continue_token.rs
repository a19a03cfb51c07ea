//! Where a list goes on: opaque to clients, and upstream's all the same.
//!
//! Source: apiserver/pkg/storage/continue.go, v1.36.

use api::Status;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use store::{Bytes, Revision};

const VERSION: &str = "meta.k8s.io/v1";

/// The revision of a list that goes on with what is there when it is asked for.
const NEWEST: i64 = -1;

/// A token as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "v", default)]
    version: String,
    #[serde(rename = "rv", default)]
    revision: i64,
    #[serde(default)]
    start: String,
}

/// A place in a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContinueToken {
    /// Of the list; `None` for what is there when it is asked for, whatever there was before.
    pub(super) revision: Option<Revision>,
    /// The first key that may be listed, behind what all keys of the list begin with.
    start: String,
}

impl ContinueToken {
    /// The place behind a key.
    pub(super) fn behind(last: &[u8], prefix: &[u8], revision: Revision) -> Self {
        let last = String::from_utf8_lossy(last.strip_prefix(prefix).unwrap_or(last));
        Self { revision: Some(revision), start: format!("{last}\0") }
    }

    /// The same place in what is there then.
    pub(super) fn in_newest(self) -> Self {
        Self { revision: None, ..self }
    }

    /// The first key that may be listed.
    pub(super) fn key(&self, prefix: &[u8]) -> Bytes {
        let start = self.start.strip_prefix('/').unwrap_or(&self.start);
        [prefix, start.as_bytes()].concat().as_slice().into()
    }

    /// Reads what a client sends back.
    pub(super) fn read(text: &str) -> Result<Self, Status> {
        let refusal = |why: &str| {
            let message = format!("invalid continue token: continue key is not valid{why}");
            Status::bad_request(message)
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let written = bytes.and_then(|bytes| serde_json::from_slice::<Written>(&bytes).ok());
        let written = written.ok_or_else(|| refusal(": it cannot be decoded"))?;
        if written.version != VERSION {
            let why = ": server does not recognize this encoded version";
            return Err(refusal(&format!("{why} {}", written.version)));
        }
        if written.start.is_empty() {
            return Err(refusal(&format!(": encoded start key empty (version {VERSION})")));
        }
        let revision = match written.revision {
            0 => {
                let why = ": incorrect encoded start resourceVersion";
                return Err(refusal(&format!("{why} (version {VERSION})")));
            }
            revision => u64::try_from(revision).ok().map(Revision),
        };
        if !is_clean(&written.start) {
            return Err(refusal(&format!(": {}", written.start)));
        }
        Ok(Self { revision, start: written.start })
    }

    /// As clients get it.
    pub(super) fn write(&self) -> String {
        let revision = self.revision.map_or(NEWEST, |revision| {
            i64::try_from(revision.0).expect("revisions are counted up from 1")
        });
        let written = Written { version: VERSION.to_owned(), revision, start: self.start.clone() };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).expect("a token is JSON"))
    }
}

/// Whether a start leads nowhere but further down.
fn is_clean(start: &str) -> bool {
    let segments = start.strip_prefix('/').unwrap_or(start).split('/');
    segments.into_iter().all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_upstreams() {
        let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MzkxLCJzdGFydCI6Im0wXHUwMDAwIn0";

        let place = ContinueToken::behind(b"/registry/a/m0", b"/registry/a/", Revision(391));

        assert_eq!(place.write(), token);
        assert_eq!(ContinueToken::read(token), Ok(place));
    }

    #[test]
    fn a_token_that_leads_elsewhere_is_refused() {
        let read = |json: &str| {
            let refusal = ContinueToken::read(&URL_SAFE_NO_PAD.encode(json)).unwrap_err();
            refusal.message.replace("invalid continue token: continue key is not valid", "")
        };

        assert_eq!(read("no"), ": it cannot be decoded");
        assert_eq!(read("{}"), ": server does not recognize this encoded version ");
        let start = |revision: i64, start: &str| {
            read(&format!(r#"{{"v":"meta.k8s.io/v1","rv":{revision},"start":"{start}"}}"#))
        };
        assert_eq!(start(5, ""), ": encoded start key empty (version meta.k8s.io/v1)");
        let why = ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)";
        assert_eq!(start(0, "a"), why);
        for up in ["../a", "a/../b", "a//b", "./a", "a/"] {
            assert_eq!(start(5, up), format!(": {up}"));
        }
    }
}
