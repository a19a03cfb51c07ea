//! Large answers, made small for who takes them so.
//!
//! Source: apiserver/pkg/endpoints/handlers/responsewriters/writers.go, v1.36.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Smaller answers are sent as they are.
const BYTES_MIN: usize = 128 * 1024;

/// Whether an answer of this length is to be compressed.
pub(crate) fn is_wanted(headers: &HeaderMap, bytes: usize) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut accepted = accepted.flat_map(|value| value.split(','));
    bytes > BYTES_MIN && accepted.any(|encoding| encoding.trim().split(';').next() == Some("gzip"))
}

/// The same bytes as gzip, quickly rather than well. Nothing where that cannot be done.
pub(crate) fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, http::HeaderValue::from_static(value))])
    }

    #[test]
    fn only_large_answers_are_compressed_and_only_for_who_takes_them_so() {
        for (value, bytes, wanted) in [
            ("gzip", BYTES_MIN + 1, true),
            ("deflate, gzip;q=0.5", BYTES_MIN + 1, true),
            ("gzip", BYTES_MIN, false),
            ("br", BYTES_MIN + 1, false),
        ] {
            assert_eq!(is_wanted(&accepting(value), bytes), wanted, "{value}, {bytes} bytes");
        }
        assert!(!is_wanted(&HeaderMap::new(), BYTES_MIN + 1));
    }

    #[test]
    fn what_is_compressed_is_the_same_afterwards() {
        let bytes: Vec<u8> = (0..BYTES_MIN).map(|index| (index % 251) as u8).collect();
        let mut read = vec![];

        let small = gzip(&bytes).unwrap();
        flate2::read::GzDecoder::new(&small[..]).read_to_end(&mut read).unwrap();

        assert!(small.len() < bytes.len() / 10);
        assert_eq!(read, bytes);
    }
}
