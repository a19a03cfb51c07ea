//! Bits that are written and read, a few at a time; and a hash of them.

/// Bits that were written.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
    /// How many bits of the last word were written.
    used: u32,
}

impl Bits {
    /// Writes anew.
    #[inline(always)]
    pub fn write(&mut self, write: impl FnOnce(&mut Packer<'_>)) -> &Self {
        self.words.clear();
        let mut packer = Packer { words: &mut self.words, last: 0, used: 0 };
        write(&mut packer);
        let Packer { last, used, .. } = packer;
        self.words.push(last);
        self.used = used;
        self
    }

    /// A hash of all that was written.
    pub fn fingerprint(&self) -> u64 {
        let folded = self.words.iter().fold(SEED, |hash, word| wide(hash ^ word, FACTOR));
        fold(folded, u64::from(self.used) ^ (self.words.len() as u64) << 32)
    }

    /// Appends the bits, rounded up to bytes, to a list of bytes.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        let Some((last, whole)) = self.words.split_last() else {
            return;
        };
        whole.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes.extend_from_slice(&last.to_le_bytes()[..self.used.div_ceil(8) as usize]);
    }
}

/// Writes bits. It stays in registers as long as all that writes with it is inlined, which makes the
/// packing of a state twice as fast.
#[derive(Debug)]
pub struct Packer<'a> {
    words: &'a mut Vec<u64>,
    last: u64,
    used: u32,
}

impl Packer<'_> {
    /// Appends the lowest `width` bits of a value.
    #[inline(always)]
    pub fn bits(&mut self, value: u64, width: u32) {
        self.last |= value << self.used;
        self.used += width;
        if self.used >= 64 {
            push(self.words, self.last);
            self.used -= 64;
            self.last = value.checked_shr(width - self.used).unwrap_or(0);
        }
    }

    /// Appends a number: two bits below three, seven below nineteen, 35 for any other.
    #[inline(always)]
    pub fn number(&mut self, value: u32) {
        let (bits, width) = if value < 3 { (u64::from(value), 2) } else { large_number(value) };
        self.bits(bits, width);
    }
}

#[inline(never)]
fn push(words: &mut Vec<u64>, word: u64) {
    words.push(word);
}

#[cold]
fn large_number(value: u32) -> (u64, u32) {
    match value {
        ..19 => (0b011 | u64::from(value - 3) << 3, 7),
        19.. => (0b111 | u64::from(value) << 3, 35),
    }
}

const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash with one more word in it: a wide multiplication, whose halves are mixed, twice.
#[inline]
pub fn fold(hash: u64, word: u64) -> u64 {
    let mixed = wide(hash ^ word, FACTOR);
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
    #[inline(always)]
    pub fn bits(&mut self, width: u32) -> u64 {
        let bits = self.peek(width);
        self.skip(width);
        bits
    }

    /// The next `width` bits, which are read again; at most 56.
    #[inline(always)]
    pub fn peek(&self, width: u32) -> u64 {
        let byte = self.position / 8;
        let word = match self.bytes.get(byte..byte + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => last_bytes(self.bytes, byte),
        };
        word >> (self.position % 8) & ((1 << width) - 1)
    }

    /// Leaves out the next `width` bits.
    #[inline(always)]
    pub fn skip(&mut self, width: u32) {
        self.position += width as usize;
    }

    /// The next number, as [`Packer::number`] wrote it.
    #[inline(always)]
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
}

#[cold]
fn last_bytes(bytes: &[u8], from: usize) -> u64 {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// How many bits tell so many variants apart.
pub const fn width(variants: usize) -> u32 {
    usize::BITS - (variants - 1).leading_zeros()
}
