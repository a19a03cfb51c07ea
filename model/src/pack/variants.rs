//! Values of several variants as bits: the tag of the variant, then its fields. Of an array the tags
//! come first, all at once, since most often most of them are the same.

use super::{Packed, Packer, Unpacker};

/// A value of one of several variants.
pub trait Variants: Sized {
    /// How many bits tell the variants apart.
    const WIDTH: u32;

    /// Which variant it is.
    fn tag(&self) -> u64;
    /// Appends the fields of the variant.
    fn pack_fields(&self, to: &mut Packer<'_>);
    /// Reads what `pack_fields` wrote of the variant with this tag.
    fn unpack_fields(tag: u64, from: &mut Unpacker<'_>) -> Self;
}

/// Appends the tags of the variants, then their fields.
#[inline(always)]
pub fn pack_variants<T: Variants, const N: usize>(values: &[T; N], to: &mut Packer<'_>) {
    const { assert!(N * T::WIDTH as usize <= 56, "they do not fit into one read of an unpacker") };
    let tags = values.iter().rev().fold(0, |word, value| word << T::WIDTH | value.tag());
    to.bits(tags, T::WIDTH * N as u32);
    for value in values {
        value.pack_fields(to);
    }
}

/// Reads what [`pack_variants`] wrote.
#[inline(always)]
pub fn unpack_variants<T: Variants, const N: usize>(from: &mut Unpacker<'_>) -> [T; N] {
    let tags = from.bits(T::WIDTH * N as u32);
    std::array::from_fn(|place| {
        let tag = tags >> (T::WIDTH * place as u32) & ((1 << T::WIDTH) - 1);
        T::unpack_fields(tag, from)
    })
}

/// Makes a type [`Packed`] that has [`Variants`].
#[doc(hidden)]
#[macro_export]
macro_rules! packed_by_variant {
    ($name:ty $(, $parameter:ident: $bound:path)?) => {
        impl $(<$parameter: $bound>)? $crate::pack::Packed for $name {
            #[inline(always)]
            fn pack(&self, to: &mut $crate::pack::Packer<'_>) {
                $crate::pack::pack_variants(::std::array::from_ref(self), to);
            }

            #[inline(always)]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                let [value] = $crate::pack::unpack_variants(from);
                value
            }

            #[inline(always)]
            fn pack_all<const N: usize>(values: &[Self; N], to: &mut $crate::pack::Packer<'_>) {
                $crate::pack::pack_variants(values, to);
            }

            #[inline(always)]
            fn unpack_all<const N: usize>(from: &mut $crate::pack::Unpacker<'_>) -> [Self; N] {
                $crate::pack::unpack_variants(from)
            }
        }
    };
}

packed_by_variant!(bool);
packed_by_variant!(Option<T>, T: Packed);

impl Variants for bool {
    const WIDTH: u32 = 1;

    #[inline(always)]
    fn tag(&self) -> u64 {
        u64::from(*self)
    }

    #[inline(always)]
    fn pack_fields(&self, _: &mut Packer<'_>) {}

    #[inline(always)]
    fn unpack_fields(tag: u64, _: &mut Unpacker<'_>) -> Self {
        tag == 1
    }
}

impl<T: Packed> Variants for Option<T> {
    const WIDTH: u32 = 1;

    #[inline(always)]
    fn tag(&self) -> u64 {
        u64::from(self.is_some())
    }

    #[inline(always)]
    fn pack_fields(&self, to: &mut Packer<'_>) {
        if let Some(value) = self {
            value.pack(to);
        }
    }

    #[inline(always)]
    fn unpack_fields(tag: u64, from: &mut Unpacker<'_>) -> Self {
        (tag == 1).then(|| T::unpack(from))
    }
}
