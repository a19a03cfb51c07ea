//! The lines that tell how far a start has come, each with the time it took.

use std::io::{self, Write};
use std::time::Instant;

/// Where step lines go.
pub(crate) struct Steps {
    out: Box<dyn Write + Send>,
    begun: Instant,
}

impl Steps {
    /// Steps on standard output.
    pub(crate) fn on_stdout() -> Self {
        Self::on(Box::new(io::stdout()))
    }

    /// Steps into a pipe.
    pub(crate) fn on(out: Box<dyn Write + Send>) -> Self {
        Self { out, begun: Instant::now() }
    }

    /// Something is done.
    pub(crate) fn done(&mut self, what: &str) {
        let milliseconds = self.begun.elapsed().as_millis();
        self.line(&format!("{milliseconds:>6} ms  {what}"));
    }

    /// A line without a time.
    pub(crate) fn line(&mut self, text: &str) {
        // Nobody may be listening; the work goes on.
        drop(writeln!(self.out, "{text}").and_then(|()| self.out.flush()));
    }
}
