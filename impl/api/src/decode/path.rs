//! Where in an object a value stands, kept on the stack and written out only for a message.

use std::fmt;

/// A path from the root of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    /// A key of a map, which Go does not name in its messages.
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// The fields alone, `spec.containers.image`, as Go names a place.
    pub(super) fn fields(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(parent, _) | Self::Index(parent, _) => parent.fields(),
            Self::Field(parent, name) => match parent.fields() {
                fields if fields.is_empty() => (*name).to_owned(),
                fields => format!("{fields}.{name}"),
            },
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Path::Root, name) | Self::Key(Path::Root, name) => {
                formatter.write_str(name)
            }
            Self::Field(parent, name) | Self::Key(parent, name) => {
                write!(formatter, "{parent}.{name}")
            }
            Self::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}
