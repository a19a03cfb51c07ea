//! bbolt's file format: a database of buckets, each a tree of pages. Pure: bytes come in, bytes go out.
//!
//! The first two pages say where the rest is (`meta`), the third which pages are free. Pages have a header
//! of 16 bytes: number (u64), flags (u16), number of elements (u16), how many more pages belong to it (u32).
//! Elements follow, of 16 bytes each, and then what they point to: keys and values in a leaf, keys in a
//! branch, whose elements are the first keys of the pages below. The root is a leaf, or a tree, of buckets: a
//! name, and the page where its tree begins. Numbers are little-endian.
//!
//! Left out: what bbolt does beyond, that is changing a database, and buckets within buckets.
//! Source: bbolt v1.4, `internal/common/page.go`, `meta.go`, `inode.go`, `bucket.go`.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::{Database, Entry};
pub use write::{Bucket, Entries, Writer};

/// A database that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database is corrupt: {0}")]
pub struct Corrupt(pub(crate) &'static str);

const MAGIC: u32 = 0xed0c_daed;
const VERSION: u32 = 2;

/// How long the header of a page is, and one of its elements.
const HEADER_BYTES: usize = 16;
const ELEMENT_BYTES: usize = 16;

/// How much of the first pages has a meaning: the header, what the checksum is of, and the checksum.
const META_BYTES: usize = 56;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;

/// The flag of an element whose value is a bucket.
const IS_BUCKET: u32 = 0x01;

/// What a bucket is in the root: the page where its tree begins, and a counter that etcd does not use.
const BUCKET_BYTES: usize = 16;

/// FNV-1a of 64 bits, bbolt's checksum.
fn checksum(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
