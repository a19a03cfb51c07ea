//! Who a store is: the numbers by which clients of etcd tell clusters and members apart.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write;
use std::path::Path;

use crate::disk::OpenError;
use crate::files::{io_error, replace};

/// The version of the files that this program writes and reads.
const VERSION: u32 = 2;

/// The numbers of a store. They are drawn when it is created, and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster, of one member.
    pub cluster: u64,
    /// The member.
    pub member: u64,
}

impl Identity {
    /// Reads the file `store`, or writes it where the folder is new.
    pub(crate) fn of(folder: &Path, is_new: bool) -> Result<Self, OpenError> {
        let path = folder.join("store");
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|why| OpenError::Foreign { path, why }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_new => {
                let drawn = Self { cluster: random(), member: random() };
                replace(folder, "store", |file| file.write_all(drawn.written().as_bytes()))
                    .map_err(|error| io_error(&path, error))?;
                Ok(drawn)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let why = "it is missing: another version of this program wrote the folder";
                Err(OpenError::Foreign { path, why: why.to_owned() })
            }
            Err(error) => Err(io_error(&path, error)),
        }
    }

    fn written(self) -> String {
        let Self { cluster, member } = self;
        let text = format!("version {VERSION}\ncluster {cluster:x}\nmember {member:x}\n");
        format!("{text}checksum {:08x}\n", crc32fast::hash(text.as_bytes()))
    }
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
    let (signed, _) = text.split_once("checksum").unwrap_or((text, ""));
    let checksum = format!("{:08x}", crc32fast::hash(signed.as_bytes()));
    if field("checksum")? != checksum {
        return Err("its checksum does not match".to_owned());
    }
    let number = |name: &str| {
        u64::from_str_radix(field(name)?, 16).map_err(|error| format!("{name}: {error}"))
    };
    Ok(Identity { cluster: number("cluster")?, member: number("member")? })
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

        let first = Identity::of(folder.path(), true).unwrap();

        assert_eq!(Identity::of(folder.path(), false).unwrap(), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Identity::of(other.path(), true).unwrap(), first);
    }

    #[test]
    fn another_version_is_named() {
        assert_eq!(
            parse("version 3\ncluster a\nmember b\n"),
            Err("it is of version 3; this program reads version 2".to_owned())
        );
        assert_eq!(parse("garbage"), Err("it has no version".to_owned()));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let text = Identity { cluster: 1, member: 2 }.written();

        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(damaged).map_err(|error| error.to_string());

            assert!(read.and_then(|text| parse(&text)).is_err(), "bit {bit}");
        }
    }
}
