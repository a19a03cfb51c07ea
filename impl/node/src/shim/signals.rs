//! Signals that Rust programs ignore and containers must not.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Starts a process with the default handling of SIGPIPE, which a Rust program ignores and its children
/// would ignore too.
pub(super) fn with_default_pipe<T>(start: impl FnOnce() -> T) -> T {
    set(Signal::SIGPIPE, SigHandler::SigDfl);
    let started = start();
    ignore(Signal::SIGPIPE);
    started
}

/// Lets a signal come to nothing.
pub(super) fn ignore(signal: Signal) {
    set(signal, SigHandler::SigIgn);
}

#[expect(
    unsafe_code,
    reason = "handlers are process-wide; a shim has one thread and sets no function"
)]
fn set(which: Signal, handler: SigHandler) {
    // SAFETY: neither the default nor the ignoring handler runs any code of ours.
    let _never_refused = unsafe { signal(which, handler) };
}
