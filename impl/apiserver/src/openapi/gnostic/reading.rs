//! Reads messages, as tests need them.

/// The values of a field that holds bytes, in a message that has no others but numbers.
pub(in crate::openapi) fn fields(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let mut found = vec![];
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = varint(&mut message) as usize;
        if tag & 7 == 2 {
            let (value, rest) = message.split_at(length);
            found.extend((tag >> 3 == wanted).then_some(value));
            message = rest;
        }
    }
    found
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let (number, rest) = bytes.split_at(length);
    *bytes = rest;
    number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f))
}

/// The message under a name in a list of pairs.
pub(in crate::openapi) fn named<'a>(pairs: &[&'a [u8]], name: &str) -> &'a [u8] {
    let pair = pairs.iter().find(|pair| fields(pair, 1) == [name.as_bytes()]);
    fields(pair.unwrap_or_else(|| panic!("{name} is there")), 2)[0]
}

/// Follows fields of which there is one.
pub(in crate::openapi) fn follow<'a>(message: &'a [u8], path: &[u64]) -> &'a [u8] {
    path.iter().fold(message, |message, number| fields(message, *number)[0])
}
