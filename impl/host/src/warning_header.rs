//! `Warning` headers: what a client is told beside its answer.

use std::collections::BTreeSet;

use http::header::WARNING;
use http::{HeaderMap, HeaderValue};

/// How many characters all texts have together before each is cut.
/// Source: apiserver/pkg/endpoints/filters/warning.go, v1.36.
const ALL_CHARACTERS_MAX: usize = 4096;

/// How many characters are left of a text that is cut.
const CUT_CHARACTERS: usize = 256;

/// Adds a header for each text, once. Texts that a header cannot hold are left out.
pub(crate) fn add(headers: &mut HeaderMap, texts: &[String]) {
    let mut seen = BTreeSet::new();
    let texts: Vec<&String> = texts
        .iter()
        .filter(|text| !text.chars().any(char::is_control) && seen.insert(text.as_str()))
        .collect();
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let length = if characters > ALL_CHARACTERS_MAX { CUT_CHARACTERS } else { usize::MAX };
    let mut written = 0;
    for text in texts {
        if written >= ALL_CHARACTERS_MAX {
            return;
        }
        let text: String = text.chars().take(length).collect();
        written += text.chars().count();
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{text}\"").as_bytes()) {
            headers.append(WARNING, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(texts: &[&str]) -> Vec<String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut headers = HeaderMap::new();
        add(&mut headers, &texts);
        let values = headers.get_all(WARNING).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    #[test]
    fn a_text_is_quoted_and_told_once() {
        assert_eq!(told(&[r#"a "b" \c"#, "d", "d"]), [r#"299 - "a \"b\" \\c""#, r#"299 - "d""#]);
    }

    #[test]
    fn a_text_that_no_header_can_hold_is_left_out() {
        assert_eq!(told(&["a\nb", "é"]), [r#"299 - "é""#]);
    }

    #[test]
    fn many_long_texts_are_cut() {
        let texts: Vec<String> = ('a'..='z').map(|letter| letter.to_string().repeat(300)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();

        let told = told(&texts);

        let quotes = r#"299 - """#.len();
        assert_eq!(told.len(), ALL_CHARACTERS_MAX / CUT_CHARACTERS);
        assert!(told.iter().all(|text| text.len() == CUT_CHARACTERS + quotes));
    }
}
