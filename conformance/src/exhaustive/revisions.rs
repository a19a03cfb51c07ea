//! Revisions in texts that tell what a component knows: in JSON, and as Rust prints it for debugging.

/// The same text with something else in place of each revision.
pub(super) fn replace(text: &str, mut put: impl FnMut(u64) -> String) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut parts = text.split("esource");
    replaced.extend(parts.next());
    for part in parts {
        replaced.push_str("esource");
        let begin = part.find(|one: char| one.is_ascii_digit()).unwrap_or(0);
        let (head, rest) = part.split_at(begin);
        let end = rest.find(|one: char| !one.is_ascii_digit()).unwrap_or(rest.len());
        let (number, rest) = rest.split_at(end);
        let revision = number.parse().ok().filter(|_| leads_to_revision(head));
        replaced.push_str(head);
        replaced.push_str(&revision.map_or_else(|| number.to_owned(), &mut put));
        replaced.push_str(rest);
    }
    replaced
}

/// Whether this is the rest of a revision's name and what stands between it and the number: signs, and how
/// Rust wraps texts.
fn leads_to_revision(head: &str) -> bool {
    let name = head.strip_prefix("Version").or_else(|| head.strip_prefix("_version"));
    let is_sign = |gap: &str| !gap.contains(|one: char| one.is_alphabetic());
    name.is_some_and(|gap| gap.split("String").flat_map(|gap| gap.split("Some")).all(is_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_found_however_they_are_written() {
        let written = [
            r#"{"resourceVersion":"17","uid":"3"}"#,
            r#"[{\"resourceVersion\":\"17\",\"uid\":\"3\"}]"#,
            r#"Object {"resourceVersion": String("17"), "uid": String("3")}"#,
            r#"ObjectMeta { resource_version: Some("17"), uid: Some("3") }"#,
            "pods default/a-3 resourceVersion 17 ",
        ];

        for text in written {
            assert_eq!(replace(text, |found| format!("<{found}>")), text.replace("17", "<17>"));
        }
    }

    #[test]
    fn other_numbers_stay() {
        let text =
            r#"resources 3, {"resourceVersion":"","generation":5}, resource_version: None, 7"#;

        assert_eq!(replace(text, |_| String::new()), text);
    }
}
