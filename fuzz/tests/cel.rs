//! Expressions that were right once. Whoever writes one hears that it is wrong, or it comes to something, soon.

use cel::{Program, Type, Value};
use fuzz::{Mutator, runs};

/// Expressions that have everything in them, and come to `true`.
const RIGHT: [&str; 4] = [
    r#"device.name == 'a\x41' && device.size > 3 || !(1.5e3 >= 2.0) ? [1, 2u, -3].size() == 3 : {'a': b"x"}.a == b"x""#,
    r#"[1, 2, 3].filter(x, x % 2 == 1).map(x, x * 2).all(y, y in [2, 6]) && has({'a': 1}.a)"#,
    r#"cel.bind(n, device.name, n.matches('^a.*') && n.substring(1).split(',').join("-") == 'A')"#,
    r#"quantity('1Gi').compareTo(quantity("1G")) == 1 && semver('1.2.3-a.1+b').isLessThan(semver('v2', true))"#,
];

/// So many steps end every expression in less than a second.
const STEPS_MAX: u64 = 100_000;

fn evaluate(text: &str) -> Result<Value, String> {
    let fields = [("name", Type::String), ("size", Type::Dyn)];
    let program = Program::compile(text, &[("device", Type::Object(fields.into()))])?;
    let device = Value::map([("name", Value::string("aA")), ("size", Value::Int(4))]);
    program.evaluate(&[("device", device)], STEPS_MAX)
}

#[test]
fn what_is_fuzzed_is_right_at_first() {
    for text in RIGHT {
        assert_eq!(evaluate(text), Ok(Value::Bool(true)), "{text}");
    }
}

#[test]
fn an_expression_comes_to_something_or_is_refused() {
    for run in 0..runs(20_000) {
        let mut mutator = Mutator::new(run);
        let right = RIGHT[mutator.below(RIGHT.len())];
        let text = String::from_utf8_lossy(&mutator.mutated(right.as_bytes())).into_owned();

        if let Err(why) = evaluate(&text) {
            assert!(!why.is_empty(), "run {run}");
        }
    }
}
