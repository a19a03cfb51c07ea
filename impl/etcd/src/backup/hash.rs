//! Hashes by which members of etcd are compared: CRC-32C of names, keys and values as they are stored.
//!
//! They are those of etcd with the same writes, but where a transaction that wrote several keys is compacted: in which
//! order it did is forgotten.
//! Source: etcd v3.6, `server/storage/mvcc/hash.go`, `kvstore.go`, `server/storage/backend/backend.go`.

use store::{Expired, Revision, Store};

use super::rows::{Row, rows};
use super::schema::{KEY, META, buckets, pair};
use crate::Identity;

/// What differs from member to member.
const IGNORED: [&[u8]; 2] = [b"consistent_index", b"term"];

/// Of all that is stored.
pub fn hash(store: &Store, identity: Identity) -> u32 {
    buckets(store, identity).iter().fold(0, |hash, bucket| {
        let pairs = (0..bucket.entries.count()).map(|index| bucket.entries.entry(index));
        let wanted = pairs.filter(|(key, _)| bucket.name != META || !IGNORED.contains(&&key[..]));
        wanted.fold(crc32c::crc32c_append(hash, bucket.name.as_bytes()), append)
    })
}

/// Of all writes up to a revision that are not compacted, or could be read then.
pub fn hash_kv(store: &Store, revision: Revision) -> Result<u32, Expired> {
    let (then, compacted) = (store.at(revision)?, store.at(store.compacted())?);
    let reads = |store: &Store, row: &Row| store.get(&row.now.key) == Some(&row.now);
    // Where there is nothing to be read, etcd leaves out nothing.
    let is_read = |row: &Row| reads(&compacted, row) && (then.is_empty() || reads(&then, row));
    let rows = rows(store).into_iter().filter(|row| row.now.mod_revision <= revision);
    let wanted = rows.filter(|row| row.now.mod_revision > store.compacted() || is_read(row));
    Ok(wanted.map(|row| pair(&row)).fold(crc32c::crc32c(KEY.as_bytes()), append))
}

fn append(hash: u32, (key, value): (Vec<u8>, Vec<u8>)) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(hash, &key), &value)
}
