//! The key that service account tokens are signed with.
//!
//! Source: RFC 7515 (JSON Web Signature), RFC 7517 (JSON Web Key), RFC 7518 section 3.4 (ES256).

use std::fmt;

use apiserver::token::{NotSigned, TokenKeys};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use controllers::TokenSigner;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde_json::{Value, json};

/// The only algorithm.
const ALGORITHM: &str = "ES256";

/// What stands before the point in the DER of a public P-256 key (RFC 5480).
const PUBLIC_KEY_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The key cannot be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of service account tokens is not a P-256 key in PKCS#8")]
pub struct KeyError;

/// Signs tokens, and tells which ones it has signed.
pub struct EcdsaKeys {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    id: String,
}

impl fmt::Debug for EcdsaKeys {
    /// Without the private key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EcdsaKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

impl EcdsaKeys {
    /// A new key.
    pub fn generate() -> Result<Self, KeyError> {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::from_pkcs8(pkcs8.map_err(|_| KeyError)?.as_ref())
    }

    /// The key with this PKCS#8 DER.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map_err(|_| KeyError)?;
        let public = [&PUBLIC_KEY_PREFIX, pair.public_key().as_ref()].concat();
        let id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &public));
        Ok(Self { pair, random, id })
    }
}

impl TokenSigner for EcdsaKeys {
    fn token(&self, claims: &Value) -> Option<String> {
        self.sign(claims).ok()
    }
}

impl TokenKeys for EcdsaKeys {
    fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    fn sign(&self, claims: &Value) -> Result<String, NotSigned> {
        let header = json!({"alg": ALGORITHM, "kid": self.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).map_err(|_| NotSigned)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn has_signed(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let header = signed.split('.').next().and_then(decode_part).unwrap_or_default();
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key());
        header["alg"] == ALGORITHM && key.verify(signed.as_bytes(), &signature).is_ok()
    }

    fn public(&self) -> Value {
        let coordinates = &self.pair.public_key().as_ref()[1..];
        let (x, y) = coordinates.split_at(coordinates.len() / 2);
        json!({
            "use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": ALGORITHM,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}

fn decode_part(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_its_key_has_signed_and_nothing_else() {
        let (keys, others) = (EcdsaKeys::generate().unwrap(), EcdsaKeys::generate().unwrap());
        let token = keys.sign(&json!({"sub": "ada"})).unwrap();
        let forged = {
            let parts: Vec<_> = token.split('.').collect();
            let claims = URL_SAFE_NO_PAD.encode(json!({"sub": "eve"}).to_string());
            format!("{}.{claims}.{}", parts[0], parts[2])
        };

        assert!(keys.has_signed(&token));
        assert!(!others.has_signed(&token));
        assert!(!keys.has_signed(&forged));
        for garbage in ["", "a", "a.b.c", "..", "ä.ö.ü"] {
            assert!(!keys.has_signed(garbage), "{garbage}");
        }
    }

    #[test]
    fn an_unsigned_token_is_none_even_if_it_says_so() {
        let keys = EcdsaKeys::generate().unwrap();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.", part(json!({"alg": "none"})), part(json!({"sub": "eve"})));

        assert!(!keys.has_signed(&token));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(EcdsaKeys::from_pkcs8(b"no key").unwrap_err(), KeyError);
    }
}
