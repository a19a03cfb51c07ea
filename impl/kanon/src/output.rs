//! Prints what a command found, for people or for programs.

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;

use crate::cli::Output;

/// Prints a value. Whoever reads may stop reading.
pub(crate) fn print<T: Serialize + Display>(value: &T, output: Output) {
    let mut out = std::io::stdout();
    drop(match output {
        Output::Text => writeln!(out, "{value}"),
        Output::Json => writeln!(out, "{}", serde_json::json!(value)),
    });
}
