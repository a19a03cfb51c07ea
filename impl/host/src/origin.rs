//! Who sent a request, for the trace: components say so in an extension, others in a header.

use api::trace::Origin;
use apiserver::User;
use http::header::USER_AGENT;
use http::request::Parts;

/// The sender of a request.
pub(crate) fn of(parts: &Parts, user: &User) -> Origin {
    parts.extensions.get::<Origin>().cloned().unwrap_or_else(|| {
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let program = agent.and_then(|agent| agent.split(['/', ' ']).next());
        let actor = program.filter(|program| !program.is_empty()).unwrap_or(&user.name);
        Origin::new(actor, 0)
    })
}
