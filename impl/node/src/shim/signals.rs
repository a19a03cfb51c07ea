//! Signals that Rust programs ignore and containers must not.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Starts a process with the default handling of SIGPIPE, which a Rust program ignores and its children
/// would ignore too.
pub(super) fn with_default_pipe<T>(start: impl FnOnce() -> T) -> T {
    set(SigHandler::SigDfl);
    let started = start();
    set(SigHandler::SigIgn);
    started
}

#[expect(
    unsafe_code,
    reason = "handlers are process-wide; a shim has one thread and sets no function"
)]
fn set(handler: SigHandler) {
    // SAFETY: neither the default nor the ignoring handler runs any code of ours.
    let _never_refused = unsafe { signal(Signal::SIGPIPE, handler) };
}
