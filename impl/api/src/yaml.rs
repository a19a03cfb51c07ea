//! JSON values as YAML, for people.

use serde_json::Value;

/// The text of a document; nothing where it cannot be written.
pub fn encode(value: &Value) -> Option<String> {
    serde_saphyr::to_string(value).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let texts = [
            "",
            " ",
            "a",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "~",
            "null",
            "Null",
            "true",
            "True",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "0o7",
            "017",
            "1_000",
            ".inf",
            "2026-11-26",
            "12:30:45",
            "- a",
            "a: b",
            "#",
            "a #b",
            "'",
            "\"",
            "\\",
            "%",
            "@",
            "`",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "{}",
            "[]",
            "a\nb",
            "a\n",
            "\n",
            " a",
            "a ",
            "\t",
            "\u{0}",
            "\u{7f}",
            "\u{2028}",
            "ü",
            "🦀",
            "---",
            "...",
            "=",
            "<<",
        ];
        let value = json!({
            "texts": texts.to_vec(), "number": 5, "negative": -1, "float": 0.25, "large": u64::MAX, "flag": true, "nothing": null,
            "empty": {}, "none": [], "nested": [[1, [2]], {"a": [{"b": {}}]}],
            "keys": {"yes": 1, "1": 2, "a: b": 3, "": 4, "a\nb": 5},
        });

        let text = encode(&value).unwrap();

        assert_eq!(crate::decode::parse_yaml(text.as_bytes()).unwrap().value, value, "{text}");
    }
}
