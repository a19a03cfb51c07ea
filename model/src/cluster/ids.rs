//! Names of objects: small numbers, printed as Kubernetes would print the names.

use crate::pack::{Packed, Packer, Unpacker};
use serde::{Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU8;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU8);

        impl $name {
            /// The id of the slot with this index, counted from zero.
            ///
            /// # Panics
            ///
            /// Where the index is 255 or more: no model has so many objects.
            pub const fn new(index: usize) -> Self {
                assert!(index < u8::MAX as usize, "a model has fewer than 255 objects of a kind");
                match NonZeroU8::new(index as u8 + 1) {
                    Some(number) => Self(number),
                    None => unreachable!(),
                }
            }

            /// The index of its slot, counted from zero.
            pub const fn index(self) -> usize {
                self.0.get() as usize - 1
            }

            /// The first `count` ids.
            pub fn all(count: usize) -> impl Iterator<Item = Self> + Clone {
                (0..count).map(Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "-{}"), self.index())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{self}")
            }
        }

        impl Packed for $name {
            #[inline(always)]
            fn pack(&self, to: &mut Packer<'_>) {
                to.number(self.index() as u32);
            }

            #[inline(always)]
            fn unpack(from: &mut Unpacker<'_>) -> Self {
                Self::new(from.number() as usize)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(
    /// The name of a Pod. Two incarnations of one name differ in their [`Uid`].
    PodId,
    "pod"
);
id!(
    /// The name of a Node.
    NodeId,
    "node"
);
id!(
    /// The name of a ReplicaSet.
    SetId,
    "replicaset"
);

/// `metadata.uid`, rank-compressed: the how-many-th object of its name this is, from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Uid(pub u8);

impl Uid {
    /// No object of the name was ever created.
    pub const NONE: Uid = Uid(0);

    /// The uid of the next object of this name.
    pub fn next(self) -> Uid {
        Uid(self.0.checked_add(1).unwrap_or(1))
    }
}

impl Packed for Uid {
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        self.0.pack(to);
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        Uid(u8::unpack(from))
    }

    #[inline(always)]
    fn pack_all<const N: usize>(values: &[Self; N], to: &mut Packer<'_>) {
        values.map(|uid| uid.0).pack(to);
    }

    #[inline(always)]
    fn unpack_all<const N: usize>(from: &mut Unpacker<'_>) -> [Self; N] {
        u8::unpack_all(from).map(Uid)
    }
}
