//! Who a store is: the numbers by which clients of etcd tell clusters and members apart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write;
use std::path::{Path, PathBuf};

use store::log::Metadata;

use crate::disk::OpenError;
use crate::files::{io_error, replace};

const NAME: &str = "store";

/// The version of the files that this program writes and reads.
const VERSION: u32 = 3;

/// The numbers of a store. They are drawn when it is created, and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster, of one member.
    pub cluster: u64,
    /// The member.
    pub member: u64,
}

impl Identity {
    /// Draws the numbers of a new store.
    pub(crate) fn draw() -> Self {
        Self { cluster: random(), member: random() }
    }

    /// Reads the file `store`.
    pub(crate) fn of(folder: &Path) -> Result<Self, OpenError> {
        let path = path(folder);
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|why| OpenError::Foreign { path, why }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let why = "it is missing: another version of this program wrote the folder";
                Err(OpenError::Foreign { path, why: why.to_owned() })
            }
            Err(error) => Err(io_error(&path, error)),
        }
    }

    /// Writes the file `store`.
    pub(crate) fn keep(self, folder: &Path) -> Result<(), OpenError> {
        let kept = replace(folder, NAME, |file| file.write_all(self.written().as_bytes()));
        kept.map(drop).map_err(|error| io_error(&path(folder), error))
    }

    /// What its files of this number begin with.
    pub(crate) fn metadata(self, number: u64) -> Metadata {
        Metadata { cluster: self.cluster, member: self.member, number }
    }

    fn written(self) -> String {
        let Self { cluster, member } = self;
        let text = format!("version {VERSION}\ncluster {cluster:x}\nmember {member:x}\n");
        format!("{text}checksum {:08x}\n", crc32fast::hash(text.as_bytes()))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn parse(text: &str) -> Result<Identity, String> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.ok_or_else(|| format!("it has no {name}"))
    };
    let version = field("version")?;
    if version != VERSION.to_string() {
        return Err(format!("it is of version {version}; this program reads version {VERSION}"));
    }
    let number = |name: &str| {
        u64::from_str_radix(field(name)?, 16).map_err(|error| format!("{name}: {error}"))
    };
    let identity = Identity { cluster: number("cluster")?, member: number("member")? };
    match identity.written() == text {
        true => Ok(identity),
        false => Err("its checksum does not match".to_owned()),
    }
}

/// A number that nobody else will draw, most likely, and not zero. The standard library seeds its hash
/// maps from the operating system.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id()) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_is_itself_and_stays_so() {
        let folder = tempfile::tempdir().unwrap();

        let first = Identity::draw();
        first.keep(folder.path()).unwrap();

        assert_eq!(Identity::of(folder.path()).unwrap(), first);
        assert_ne!(Identity::draw(), first);
    }

    #[test]
    fn another_version_is_named() {
        for version in [2, 4] {
            assert_eq!(
                parse(&format!("version {version}\ncluster a\nmember b\n")),
                Err(format!("it is of version {version}; this program reads version 3"))
            );
        }
        assert_eq!(parse("garbage"), Err("it has no version".to_owned()));
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let text = Identity { cluster: 1, member: 2 }.written();

        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(damaged).map_err(|error| error.to_string());

            assert!(read.and_then(|text| parse(&text)).is_err(), "bit {bit}");
            assert!(parse(&text[..bit / 8]).is_err(), "cut at {}", bit / 8);
        }
    }
}
