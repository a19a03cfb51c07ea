//! Bits that are written and read, a few at a time; and a hash of them.

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
