//! States as few bits: what the packed checker hashes, and keeps of those it has not looked at yet.
//!
//! A value is written field by field, an enum as its variant and then its fields. Small numbers take
//! two bits. The code is prefix-free, so two values have the same bits only if they are equal.

mod bits;

pub use bits::{Packer, Unpacker, fold, width};

/// A value that can be written as bits and read back.
pub trait Packed: Sized {
    /// Appends it.
    fn pack(&self, to: &mut Packer);
    /// Reads what `pack` wrote.
    fn unpack(from: &mut Unpacker<'_>) -> Self;
}

impl Packed for bool {
    fn pack(&self, to: &mut Packer) {
        to.bits(u64::from(*self), 1);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Self {
        from.bits(1) == 1
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl Packed for $number {
            #[inline]
            fn pack(&self, to: &mut Packer) {
                to.number(u32::from(*self));
            }

            fn unpack(from: &mut Unpacker<'_>) -> Self {
                from.number() as $number
            }
        })*
    };
}

numbers!(u8 u16 u32);

impl<T: Packed> Packed for Option<T> {
    fn pack(&self, to: &mut Packer) {
        self.is_some().pack(to);
        if let Some(value) = self {
            value.pack(to);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Self {
        bool::unpack(from).then(|| T::unpack(from))
    }
}

impl<T: Packed, const N: usize> Packed for [T; N] {
    fn pack(&self, to: &mut Packer) {
        self.iter().for_each(|value| value.pack(to));
    }

    fn unpack(from: &mut Unpacker<'_>) -> Self {
        std::array::from_fn(|_| T::unpack(from))
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    fn pack(&self, to: &mut Packer) {
        self.0.pack(to);
        self.1.pack(to);
    }

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
            #[inline]
            fn pack(&self, to: &mut $crate::pack::Packer) {
                let $name { $($field),* } = self;
                $($crate::pack::Packed::pack($field, to);)*
            }

            #[inline]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                $(let $field = $crate::pack::Packed::unpack(from);)*
                $name { $($field),* }
            }
        }
    };
    (struct $(<$(const $bound:ident: usize),+>)? $name:ident $(<$($argument:ident),+>)? ( $($field:ident),* $(,)? )) => {
        impl $(<$(const $bound: usize),+>)? $crate::pack::Packed for $name $(<$($argument),+>)? {
            #[inline]
            fn pack(&self, to: &mut $crate::pack::Packer) {
                let $name($($field),*) = self;
                $($crate::pack::Packed::pack($field, to);)*
            }

            #[inline]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                $(let $field = $crate::pack::Packed::unpack(from);)*
                $name($($field),*)
            }
        }
    };
    (enum $name:ident { $($variant:ident $(($($value:ident),+))? $({$($field:ident),+})?),+ $(,)? }) => {
        impl $crate::pack::Packed for $name {
            #[inline]
            fn pack(&self, to: &mut $crate::pack::Packer) {
                enum Tag { $($variant),+ }
                const WIDTH: u32 = $crate::pack::width([$(stringify!($variant)),+].len());
                match self {
                    $($name::$variant $(($($value),+))? $({$($field),+})? => {
                        to.bits(Tag::$variant as u64, WIDTH);
                        $($($crate::pack::Packed::pack($value, to);)+)?
                        $($($crate::pack::Packed::pack($field, to);)+)?
                    })+
                }
            }

            #[inline]
            fn unpack(from: &mut $crate::pack::Unpacker<'_>) -> Self {
                enum Tag { $($variant),+ }
                const WIDTH: u32 = $crate::pack::width([$(stringify!($variant)),+].len());
                let tag = from.bits(WIDTH);
                $(if tag == Tag::$variant as u64 {
                    $($(let $value = $crate::pack::Packed::unpack(from);)+)?
                    $($(let $field = $crate::pack::Packed::unpack(from);)+)?
                    return $name::$variant $(($($value),+))? $({$($field),+})?;
                })+
                unreachable!("every tag that is written is one of a variant")
            }
        }
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
                check((first, second));
            }
        }
        for number in 0..=u8::MAX {
            check((number, number / 2));
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
        let (mut packer, mut bytes) = (Packer::default(), Vec::new());
        value.pack(&mut packer);
        packer.append_to(&mut bytes);
        bytes
    }
}
