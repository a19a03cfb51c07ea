//! States as few bits: what the packed checker hashes, and keeps of those it has not looked at yet.
//!
//! A value is written field by field, an enum as its variant and then its fields, an array of enums
//! as their variants and then their fields. Small numbers take two bits. The code is prefix-free, so
//! two values have the same bits only if they are equal.

mod bits;
mod numbers;
mod variants;

pub use bits::{Bits, Packer, Unpacker, fold, width};
pub use variants::{Variants, pack_variants, unpack_variants};

/// A value that can be written as bits and read back.
pub trait Packed: Sized {
    /// Appends it.
    fn pack(&self, to: &mut Packer<'_>);
    /// Reads what `pack` wrote.
    fn unpack(from: &mut Unpacker<'_>) -> Self;

    /// Appends several: one after the other, or first what is small of each.
    #[inline(always)]
    fn pack_all<const N: usize>(values: &[Self; N], to: &mut Packer<'_>) {
        for value in values {
            value.pack(to);
        }
    }

    /// Reads what `pack_all` wrote.
    #[inline(always)]
    fn unpack_all<const N: usize>(from: &mut Unpacker<'_>) -> [Self; N] {
        std::array::from_fn(|_| Self::unpack(from))
    }
}

impl<T: Packed, const N: usize> Packed for [T; N] {
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        T::pack_all(self, to);
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        T::unpack_all(from)
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    #[inline(always)]
    fn pack(&self, to: &mut Packer<'_>) {
        self.0.pack(to);
        self.1.pack(to);
    }

    #[inline(always)]
    fn unpack(from: &mut Unpacker<'_>) -> Self {
        (A::unpack(from), B::unpack(from))
    }
}

/// Makes a type [`Packed`], given its fields or its variants:
///
/// ```
/// use model::packed;
///
/// struct Pod { uid: u8, ready: bool }
/// packed!(struct Pod { uid, ready });
///
/// enum Container { None, Running(u8), Exited { code: u8 } }
/// packed!(enum Container { None, Running(uid), Exited { code } });
///
/// struct Slots<const N: usize>([u8; N]);
/// packed!(struct<const N: usize> Slots<N> (slots));
/// ```
#[macro_export]
macro_rules! packed {
    (struct $(<$(const $bound:ident: usize),+>)? $name:ident $(<$($argument:ident),+>)? { $($field:ident),* $(,)? }) => {
        impl $(<$(const $bound: usize),+>)? $crate::pack::Packed for $name $(<$($argument),+>)? {
            #[inline(always)]
            fn pack(&self, to: &mut $crate::pack::Packer<'_>) {
                let $name { $($field),* } = self;
                $($crate::pack::Packed::pack($field, to);)*
            }

            #[inline(always)]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                $(let $field = $crate::pack::Packed::unpack(from);)*
                $name { $($field),* }
            }
        }
    };
    (struct $(<$(const $bound:ident: usize),+>)? $name:ident $(<$($argument:ident),+>)? ( $($field:ident),* $(,)? )) => {
        impl $(<$(const $bound: usize),+>)? $crate::pack::Packed for $name $(<$($argument),+>)? {
            #[inline(always)]
            fn pack(&self, to: &mut $crate::pack::Packer<'_>) {
                let $name($($field),*) = self;
                $($crate::pack::Packed::pack($field, to);)*
            }

            #[inline(always)]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                $(let $field = $crate::pack::Packed::unpack(from);)*
                $name($($field),*)
            }
        }
    };
    (enum $name:ident { $($variant:ident $(($($value:ident),+))? $({$($field:ident),+})?),+ $(,)? }) => {
        impl $crate::pack::Variants for $name {
            const WIDTH: u32 = $crate::pack::width([$(stringify!($variant)),+].len());

            #[inline(always)]
            fn tag(&self) -> u64 {
                enum Tag { $($variant),+ }
                match self {
                    $($name::$variant { .. } => Tag::$variant as u64,)+
                }
            }

            #[inline(always)]
            fn pack_fields(&self, to: &mut $crate::pack::Packer<'_>) {
                let _ = &to;
                match self {
                    $($name::$variant $(($($value),+))? $({$($field),+})? => {
                        $($($crate::pack::Packed::pack($value, to);)+)?
                        $($($crate::pack::Packed::pack($field, to);)+)?
                    })+
                }
            }

            #[inline(always)]
            fn unpack_fields(tag: u64, from: &mut $crate::pack::Unpacker<'_>) -> Self {
                enum Tag { $($variant),+ }
                let _ = &from;
                $(if tag == Tag::$variant as u64 {
                    $($(let $value = $crate::pack::Packed::unpack(from);)+)?
                    $($(let $field = $crate::pack::Packed::unpack(from);)+)?
                    return $name::$variant $(($($value),+))? $({$($field),+})?;
                })+
                unreachable!("every tag that is written is one of a variant")
            }
        }

        $crate::packed_by_variant!($name);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Sample {
        Nothing,
        Number(u8),
        Both { small: bool, list: [Option<u8>; 3] },
    }

    packed!(enum Sample { Nothing, Number(value), Both { small, list } });

    #[test]
    fn what_is_packed_is_unpacked() {
        for first in samples() {
            for second in samples() {
                check((first, [second, first, Sample::Nothing]));
            }
        }
        for number in 0..=u8::MAX {
            check((number, [0, number, number / 2]));
            check((u16::from(number) * 257, u32::from(number) * 16_843_009));
        }
    }

    #[test]
    fn different_values_have_different_bits() {
        let mut seen = std::collections::BTreeSet::new();
        let pairs = samples().flat_map(|first| samples().map(move |second| (first, second)));

        let count = pairs.clone().count();
        seen.extend(pairs.map(|pair| bytes(&pair)));

        assert_eq!(seen.len(), count);
    }

    fn samples() -> impl Iterator<Item = Sample> + Clone {
        let numbers = [0, 2, 3, 18, 19, 255];
        let lists = numbers
            .map(|number| Sample::Both { small: number > 3, list: [None, Some(number), Some(1)] });
        [Sample::Nothing].into_iter().chain(numbers.map(Sample::Number)).chain(lists)
    }

    fn check<T: Packed + PartialEq + std::fmt::Debug>(value: T) {
        let bytes = bytes(&value);
        let mut unpacker = Unpacker::new(&bytes);
        assert_eq!(T::unpack(&mut unpacker), value);
        assert_eq!(unpacker.bytes_read(), bytes.len());
    }

    fn bytes(value: &impl Packed) -> Vec<u8> {
        let (mut bits, mut bytes) = (Bits::default(), Vec::new());
        bits.write(|packer| value.pack(packer)).append_to(&mut bytes);
        bytes
    }
}
