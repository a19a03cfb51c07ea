//! A snapshot as `etcdctl snapshot save` takes it: blocks of 512 bytes, and a SHA-256 behind.
//!
//! In the blocks: the snapshot, zeros, and at the very end the length of the snapshot (u64,
//! little-endian). etcdctl cannot look into it: the snapshot is not a database of etcd's.

use sha2::{Digest, Sha256};

const BLOCK_BYTES: usize = 512;
const LENGTH_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 32;

/// The file for a snapshot.
pub fn seal(mut snapshot: Vec<u8>) -> Vec<u8> {
    let length = snapshot.len();
    let padded = (length + LENGTH_BYTES).next_multiple_of(BLOCK_BYTES) - LENGTH_BYTES;
    snapshot.resize(padded, 0);
    snapshot.extend_from_slice(&(length as u64).to_le_bytes());
    let checksum = Sha256::digest(&snapshot);
    snapshot.extend_from_slice(&checksum);
    snapshot
}

/// The snapshot in a file; nothing where the file is something else, or damaged.
pub fn unseal(file: &[u8]) -> Option<&[u8]> {
    let (blocks, checksum) = file.split_at_checked(file.len().checked_sub(CHECKSUM_BYTES)?)?;
    if Sha256::digest(blocks)[..] != *checksum {
        return None;
    }
    let (padded, length) = blocks.split_last_chunk::<LENGTH_BYTES>()?;
    padded.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_snapshot_is_whole_blocks_and_a_checksum() {
        for length in [0, 1, 503, 504, 505, 512, 1024] {
            let snapshot = vec![7; length];

            let sealed = seal(snapshot.clone());

            assert_eq!(sealed.len() % BLOCK_BYTES, CHECKSUM_BYTES);
            assert_eq!(unseal(&sealed), Some(&snapshot[..]));
        }
    }

    #[test]
    fn a_damaged_file_is_no_snapshot() {
        let sealed = seal(vec![7; 600]);

        for byte in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[byte] ^= 1;

            assert_eq!(unseal(&damaged), None, "byte {byte}");
            assert_eq!(unseal(&sealed[..byte]), None, "cut at {byte}");
        }
    }
}
