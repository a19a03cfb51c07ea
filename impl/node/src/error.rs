//! What can go wrong on this machine.

use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Containers need rights that this process does not have.
    #[error("containers need root: run as root, or choose --runtime simulated")]
    NotRoot,
    /// A program that pods' networks are made with is missing.
    #[error("the program {0} is needed and was not found")]
    Missing(&'static str),
    /// A file or directory.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// A system call.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What happened.
        source: nix::Error,
    },
    /// A program that failed.
    #[error("{program} failed: {message}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it printed.
        message: String,
    },
    /// An image that cannot be read.
    #[error("cannot read image {image}: {reason}")]
    Image {
        /// The file or reference.
        image: String,
        /// Why.
        reason: String,
    },
    /// An image that is not there.
    #[error("image {0} is not present")]
    NoSuchImage(String),
    /// A container that is not there.
    #[error("container {0} is not known")]
    NoSuchContainer(String),
    /// A container that could not be started; the text says why.
    #[error("{0}")]
    Container(String),
    /// No address is left.
    #[error("no address is left in {0}")]
    NoAddress(String),
    /// A range of addresses that cannot be read.
    #[error("{0} is not a range of IPv4 addresses")]
    Cidr(String),
    /// The API server.
    #[error("the API server cannot be reached: {0}")]
    Transport(host::transport::BoxError),
}

impl Error {
    /// An error of this file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    /// An error of a system call.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(nix::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// Every sentence of an error's chain, the innermost last.
pub(crate) fn reason(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}
