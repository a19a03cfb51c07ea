//! Names of images: `busybox` is `docker.io/library/busybox:latest`.

use oci_client::Reference;

use crate::Error;

/// The full reference that a name stands for.
pub(super) fn parse(name: &str) -> Result<Reference, Error> {
    name.parse().map_err(|error: oci_client::ParseError| Error::Image {
        image: name.to_owned(),
        reason: format!("couldn't parse image name: {error}"),
    })
}

/// The full form of a name.
pub(super) fn normalize(name: &str) -> Result<String, Error> {
    parse(name).map(|reference| reference.whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_of_the_default_registry_and_tag() {
        let full = normalize("busybox").unwrap();

        assert_eq!(full, "docker.io/library/busybox:latest");
    }

    #[test]
    fn a_name_with_a_registry_keeps_it() {
        let full = normalize("localhost:5000/a/b:1").unwrap();

        assert_eq!(full, "localhost:5000/a/b:1");
    }
}
