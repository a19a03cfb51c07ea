//! The bytes of a snapshot: what every key holds at one revision, with a checksum.
//!
//! Magic `KSNP`, CRC-32 of the rest (u32), revision (u64), then for each key: key, value (each a length
//! and bytes), create revision, mod revision, version (u64 each). All numbers are little-endian.

use crate::Revision;
use crate::codec::{Reader, encode_bytes};
use crate::store::{KeyValue, Store};

const MAGIC: &[u8; 4] = b"KSNP";

/// A snapshot that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is corrupt: {0}")]
pub struct Corrupt(&'static str);

/// What a store holds, without its history.
pub fn encode(store: &Store) -> Vec<u8> {
    let mut payload = store.revision().0.to_le_bytes().to_vec();
    for found in store.iter() {
        encode_bytes(&found.key, &mut payload);
        encode_bytes(&found.value, &mut payload);
        for number in [found.create_revision.0, found.mod_revision.0, found.version] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
    }
    let mut snapshot = MAGIC.to_vec();
    snapshot.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    snapshot.extend_from_slice(&payload);
    snapshot
}

/// The store that a snapshot was taken of; its history begins there.
pub fn decode(snapshot: &[u8]) -> Result<Store, Corrupt> {
    let mut reader = Reader::new(snapshot);
    if reader.take(4) != Some(MAGIC) {
        return Err(Corrupt("it does not begin with KSNP"));
    }
    let checksum = reader.u32().ok_or(Corrupt("its header is cut"))?;
    if crc32fast::hash(&snapshot[8..]) != checksum {
        return Err(Corrupt("its checksum does not match"));
    }
    decode_store(reader).ok_or(Corrupt("its payload is malformed"))
}

fn decode_store(mut reader: Reader<'_>) -> Option<Store> {
    let revision = Revision(reader.u64()?);
    let mut keys = vec![];
    while !reader.is_empty() {
        keys.push(KeyValue {
            key: reader.bytes()?,
            value: reader.bytes()?,
            create_revision: Revision(reader.u64()?),
            mod_revision: Revision(reader.u64()?),
            version: reader.u64()?,
        });
    }
    Some(Store::restore(revision, keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, Transaction};

    fn store() -> Store {
        let mut store = Store::default();
        for key in ["a", "b"] {
            store.commit(&Transaction::create(Bytes::from(key.as_bytes()), Bytes::from(&b"1"[..])));
        }
        store
    }

    #[test]
    fn a_snapshot_holds_every_key_with_its_counters() {
        let store = store();

        let restored = decode(&encode(&store)).unwrap();

        assert_eq!(restored.revision(), store.revision());
        assert!(restored.iter().eq(store.iter()));
    }

    #[test]
    fn a_damaged_snapshot_is_refused() {
        let snapshot = encode(&store());

        for byte in 0..snapshot.len() {
            let mut damaged = snapshot.clone();
            damaged[byte] ^= 1;

            assert!(decode(&damaged).is_err(), "byte {byte}");
        }
    }
}
