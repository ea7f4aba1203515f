//! Patches of one object's members: what is not named is copied byte for byte.

use std::ops::Range;

/// Edits of one JSON object's text, applied together by [`finish`](Self::finish).
///
/// Offsets are those that the scanner gave for the same text. New members go to the front, so that
/// the rules for commas stay simple.
#[derive(Debug)]
pub struct Patch<'t> {
    text: &'t [u8],
    /// New members, each followed by nothing; joined by commas.
    head: Vec<u8>,
    edits: Vec<(Range<usize>, Vec<u8>)>,
}

impl<'t> Patch<'t> {
    /// A patch of the object that `text` is.
    #[must_use]
    pub fn of(text: &'t [u8]) -> Self {
        Self {
            text,
            head: Vec::new(),
            edits: Vec::new(),
        }
    }

    /// Adds a member. `value` is JSON.
    pub fn insert(&mut self, name: &str, value: &[u8]) {
        if !self.head.is_empty() {
            self.head.push(b',');
        }
        super::push_literal(&mut self.head, name);
        self.head.push(b':');
        self.head.extend_from_slice(value);
    }

    /// Replaces the value that stands at `range` by other JSON.
    pub fn replace(&mut self, range: Range<usize>, value: impl Into<Vec<u8>>) {
        self.edits.push((range, value.into()));
    }

    /// Removes a member: from the `{` or `,` before it to the end of its value.
    pub fn remove(&mut self, member: Range<usize>) {
        // The `{` stays: a comma then comes first, or the closing brace.
        self.edits.push((member, Vec::new()));
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.edits.is_empty()
    }

    /// The patched text; `None` where an edit lies outside the text or over another, or the text
    /// is no object.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let open = self.text.iter().position(|b| *b == b'{')?;
        let body = open.checked_add(1)?;
        self.edits.sort_by_key(|(range, _)| range.start);

        // Removing the first member takes its `{` along: only the comma after it is left to drop.
        let first_removed = self
            .edits
            .first()
            .is_some_and(|(range, _)| range.start == open);
        let grown: usize = self.edits.iter().map(|(_, value)| value.len()).sum();
        let mut out = Vec::with_capacity(self.text.len() + self.head.len() + grown + 1);
        out.extend_from_slice(self.text.get(..body)?);
        out.extend_from_slice(&self.head);

        let mut rest = Vec::with_capacity(self.edits.len() + 1);
        let mut at = body;
        for (range, value) in &self.edits {
            let start = range.start.max(body);
            rest.push(self.text.get(at..start)?);
            rest.push(value);
            at = range.end;
        }
        rest.push(self.text.get(at..)?);
        join(&mut out, &rest, first_removed, !self.head.is_empty());
        Some(out)
    }
}

/// Appends `pieces`, mending the comma at the seam: one too many after a removed first member, one
/// missing after new members.
fn join(out: &mut Vec<u8>, pieces: &[&[u8]], first_removed: bool, has_head: bool) {
    let mut bytes = pieces.iter().flat_map(|piece| piece.iter());
    let next = bytes.find(|b| !b.is_ascii_whitespace());
    let drop_comma = first_removed && !has_head && next == Some(&b',');
    if has_head && !matches!(next, Some(b',' | b'}')) {
        out.push(b',');
    }
    let mut dropped = !drop_comma;
    for piece in pieces {
        if dropped {
            out.extend_from_slice(piece);
        } else if let Some(comma) = piece.iter().position(|b| *b == b',') {
            dropped = true;
            out.extend_from_slice(piece.get(comma.saturating_add(1)..).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Scanner;

    /// Patches `text`: removes `remove`, replaces the values of `set` or inserts them.
    fn patched(text: &str, remove: &[&str], set: &[(&str, &str)]) -> String {
        let mut patch = Patch::of(text.as_bytes());
        let mut scanner = Scanner::new(text.as_bytes());
        let mut object = scanner.enter().unwrap();
        let mut missing: Vec<_> = set.to_vec();
        while let Some(member) = scanner.member(&mut object).unwrap() {
            let value = scanner.value().unwrap();
            if remove.iter().any(|name| *member.name == *name.as_bytes()) {
                patch.remove(member.start..value.end());
            }
            if let Some(n) = missing
                .iter()
                .position(|(name, _)| *member.name == *name.as_bytes())
            {
                let (_, new) = missing.remove(n);
                patch.replace(value.start..value.end(), new.as_bytes());
            }
        }
        for (name, value) in missing {
            patch.insert(name, value.as_bytes());
        }
        String::from_utf8(patch.finish().unwrap()).unwrap()
    }

    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

    #[test]
    fn table() {
        let text = r#"{"a": 1, "b": [1, 2] , "c":"x"}"#;
        let cases: &[Case<'_>] = &[
            (&[], &[], text),
            (&["a"], &[], r#"{ "b": [1, 2] , "c":"x"}"#),
            (&["b"], &[], r#"{"a": 1 , "c":"x"}"#),
            (&["c"], &[], r#"{"a": 1, "b": [1, 2] }"#),
            (&["a", "b"], &[], r#"{ "c":"x"}"#),
            (&["b", "c"], &[], r#"{"a": 1 }"#),
            (&["a", "c"], &[], r#"{ "b": [1, 2] }"#),
            (&["a", "b", "c"], &[], "{ }"),
            (&[], &[("b", "2")], r#"{"a": 1, "b": 2 , "c":"x"}"#),
            (
                &[],
                &[("d", "2")],
                r#"{"d":2,"a": 1, "b": [1, 2] , "c":"x"}"#,
            ),
            (&["a"], &[("d", "2")], r#"{"d":2, "b": [1, 2] , "c":"x"}"#),
            (
                &["a", "b", "c"],
                &[("d", "2"), ("e", "3")],
                r#"{"d":2,"e":3 }"#,
            ),
            (
                &["a"],
                &[("c", "null"), ("d", "2")],
                r#"{"d":2, "b": [1, 2] , "c":null}"#,
            ),
        ];
        for (remove, set, expected) in cases {
            let out = patched(text, remove, set);
            assert_eq!(&out, expected, "{remove:?} {set:?}");
            assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
        }
    }

    #[test]
    fn empty_objects_and_space() {
        assert_eq!(patched(" { } ", &[], &[("a", "1")]), r#" {"a":1 } "#);
        assert_eq!(patched("{}", &[], &[]), "{}");
        assert_eq!(patched("{\"a\" : 1\n,\"b\":2}", &["a"], &[]), "{\"b\":2}");
    }

    #[test]
    fn edits_outside_the_text_are_refused() {
        let edit = |range: Range<usize>| {
            let mut patch = Patch::of(br#"{"a":1,"b":2}"#);
            patch.replace(5..6, b"9");
            patch.replace(range, b"8");
            patch.finish()
        };
        assert!(edit(11..12).is_some());
        assert!(edit(11..99).is_none());
        assert!(edit(99..100).is_none());
        assert!(edit(4..6).is_none());
        assert!(Patch::of(b"[]").finish().is_none());
    }
}
