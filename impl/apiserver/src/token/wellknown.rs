//! What others need to check tokens by themselves. Source: OpenID Connect Discovery 1.0, section 4.

use serde_json::json;

use super::{ISSUER, TokenKeys};
use crate::call::Response;

/// `/.well-known/openid-configuration`.
pub(crate) fn configuration(keys: &dyn TokenKeys) -> Response {
    let document = json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}/openid/v1/jwks"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.algorithm()],
    });
    Response::json(200, &document)
}

/// `/openid/v1/jwks`: the public keys.
pub(crate) fn key_set(keys: &dyn TokenKeys) -> Response {
    let document = json!({"keys": [keys.public()]});
    Response::bytes(200, "application/jwk-set+json", document.to_string().into_bytes())
}
