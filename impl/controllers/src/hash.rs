//! Hashes that stand in names and labels.

use k8s_openapi::api::core::v1::PodTemplateSpec;

const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// Digits become letters that form no words. Source: apimachinery's util/rand `SafeEncodeString` (v1.36).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a pod template: FNV-1a over its JSON. Upstream's `ComputeHash` takes a printout of Go values,
/// which no other program can repeat; nothing depends on the hash but the names.
pub(crate) fn of_template(template: &PodTemplateSpec, collision_count: Option<i32>) -> String {
    let json = serde_json::to_vec(template).expect("a pod template is JSON");
    let salt = collision_count.map(i32::to_le_bytes);
    let bytes = json.into_iter().chain(salt.into_iter().flatten());
    safe_encode(bytes.fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME)))
}

/// FNV-1, 32 bits.
pub(crate) fn fnv_1(bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(OFFSET, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(byte))
}

/// A hash as it stands in names.
pub(crate) fn safe_encode(hash: u32) -> String {
    let digits = hash.to_string().into_bytes();
    let letter = |digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()]);
    digits.into_iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_1_gives_its_published_values() {
        assert_eq!(fnv_1([]), 0x811c_9dc5);
        assert_eq!(fnv_1(*b"foobar"), 0x31f0_b262);
    }

    #[test]
    fn digits_become_letters() {
        assert_eq!(safe_encode(1_234_567_890), "56789bcdf4");
    }
}
