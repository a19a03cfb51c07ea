//! What expressions come to, and what is said of those that come to nothing.

use std::sync::Arc;

use api::quantity::Quantity;
use proptest::prelude::*;

use crate::{Map, Program, Semver, Type, Value};

/// A device with some attributes.
fn variables() -> [(&'static str, Type); 1] {
    let domains = Type::map(Type::map(Type::Dyn));
    let amounts = Type::map(Type::map(Type::Quantity));
    let fields = [("driver", Type::String), ("attributes", domains), ("capacity", amounts)];
    [("device", Type::Object(fields.into()))]
}

fn device() -> [(&'static str, Value); 1] {
    let own = Value::map([
        ("model", Value::string("a100")),
        ("cores", Value::Int(8)),
        ("healthy", Value::Bool(true)),
        ("version", Value::Semver(Arc::new(Semver::parse("1.2.3").unwrap()))),
    ]);
    let memory = Value::Quantity(Quantity::parse("40Gi").unwrap());
    let or_none = |own: Value| {
        let domains = Value::map([("dra.example.com", own)]);
        let Value::Map(domains) = domains else { unreachable!("it is one") };
        Value::Map(Arc::new((*domains).clone().or(Value::Map(Arc::new(Map::default())))))
    };
    [(
        "device",
        Value::map([
            ("driver", Value::string("dra.example.com")),
            ("attributes", or_none(own)),
            ("capacity", or_none(Value::map([("memory", memory)]))),
        ]),
    )]
}

fn compile(text: &str) -> Result<Program, String> {
    Program::compile(text, &variables())
}

fn evaluate(text: &str) -> Result<Value, String> {
    compile(text)?.evaluate(&device(), 10_000)
}

#[track_caller]
fn check(text: &str, expected: Value) {
    assert_eq!(evaluate(text), Ok(expected), "{text}");
}

#[track_caller]
fn holds(text: &str) {
    check(text, Value::Bool(true));
}

#[track_caller]
fn fails(text: &str, why: &str) {
    assert_eq!(evaluate(text), Err(why.to_owned()), "{text}");
}

#[test]
fn a_device_is_asked_for_its_attributes() {
    for text in [
        r#"device.driver == "dra.example.com""#,
        r#"device.attributes["dra.example.com"].model == 'a100'"#,
        r#"device.attributes["dra.example.com"].cores > 4"#,
        r#"device.attributes["dra.example.com"].healthy"#,
        r#""model" in device.attributes["dra.example.com"]"#,
        r#"!("model" in device.attributes["other.example.com"])"#,
        r#"!has(device.attributes["other.example.com"].model)"#,
        r#""dra.example.com" in device.attributes && !("other.example.com" in device.attributes)"#,
        r#"cel.bind(dra, device.attributes["dra.example.com"], dra.healthy && dra.cores == 8)"#,
        r#"device.attributes["dra.example.com"].version.isGreaterThan(semver("1.2.2"))"#,
        r#"device.attributes["dra.example.com"].version.compareTo(semver("v1.3", true)) == -1"#,
        r#"device.capacity["dra.example.com"].memory.compareTo(quantity("40Gi")) >= 0"#,
        r#"device.capacity["dra.example.com"].memory.isLessThan(quantity("41Gi"))"#,
        r#"quantity("1k").add(1).sub(quantity("1")).asInteger() == 1000"#,
        r#"isSemver("1.0.0") && !isQuantity("x") && quantity("-1").sign() == -1"#,
    ] {
        holds(text);
    }
}

#[test]
fn operators_bind_as_the_specification_says() {
    check("1 + 2 * 3 - 8 / 2 % 3", Value::Int(6));
    check("-2 - -3", Value::Int(1));
    check("2u * 3u", Value::Uint(6));
    check("1.5 + .5e1", Value::Double(6.5));
    check("false ? 1 : true ? 2 : 3", Value::Int(2));
    holds("1 < 2 && 2 <= 2 || false");
    holds("1 == dyn(1.0) && dyn(1) == 1u && 1 != dyn('1')");
    holds("[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2]");
    holds("{'a': 1}.a == {'a': 1}['a'] && 'a' in {'a': 1}");
    holds("-9223372036854775808 < 0 && 0xF == 15");
}

#[test]
fn texts_are_read_as_the_specification_says() {
    check(r#""a\n\x41\u00e9\101""#, Value::string("a\nAéA"));
    check(r#"r"a\n""#, Value::string("a\\n"));
    check("'''a'b'''", Value::string("a'b"));
    check(r#"b"\xff" + b"a""#, Value::Bytes([0xff, b'a'].into()));
    check("'a' // b", Value::string("a"));
}

#[test]
fn macros_go_through_members() {
    holds("[1, 2, 3].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x > 1)");
    holds("[1, 2, 3].filter(x, x > 1) == [2, 3] && [1, 2].map(x, x * 2) == [2, 4]");
    holds("[1, 2, 3].map(x, x > 1, x + 1) == [3, 4]");
    holds("{'a': 1, 'b': 2}.all(k, k < 'c')");
    holds("[0, 1].exists(x, 1 / x == 1)");
    fails("[0, 2].exists(x, 1 / x == 1)", "division by zero");
}

#[test]
fn texts_have_their_functions() {
    for text in [
        "'tacocat'.startsWith('taco') && 'tacocat'.endsWith('cat') && 'tacocat'.contains('oc')",
        "'tacocat'.matches('^t.*t$') && matches('a', 'a+')",
        "'tacocat'.charAt(4) == 'c' && 'tacocat'.indexOf('c', 3) == 4 && 'aa'.lastIndexOf('a') == 1",
        "'aB'.lowerAscii() == 'ab' && 'aB'.upperAscii() == 'AB' && ' a '.trim() == 'a'",
        "'aaa'.replace('a', 'b', 2) == 'bba' && 'a,b'.split(',').join('-') == 'a-b'",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
        "size('é') == 1 && 'abc'.size() == 3 && int('7') == 7 && string(7) == '7'",
        "double('1.5') == 1.5 && uint(7) == 7u && bool('true') && type(1) == int",
    ] {
        holds(text);
    }
}

#[test]
fn one_side_may_decide_where_the_other_fails() {
    check("1 / 0 == 1 && false", Value::Bool(false));
    check("1 / 0 == 1 || true", Value::Bool(true));
    fails("1 / 0 == 1 || false", "division by zero");
}

#[test]
fn what_fails_is_told_in_upstreams_words() {
    fails(r#"device.attributes["dra.example.com"].missing"#, "no such key: missing");
    fails(r#"device.attributes["other.example.com"].model == "x""#, "no such key: model");
    fails(r#"device.attributes["dra.example.com"].cores.startsWith("8")"#, "no such overload");
    fails(r#"device.attributes["dra.example.com"].model && true"#, "no such overload");
    fails("9223372036854775807 + 1 > 0", "integer overflow");
    fails("[1][1] == 1", "index out of bounds: 1");
    fails(
        "quantity('x').sign() == 0",
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
    fails("quantity('1500m').asInteger() == 0", "cannot convert value to integer");
    fails("int('x') == 1", "type conversion error from 'string' to 'int'");
}

#[test]
fn what_cannot_mean_anything_is_told_before_it_is_asked() {
    for (text, why) in [
        ("foo", "1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"),
        ("device.foo", "1:7: undefined field 'foo'\n | device.foo\n | ......^"),
        (
            "1 + 'a' == 2",
            "1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a' == 2\n | ..^",
        ),
        (
            "device.driver.startsWith(1)",
            "1:25: found no matching overload for 'startsWith' applied to 'string.(int)'\n \
             | device.driver.startsWith(1)\n | ........................^",
        ),
        (
            "nothing()",
            "1:8: undeclared reference to 'nothing' (in container '')\n | nothing()\n | .......^",
        ),
        ("1.2.3", "1:4: Syntax error: mismatched input '.3'\n | 1.2.3\n | ...^"),
        ("1 +", "1:4: Syntax error: mismatched input '<EOF>'\n | 1 +\n | ...^"),
        ("'a", "1:1: Syntax error: token recognition error at: ''a'\n | 'a\n | ^"),
        ("has(1)", "1:4: invalid argument to has() macro\n | has(1)\n | ...^"),
        ("\n  @", "2:3: Syntax error: token recognition error at: '@'\n |   @\n | ..^"),
    ] {
        assert_eq!(compile(text).unwrap_err(), format!("ERROR: <input>:{why}"), "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_told() {
    let why = compile("foo && bar").unwrap_err();

    assert_eq!(why.matches("undeclared reference").count(), 2);
}

#[test]
fn what_takes_too_long_ends() {
    let members = vec!["1"; 30].join(",");
    let text = format!("[{members}].all(x, [{members}].all(y, [{members}].all(z, x + y + z > 0)))");

    assert_eq!(evaluate(&text), Err("operation cancelled: actual cost limit exceeded".to_owned()));
}

#[test]
fn what_is_too_deep_is_refused() {
    for text in [
        format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("{}true", "!".repeat(5000)),
        format!("1{}", "+1".repeat(5000)),
        format!("device{}", ".a".repeat(5000)),
        format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
    ] {
        assert!(compile(&text).unwrap_err().contains("expression recursion limit exceeded: "));
    }
    assert!(evaluate(&format!("{}true", "!".repeat(98))).is_ok());
    assert!(evaluate(&format!("{}1{} == 1", "(".repeat(90), ")".repeat(90))).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        drop(evaluate(&text));
    }

    #[test]
    fn no_pieces_make_it_panic(pieces in proptest::collection::vec(0..PIECES.len(), 0..12)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        drop(evaluate(&text));
    }
}

const PIECES: [&str; 30] = [
    "1", "2u", "1.5", "'a'", "b'a'", "true", "null", "[", "]", "(", ")", "{", "}", ":", ",", ".",
    "?", "+", "-", "*", "==", "&&", " in ", "device", ".all(x, ", "size(", "x", "int(", "r'''",
    "\\",
];
