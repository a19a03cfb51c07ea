//! Why bytes that come from somewhere were not read.

use std::io;

use crate::{log, snapshot};

/// Why something was not read: it is damaged, as `C` says, or its bytes did not come.
#[derive(Debug, thiserror::Error)]
pub enum Unread<C> {
    /// It is damaged.
    #[error(transparent)]
    Corrupt(C),
    /// Its bytes did not come.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<log::Corrupt> for Unread<log::Corrupt> {
    fn from(corrupt: log::Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl From<snapshot::Corrupt> for Unread<snapshot::Corrupt> {
    fn from(corrupt: snapshot::Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}
