//! What a process says before it is killed: a line for what begins, and one for what came of it.
//!
//! A line is one write to a pipe, which is there whole or not at all. Who begins after another was answered stands
//! behind that other's answer.

use std::fmt;

/// A revision, as it stands in a line.
pub(crate) type Number = u64;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The store was opened at this revision.
    Opened(Number),
    /// Somebody begins to write or to read, and calls it so. What is written has this name for a value.
    Begins(String),
    /// A write is done, at this revision.
    Wrote(String, Number),
    /// A write was not made: its compares did not hold at this revision.
    Kept(String, Number),
    /// At this revision, a key was as this revision had left it; 0 if it was not there.
    Read(String, Number, String, Number),
    /// A lease was granted.
    Granted(i64),
    /// A lease is about to be revoked.
    Revokes(i64),
    /// A lease was revoked.
    Revoked(i64),
    /// What was before this revision is forgotten.
    Compacted(Number),
    /// The watch has heard of all that happened at this revision.
    Heard(Number, Vec<Change>),
}

/// What a watch hears of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    /// Who wrote it, and the lease it ends with; nothing if it was deleted.
    pub(crate) written: Option<(String, i64)>,
}

impl Line {
    /// Reads a line; nothing if it is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split(' ').collect();
        Some(match words.as_slice() {
            ["opened", revision] => Self::Opened(revision.parse().ok()?),
            ["begins", name] => Self::Begins((*name).to_owned()),
            ["wrote", name, revision] => Self::Wrote((*name).to_owned(), revision.parse().ok()?),
            ["kept", name, revision] => Self::Kept((*name).to_owned(), revision.parse().ok()?),
            ["read", name, revision, key, modified] => {
                let (revision, modified) = (revision.parse().ok()?, modified.parse().ok()?);
                Self::Read((*name).to_owned(), revision, (*key).to_owned(), modified)
            }
            ["granted", lease] => Self::Granted(lease.parse().ok()?),
            ["revokes", lease] => Self::Revokes(lease.parse().ok()?),
            ["revoked", lease] => Self::Revoked(lease.parse().ok()?),
            ["compacted", revision] => Self::Compacted(revision.parse().ok()?),
            ["heard", revision, changes @ ..] => {
                let changes = changes.iter().map(|change| Change::parse(change));
                Self::Heard(revision.parse().ok()?, changes.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(revision) => write!(formatter, "opened {revision}"),
            Self::Begins(name) => write!(formatter, "begins {name}"),
            Self::Wrote(name, revision) => write!(formatter, "wrote {name} {revision}"),
            Self::Kept(name, revision) => write!(formatter, "kept {name} {revision}"),
            Self::Read(name, revision, key, modified) => {
                write!(formatter, "read {name} {revision} {key} {modified}")
            }
            Self::Granted(lease) => write!(formatter, "granted {lease}"),
            Self::Revokes(lease) => write!(formatter, "revokes {lease}"),
            Self::Revoked(lease) => write!(formatter, "revoked {lease}"),
            Self::Compacted(revision) => write!(formatter, "compacted {revision}"),
            Self::Heard(revision, changes) => {
                write!(formatter, "heard {revision}")?;
                changes.iter().try_for_each(|change| write!(formatter, " {change}"))
            }
        }
    }
}

impl Change {
    fn parse(word: &str) -> Option<Self> {
        let written = match word.split(',').collect::<Vec<_>>().as_slice() {
            [_] => None,
            [_, name, lease] => Some(((*name).to_owned(), lease.parse().ok()?)),
            _ => return None,
        };
        let key = word.split(',').next()?.to_owned();
        Some(Self { key, written })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key)?;
        match &self.written {
            Some((name, lease)) => write!(formatter, ",{name},{lease}"),
            None => Ok(()),
        }
    }
}
