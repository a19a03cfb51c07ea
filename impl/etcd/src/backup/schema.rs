//! The buckets of etcd's database, and how what is in them is written.

use etcd_client::proto::PbKeyValue;
use prost::Message;
use store::{EventKind, Lease, LeaseId, Revision, Store};

use super::rows::{Row, rows};
use crate::Identity;
use crate::bolt::{Bucket, Entries};
use crate::grpc::{RAFT_TERM, key_value};

pub(super) const KEY: &str = "key";
pub(super) const META: &str = "meta";
pub(super) const LEASE: &str = "lease";

/// Those that etcd expects to be there.
const EMPTY: [&str; 7] =
    ["alarm", "auth", "authRoles", "authUsers", "cluster", "members", "members_removed"];

pub(super) const FINISHED_COMPACT: &[u8] = b"finishedCompactRev";
pub(super) const SCHEDULED_COMPACT: &[u8] = b"scheduledCompactRev";

/// How long the key of a row is: a revision, `_`, and the number of the write within it, all big-endian.
const REVISION_BYTES: usize = 17;
const SEPARATOR: u8 = b'_';
/// What stands behind where a key was removed.
const TOMBSTONE: u8 = b't';

/// A lease as it is stored. Source: etcd's `server/lease/leasepb/lease.proto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StoredLease {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
    #[prost(int64, tag = "2")]
    pub(super) ttl: i64,
    #[prost(int64, tag = "3")]
    pub(super) remaining_ttl: i64,
}

type Pair = (Vec<u8>, Vec<u8>);

/// All buckets of a store, by name.
pub(super) fn buckets(store: &Store, identity: Identity) -> Vec<Bucket> {
    let empty = EMPTY.map(|name| Bucket { name, entries: Box::new(Vec::<Pair>::new()) });
    let mut buckets = Vec::from(empty);
    buckets.push(Bucket { name: KEY, entries: Box::new(Keys(rows(store))) });
    buckets.push(Bucket { name: LEASE, entries: Box::new(leases(store)) });
    buckets.push(Bucket { name: META, entries: Box::new(meta(store, identity)) });
    buckets.sort_unstable_by_key(|bucket| bucket.name);
    buckets
}

struct Keys(Vec<Row>);

impl Entries for Keys {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn entry(&self, index: usize) -> Pair {
        pair(&self.0[index])
    }
}

/// A row as it is stored.
pub(super) fn pair(row: &Row) -> Pair {
    let Row { revision, sub, kind, now } = row;
    let mut key = revision_bytes(*revision, *sub);
    match kind {
        EventKind::Put => (key, key_value(now).encode_to_vec()),
        EventKind::Delete => {
            key.push(TOMBSTONE);
            (key, PbKeyValue { key: now.key.to_vec(), ..PbKeyValue::default() }.encode_to_vec())
        }
    }
}

pub(super) fn revision_bytes(Revision(revision): Revision, sub: u64) -> Vec<u8> {
    let mut bytes = revision.to_be_bytes().to_vec();
    bytes.push(SEPARATOR);
    bytes.extend(sub.to_be_bytes());
    bytes
}

/// A revision, and whether a key was removed; nothing where these bytes are something else.
pub(super) fn parse_revision(bytes: &[u8]) -> Option<(Revision, EventKind)> {
    let (head, behind) = bytes.split_at_checked(REVISION_BYTES)?;
    let (revision, rest) = head.split_first_chunk()?;
    let kind = match behind {
        [] => EventKind::Put,
        [TOMBSTONE] => EventKind::Delete,
        _ => return None,
    };
    let revision = i64::from_be_bytes(*revision);
    (rest[0] == SEPARATOR).then_some((Revision(u64::try_from(revision).ok()?), kind))
}

fn leases(store: &Store) -> Vec<Pair> {
    let stored = |(LeaseId(id), lease): (LeaseId, &Lease)| {
        let remaining_ttl = lease.remaining_seconds.unwrap_or(0);
        let stored = StoredLease { id, ttl: lease.ttl_seconds, remaining_ttl };
        (id.to_be_bytes().to_vec(), stored.encode_to_vec())
    };
    let mut leases: Vec<_> = store.leases().map(stored).collect();
    leases.sort_unstable();
    leases
}

/// How far the log of etcd has come, who votes, and what is compacted.
fn meta(store: &Store, identity: Identity) -> Vec<Pair> {
    let named = |name: &[u8], value: Vec<u8>| (name.to_vec(), value);
    let compacted = || revision_bytes(store.compacted(), 0);
    let voters = format!("{{\"voters\":[{}],\"auto_leave\":false}}", identity.member);
    let mut meta = vec![
        named(b"confState", voters.into_bytes()),
        named(b"consistent_index", store.revision().0.to_be_bytes().to_vec()),
        named(b"term", RAFT_TERM.to_be_bytes().to_vec()),
    ];
    if store.compacted() > Revision(0) {
        meta.push(named(FINISHED_COMPACT, compacted()));
        meta.push(named(SCHEDULED_COMPACT, compacted()));
    }
    meta.sort_unstable();
    meta
}
