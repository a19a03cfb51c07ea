//! Ranges of keys.

use std::ops::Bound;

use crate::Bytes;

/// Some keys that lie side by side. Source: etcd's `RangeRequest`, `key` and `range_end`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// This key alone.
    Key(Bytes),
    /// From the first up to, and not including, the second. Upside down it holds nothing.
    Between(Bytes, Bytes),
    /// All keys from this one on.
    From(Bytes),
}

impl Range {
    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        match end.last_mut() {
            Some(last) => *last += 1,
            None => return Self::From(prefix.into()),
        }
        Self::Between(prefix.into(), end.into())
    }

    /// The part of the range that begins with `start`.
    #[must_use]
    pub fn from(&self, start: Bytes) -> Self {
        match self {
            Self::Key(key) if **key < *start => Self::Between(start.clone(), start),
            Self::Key(key) => Self::Key(key.clone()),
            Self::Between(first, end) => Self::Between(start.max(first.clone()), end.clone()),
            Self::From(first) => Self::From(start.max(first.clone())),
        }
    }

    /// Whether a key lies in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Key(only) => **only == *key,
            Self::Between(start, end) => **start <= *key && *key < **end,
            Self::From(start) => **start <= *key,
        }
    }

    /// The first key that it may hold.
    pub fn start(&self) -> &Bytes {
        let (Self::Key(start) | Self::Between(start, _) | Self::From(start)) = self;
        start
    }

    /// As bounds of an ordered map; nothing where the range is empty.
    pub(crate) fn bounds(&self) -> Option<(Bound<Bytes>, Bound<Bytes>)> {
        let start = Bound::Included(self.start().clone());
        match self {
            Self::Key(key) => Some((start, Bound::Included(key.clone()))),
            Self::Between(first, end) if first >= end => None,
            Self::Between(_, end) => Some((start, Bound::Excluded(end.clone()))),
            Self::From(_) => Some((start, Bound::Unbounded)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        text.as_bytes().into()
    }

    #[test]
    fn a_prefix_ends_before_the_next_sibling() {
        let range = Range::prefix(b"/registry/pods/");

        assert!(range.contains(b"/registry/pods/default/a"));
        assert!(!range.contains(b"/registry/podtemplates/default/a"));
        assert!(!range.contains(b"/registry/pods"));
    }

    #[test]
    fn a_prefix_of_the_last_bytes_has_no_end() {
        assert_eq!(Range::prefix(b"\xff\xff"), Range::From(b"\xff\xff"[..].into()));
        assert_eq!(Range::prefix(b""), Range::From(bytes("")));
        assert!(Range::prefix(b"a\xff").contains(b"a\xff\xff"));
    }

    #[test]
    fn a_range_upside_down_holds_nothing() {
        let range = Range::Between(bytes("b"), bytes("a"));

        assert_eq!(range.bounds(), None);
        assert!(!range.contains(b"a") && !range.contains(b"b"));
    }

    #[test]
    fn the_rest_of_a_range_begins_later_and_ends_where_it_did() {
        let range = Range::Between(bytes("b"), bytes("d"));

        assert_eq!(range.from(bytes("a")), range);
        assert_eq!(range.from(bytes("c")), Range::Between(bytes("c"), bytes("d")));
        assert!(Range::Key(bytes("a")).from(bytes("b")).bounds().is_none());
    }
}
