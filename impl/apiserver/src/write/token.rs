//! POST of `serviceaccounts/NAME/token`.

use api::Status;

use crate::call::Decision;
use crate::token;
use crate::write::{Write, body, create};
use crate::{admission, negotiate};

/// Decides about a request for a token.
pub(crate) fn request_token(write: Write<'_>) -> Result<Decision, Status> {
    negotiate::format(write.call, write.target)?;
    let body::Body { mut object, warnings } = body::of_kind(write.call, &token::TOKEN_REQUEST)?;
    create::set_type(&token::TOKEN_REQUEST, &mut object);
    admission::admit_subresource(write)?;
    let mut decision = token::request(write, object)?;
    if let Decision::Respond(response) = &mut decision {
        response.warnings = warnings;
    }
    Ok(decision)
}
