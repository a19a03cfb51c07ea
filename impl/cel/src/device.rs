//! What expressions that select devices know of one.
//!
//! Source: dynamic-resource-allocation/cel/compile.go (v1.36).

use std::sync::LazyLock;

use crate::{Program, Type};

/// A device, as a driver describes it.
static VARIABLES: LazyLock<[(&str, Type); 1]> = LazyLock::new(|| {
    let fields = [
        ("driver", Type::String),
        ("allowMultipleAllocations", Type::Bool),
        ("attributes", Type::map(Type::map(Type::Dyn))),
        ("capacity", Type::map(Type::map(Type::Quantity))),
    ];
    [("device", Type::Object(fields.into()))]
});

/// Compiles an expression that says whether a device is meant, or says why that is not possible.
pub fn compile(expression: &str) -> Result<Program, String> {
    let program = Program::compile(expression, &*VARIABLES)
        .map_err(|why| format!("compilation failed: {why}"))?;
    let output = &program.output;
    if matches!(output, Type::Bool | Type::Dyn) {
        return Ok(program);
    }
    Err(format!("must evaluate to bool or the unknown type, not {output}"))
}
