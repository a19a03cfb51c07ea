//! IP addresses and blocks of them.
//!
//! Source: `apimachinery/pkg/util/validation/ip.go` and `ValidateEndpointIP` (v1.36), with
//! `StrictIPCIDRValidation` on.

use std::net::{IpAddr, Ipv6Addr};

use api::status::Cause;
use serde_json::json;

const NO_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// A block of addresses: those that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    address: IpAddr,
    prefix_length: u32,
}

impl Cidr {
    /// Understands a block even where strict validation refuses it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix_length) = text.split_once('/')?;
        let address = parse_sloppy(address)?;
        let is_number =
            !prefix_length.is_empty() && prefix_length.bytes().all(|byte| byte.is_ascii_digit());
        let prefix_length = prefix_length.parse().ok().filter(|_| is_number)?;
        let cidr = Self { address, prefix_length };
        (prefix_length <= cidr.bits()).then_some(cidr)
    }

    /// Whether it is of IPv6.
    pub(super) fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether `other` is a part of this block and smaller.
    pub(super) fn has_strict_subset(&self, other: &Self) -> bool {
        self.is_ipv6() == other.is_ipv6()
            && self.prefix_length < other.prefix_length
            && self.masked(number(other.address)) == self.masked(number(self.address))
    }

    fn bits(&self) -> u32 {
        if self.is_ipv6() { 128 } else { 32 }
    }

    fn masked(&self, address: u128) -> u128 {
        let host_bits = self.bits() - self.prefix_length;
        address.checked_shr(host_bits).unwrap_or(0).checked_shl(host_bits).unwrap_or(0)
    }

    fn is_masked(&self) -> bool {
        self.masked(number(self.address)) == number(self.address)
    }
}

/// What is wrong with an address.
pub(super) fn ip_errors(text: &str) -> Vec<String> {
    let Some(address) = parse_sloppy(text) else {
        return vec![NO_IP.to_owned()];
    };
    let mut errors = vec![];
    if text.parse::<IpAddr>().is_err() {
        errors.push("must not have leading 0s".to_owned());
    }
    if is_mapped(address) {
        errors.push("must not be an IPv4-mapped IPv6 address".to_owned());
    }
    errors
}

/// What is wrong with an address that is written in one way only.
pub(super) fn canonical_ip_errors(text: &str) -> Vec<String> {
    let errors = ip_errors(text);
    match text.parse::<IpAddr>() {
        Ok(address) if errors.is_empty() && address.to_string() != text => {
            vec![format!("must be in canonical form (\"{address}\")")]
        }
        Ok(_) | Err(_) => errors,
    }
}

/// What is wrong with a block.
pub(super) fn cidr_errors(text: &str) -> Vec<String> {
    let Some(cidr) = Cidr::parse(text) else {
        return vec![NO_CIDR.to_owned()];
    };
    let rule = if has_leading_zeros(text) {
        "must not have leading 0s in IP or prefix length"
    } else if is_mapped(cidr.address) {
        "must not have an IPv4-mapped IPv6 address"
    } else if !cidr.is_masked() {
        "must not have bits set beyond the prefix length"
    } else {
        return vec![];
    };
    vec![rule.to_owned()]
}

/// What is wrong with a block that is written in one way only.
pub(super) fn canonical_cidr_errors(text: &str) -> Vec<String> {
    let errors = cidr_errors(text);
    let canonical =
        Cidr::parse(text).map(|cidr| format!("{}/{}", cidr.address, cidr.prefix_length));
    match canonical {
        Some(canonical) if errors.is_empty() && canonical != text => {
            vec![format!("must be in canonical form (\"{canonical}\")")]
        }
        Some(_) | None => errors,
    }
}

/// What an address breaks to which no traffic should be sent.
pub(super) fn endpoint_ip_causes(field: &str, text: &str) -> Vec<Cause> {
    let invalid = |rule: &str| Cause::invalid(field, &json!(text), rule);
    let Some(address) = parse_sloppy(text) else {
        return vec![invalid("must be a valid IP address")];
    };
    let unspecified = format!("may not be unspecified ({text})");
    let rules = [
        (address.is_unspecified(), unspecified.as_str()),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (is_link_local(address), "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            is_link_local_multicast(address),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| invalid(rule)).collect()
}

/// The address, even when parts of it have leading zeros.
fn parse_sloppy(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let octets: Vec<&str> = text.split('.').map(without_leading_zeros).collect();
        octets.join(".").parse().ok()
    })
}

fn without_leading_zeros(octet: &str) -> &str {
    match octet.trim_start_matches('0') {
        "" if octet.is_empty() => octet,
        "" => "0",
        rest => rest,
    }
}

fn has_leading_zeros(cidr: &str) -> bool {
    let (address, prefix_length) = cidr.split_once('/').unwrap_or_default();
    address.parse::<IpAddr>().is_err()
        || (prefix_length.len() > 1 && prefix_length.starts_with('0'))
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
        IpAddr::V6(address) => is_ipv6_link_local_multicast(address),
    }
}

fn is_ipv6_link_local_multicast(address: Ipv6Addr) -> bool {
    matches!(address.octets(), [0xff, second, ..] if second & 0x0f == 0x02)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_wrong_with_it() {
        let table = [
            ("10.0.0.1", ""),
            ("2001:db8::1", ""),
            ("10.0.0.256", NO_IP),
            ("", NO_IP),
            ("010.0.0.1", "must not have leading 0s"),
            ("::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"),
        ];
        for (text, expected) in table {
            assert_eq!(ip_errors(text).join("\n"), expected, "{text}");
        }
        assert_eq!(
            canonical_ip_errors("2001:DB8::1"),
            ["must be in canonical form (\"2001:db8::1\")"]
        );
    }

    #[test]
    fn a_block_says_what_is_wrong_with_it() {
        let table = [
            ("10.0.0.0/8", ""),
            ("0.0.0.0/0", ""),
            ("::/0", ""),
            ("10.0.0.0/33", NO_CIDR),
            ("10.0.0.0", NO_CIDR),
            ("10.0.0.0/+8", NO_CIDR),
            ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
        ];
        for (text, expected) in table {
            assert_eq!(cidr_errors(text).join("\n"), expected, "{text}");
        }
        assert_eq!(
            canonical_cidr_errors("2001:0db8::/64"),
            ["must be in canonical form (\"2001:db8::/64\")"]
        );
    }

    #[test]
    fn a_part_of_a_block_is_smaller() {
        let cidr = |text: &str| Cidr::parse(text).unwrap();

        assert!(cidr("10.0.0.0/8").has_strict_subset(&cidr("10.1.0.0/16")));
        assert!(!cidr("10.0.0.0/8").has_strict_subset(&cidr("10.0.0.0/8")));
        assert!(!cidr("10.0.0.0/8").has_strict_subset(&cidr("11.0.0.0/16")));
        assert!(!cidr("::/0").has_strict_subset(&cidr("10.0.0.0/8")));
    }

    #[test]
    fn traffic_goes_to_no_local_address() {
        let table = [
            ("10.0.0.1", 0),
            ("0.0.0.0", 1),
            ("127.0.0.1", 1),
            ("169.254.0.1", 1),
            ("fe80::1", 1),
            ("224.0.0.1", 1),
            ("ff02::1", 1),
            ("a", 1),
        ];
        for (text, expected) in table {
            assert_eq!(endpoint_ip_causes("ip", text).len(), expected, "{text}");
        }
    }
}
