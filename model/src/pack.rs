//! States as few bits: what the packed checker hashes, and keeps of those it has not looked at yet.
//!
//! A value is written field by field, an enum as its variant and then its fields. Small numbers take
//! two bits. The code is prefix-free, so two values have the same bits only if they are equal.

/// A value that can be written as bits and read back.
pub trait Packed: Sized {
    /// Appends it.
    fn pack(&self, to: &mut Packer);
    /// Reads what `pack` wrote.
    fn unpack(from: &mut Unpacker<'_>) -> Self;
}

/// Bits that are being written.
#[derive(Clone, Debug, Default)]
pub struct Packer {
    words: Vec<u64>,
    last: u64,
    used: u32,
}

impl Packer {
    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.words.clear();
        self.last = 0;
        self.used = 0;
    }

    /// Appends the lowest `width` bits of a value.
    #[inline(always)]
    pub fn bits(&mut self, value: u64, width: u32) {
        self.last |= value << self.used;
        self.used += width;
        if self.used >= 64 {
            self.next_word(value, width);
        }
    }

    /// Begins a word with those bits of the value for which the last had no room.
    #[inline(never)]
    fn next_word(&mut self, value: u64, width: u32) {
        self.words.push(self.last);
        self.used -= 64;
        self.last = value.checked_shr(width - self.used).unwrap_or(0);
    }

    /// Appends a number: two bits below three, seven below nineteen, 35 for any other.
    #[inline(always)]
    pub fn number(&mut self, value: u32) {
        if value < 3 {
            self.bits(u64::from(value), 2);
        } else {
            self.large_number(value);
        }
    }

    #[inline(never)]
    fn large_number(&mut self, value: u32) {
        match value {
            ..19 => self.bits(0b011 | u64::from(value - 3) << 3, 7),
            19.. => self.bits(0b111 | u64::from(value) << 3, 35),
        }
    }

    /// A hash of all that was written.
    pub fn fingerprint(&self) -> u64 {
        let folded = self.words.iter().fold(SEED, |hash, word| fold(hash, *word));
        fold(fold(folded, self.last), u64::from(self.used) ^ (self.words.len() as u64) << 32)
    }

    /// Appends the bits, rounded up to bytes, to a list of bytes.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        self.words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes.extend_from_slice(&self.last.to_le_bytes()[..self.used.div_ceil(8) as usize]);
    }
}

const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// A hash with one more word in it: a wide multiplication, whose halves are mixed, twice.
#[inline]
pub fn fold(hash: u64, word: u64) -> u64 {
    let mixed = wide(hash ^ word, 0x9e37_79b9_7f4a_7c15);
    wide(mixed ^ word.rotate_left(32), 0xd6e8_feb8_6659_fd93)
}

fn wide(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64 ^ a.rotate_left(29)
}

/// Bits that are being read.
#[derive(Debug)]
pub struct Unpacker<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Unpacker<'a> {
    /// Reads from the first bit of these bytes on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Unpacker { bytes, position: 0 }
    }

    /// The next `width` bits; at most 56.
    #[inline]
    pub fn bits(&mut self, width: u32) -> u64 {
        let byte = self.position / 8;
        let word = match self.bytes.get(byte..byte + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => self.last_bytes(byte),
        };
        let shifted = word >> (self.position % 8);
        self.position += width as usize;
        shifted & ((1 << width) - 1)
    }

    /// The next number, as [`Packer::number`] wrote it.
    #[inline]
    pub fn number(&mut self) -> u32 {
        match self.bits(2) {
            3 if self.bits(1) == 0 => self.bits(4) as u32 + 3,
            3 => self.bits(32) as u32,
            small => small as u32,
        }
    }

    /// How many bytes have been begun.
    pub fn bytes_read(&self) -> usize {
        self.position.div_ceil(8)
    }

    fn last_bytes(&self, from: usize) -> u64 {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }
}

/// How many bits tell so many variants apart.
pub const fn width(variants: usize) -> u32 {
    usize::BITS - (variants - 1).leading_zeros()
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
