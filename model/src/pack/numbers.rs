//! Numbers as bits: few where they are small, and several small ones at once.

use super::{Packed, Packer, Unpacker};

/// The lower bit of each number of two bits.
const LOWER: u64 = 0x5555_5555_5555_5555;

macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl Packed for $number {
            #[inline(always)]
            fn pack(&self, to: &mut Packer<'_>) {
                to.number(u32::from(*self));
            }

            #[inline(always)]
            fn unpack(from: &mut Unpacker<'_>) -> Self {
                from.number() as $number
            }

            #[inline(always)]
            fn pack_all<const N: usize>(values: &[Self; N], to: &mut Packer<'_>) {
                pack_numbers(values, |value| u32::from(value), to);
            }

            #[inline(always)]
            fn unpack_all<const N: usize>(from: &mut Unpacker<'_>) -> [Self; N] {
                unpack_numbers(from).map(|number| number as $number)
            }
        })*
    };
}

numbers!(u8 u16 u32);

#[inline(always)]
fn pack_numbers<T: Copy, const N: usize>(
    values: &[T; N],
    number: impl Fn(T) -> u32,
    to: &mut Packer<'_>,
) {
    const { assert!(N <= 28, "they do not fit into one read of an unpacker") };
    let small = |value: T| u64::from(number(value).min(3));
    let word = values.iter().rev().fold(0, |word, value| word << 2 | small(*value));
    if are_small(word) {
        to.bits(word, 2 * N as u32);
    } else {
        for value in values {
            to.number(number(*value));
        }
    }
}

#[inline(always)]
fn unpack_numbers<const N: usize>(from: &mut Unpacker<'_>) -> [u32; N] {
    let word = from.peek(2 * N as u32);
    if are_small(word) {
        from.skip(2 * N as u32);
        std::array::from_fn(|place| (word >> (2 * place)) as u32 & 3)
    } else {
        std::array::from_fn(|_| from.number())
    }
}

/// Whether each number of two bits is below three.
fn are_small(word: u64) -> bool {
    word & word >> 1 & LOWER == 0
}
