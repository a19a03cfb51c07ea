//! Ranges of addresses in CIDR notation, of both families.

use std::fmt;
use std::net::IpAddr;

/// How many bits both kinds of address are kept in, from the left.
const BITS: u32 = 128;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cidr {
    first: u128,
    length: u32,
    is_v4: bool,
}

/// An address, its first bit leftmost, and whether it is of IPv4.
fn aligned(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(BITS - length).unwrap_or_default()
}

impl Cidr {
    /// The range that a text names, `10.0.0.0/8`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let ((bits, is_v4), length) = (aligned(address.parse().ok()?), length.parse().ok()?);
        let range = Self { first: bits & mask(BITS.min(length)), length, is_v4 };
        (length <= range.bits()).then_some(range)
    }

    fn bits(self) -> u32 {
        if self.is_v4 { 32 } else { BITS }
    }

    /// Whether two ranges have an address in common: then one lies in the other.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.length.min(other.length));
        self.is_v4 == other.is_v4 && self.first & mask == other.first & mask
    }

    /// Whether all of another range lies in this one.
    pub(crate) fn covers(self, other: Self) -> bool {
        self.length <= other.length && self.overlaps(other)
    }

    /// Whether an address lies in the range and is neither its first nor, in IPv4, its last.
    pub(crate) fn can_give(self, address: IpAddr) -> bool {
        let (bits, is_v4) = aligned(address);
        let mask = mask(self.length);
        let last = self.first | (!mask & self::mask(self.bits()));
        let is_inside = self.is_v4 == is_v4 && bits & mask == self.first;
        is_inside && bits != self.first && !(is_v4 && bits == last)
    }

    /// Whether the range is of IPv4.
    pub(crate) fn is_v4(self) -> bool {
        self.is_v4
    }

    /// How many bits its addresses have in common.
    pub(crate) fn length(self) -> u32 {
        self.length
    }

    /// How many ranges of a length lie in this one; `None` where none does.
    pub(crate) fn count(self, length: u32) -> Option<u32> {
        let more = length.checked_sub(self.length).filter(|_| length <= self.bits())?;
        1_u32.checked_shl(more)
    }

    /// The range with this number of those of a length.
    pub(crate) fn nth(self, length: u32, index: u32) -> Self {
        let first = self.first | (u128::from(index) << (BITS - length));
        Self { first, length, is_v4: self.is_v4 }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.is_v4 {
            IpAddr::V4(u32::try_from(self.first >> 96).unwrap_or_default().into())
        } else {
            IpAddr::V6(self.first.into())
        };
        write!(formatter, "{address}/{}", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn a_range_is_read_and_written() {
        for (text, written) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/16", "10.1.0.0/16"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("fd00::1/64", "fd00::/64"),
        ] {
            assert_eq!(cidr(text).to_string(), written);
        }
        for text in ["", "10.0.0.0", "10.0.0.0/33", "::/129", "a/8", "10.0.0.0/-1"] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_overlap_when_one_lies_in_the_other() {
        let (wide, narrow) = (cidr("10.0.0.0/8"), cidr("10.1.0.0/16"));

        assert!(wide.overlaps(narrow) && narrow.overlaps(wide));
        assert!(wide.covers(narrow) && wide.covers(wide) && !narrow.covers(wide));
        assert!(!narrow.overlaps(cidr("10.2.0.0/16")));
        assert!(!cidr("0.0.0.0/0").overlaps(cidr("::/0")));
    }

    #[test]
    fn a_range_gives_neither_its_first_address_nor_its_last() {
        let range = cidr("10.0.0.0/30");
        let given = |text: &str| range.can_give(text.parse().unwrap());

        assert_eq!(
            ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "::1"].map(given),
            [false, true, true, false, false, false]
        );
        assert!(cidr("fd00::/126").can_give("fd00::3".parse().unwrap()));
        assert!(!cidr("fd00::/126").can_give("fd00::".parse().unwrap()));
    }

    #[test]
    fn a_range_is_cut_into_ranges() {
        let range = cidr("10.1.0.0/16");

        assert_eq!((range.count(24), range.count(16), range.count(15)), (Some(256), Some(1), None));
        assert_eq!(range.count(33), None);
        assert_eq!(range.nth(24, 0).to_string(), "10.1.0.0/24");
        assert_eq!(range.nth(24, 255).to_string(), "10.1.255.0/24");
        assert_eq!(cidr("fd00::/48").nth(64, 3).to_string(), "fd00:0:0:3::/64");
    }
}
