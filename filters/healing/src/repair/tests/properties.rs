//! What holds for every text: never a panic, never anything but JSON, never more than linear time.

use super::*;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A linear congruential generator: enough variety, and the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        let parts = [
            "a", "Bob ", "\"", "'", "\\", "{", "]", ",", ": ", "\n", "é", "“", "😀", "```", "//",
            "\u{1}", "1",
        ];
        (0..self.below(6)).map(|_| self.pick(&parts)).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::from(self.below(1000)),
            3 => Value::from(self.below(1000) as f64 / -7.0),
            4 => Value::from(self.text()),
            5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(4))
                .map(|_| (self.text(), self.value(depth - 1)))
                .collect(),
        }
    }

    /// Any document, compact or indented.
    pub(crate) fn document(&mut self) -> String {
        let value = self.value(4);
        if self.below(2) == 0 {
            value.to_string()
        } else {
            format!("{value:#}")
        }
    }

    /// A document that has something in it.
    pub(crate) fn object(&mut self) -> String {
        format!("{{\"data\": {}}}", self.document())
    }
}

/// Repairs a text and checks everything that must hold whatever it is.
fn check(text: &str) -> Repair {
    if let Some((json, kinds)) = heal(text).filter(|_| !is_json(text)) {
        // The last strict check of `repair` is a safety net that nothing should fall into.
        let sound = match serde_json::from_str::<Value>(&json) {
            Ok(_) => true,
            // Valid by the grammar, and none of our business: it stays as it is.
            Err(_) if is_json(text.trim_matches(is_blank)) => true,
            Err(error) => error.to_string().starts_with("number out of range"),
        };
        assert!(sound, "{text:?} became {json:?}");
        assert!(!kinds.is_empty(), "{text:?} became {json:?} for no reason");
        assert_eq!(repair(&json), Repair::Valid);
    }
    repair(text)
}

#[test]
fn healing_valid_json_changes_nothing() {
    let mut random = Random(1);
    for _ in 0..2000 {
        assert_eq!(check(&random.document()), Repair::Valid);
    }
}

#[test]
fn wrapped_json_comes_out_as_it_was() {
    let mut random = Random(2);
    for _ in 0..2000 {
        let document = random.object();
        for text in [
            format!("```json\n{document}\n```"),
            format!("Sure! Here it is:\n\n{document}"),
            format!("{document}\n\nAnything else?"),
            format!("\u{feff}{document}"),
        ] {
            assert_eq!(repaired(&text).0, document);
        }
    }
}

/// What is cut off is lost, but everything before it comes back as it was.
#[test]
fn truncations_heal_to_what_was_there() {
    let mut random = Random(3);
    let mut documents: Vec<String> = (0..150).map(|_| random.document()).collect();
    documents.extend(
        DOCUMENTED
            .iter()
            .chain(TABLE)
            .map(|(text, ..)| (*text).to_owned()),
    );
    for document in documents {
        for (cut, _) in document.char_indices() {
            check(&document[..cut]);
        }
    }
    let document =
        r#"{"name": "Al\u00e9", "tags": ["a", "b\n"], "nested": {"x": -1.5e3, "y": [true, null]}}"#;
    // Before that there is no member that is complete.
    for cut in document.find(',').unwrap()..document.len() {
        let (json, kinds) = repaired(&document[..cut]);
        let stem = json.trim_end_matches(['}', ']', '"']);
        assert!(kinds.contains(Kind::MissingBracket), "{json}");
        // A literal or a number that was cut is completed; everything else is a prefix.
        assert!(
            document.starts_with(stem)
                || kinds.contains(Kind::Literal)
                || kinds.contains(Kind::Number),
            "{json}"
        );
    }
}

#[test]
fn mutations_never_break_it() {
    let mut random = Random(4);
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "`", "```", "\n", " ", "#", "//", "/*",
        "*/", "“", "’", "\u{feff}", "\u{a0}", "\u{0}", "-", "+", ".", "e", "0x", "nul", "True",
        "\\u", "\\ud83d", "😀", "word", "key:",
    ];
    let mut counts = [0; 3];
    for _ in 0..20_000 {
        let mut text: Vec<char> = random.object().chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len() + 1);
            let until = (at + random.below(3)).min(text.len());
            let piece = random.pick(&pieces);
            text.splice(at..until, piece.chars());
        }
        let text: String = text.into_iter().collect();
        counts[match check(&text) {
            Repair::Valid => 0,
            Repair::Repaired { .. } => 1,
            Repair::Hopeless => 2,
        }] += 1;
    }
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}

#[test]
fn noise_never_breaks_it() {
    let mut random = Random(5);
    for _ in 0..5000 {
        let bytes: Vec<u8> = (0..random.below(60))
            .map(|_| random.below(256) as u8)
            .collect();
        check(&String::from_utf8_lossy(&bytes));
        let dense = b"{}[]\",:'`\\ \n-1.eEtrufalsn#/*";
        let dense: String = (0..random.below(60))
            .map(|_| char::from(dense[random.below(dense.len())]))
            .collect();
        check(&dense);
    }
}

/// What is repeated in hostile texts: everything that could be tried, searched or looked ahead at
/// again and again.
#[rustfmt::skip]
pub(crate) const PATTERNS: &[&str] = &[
    "[", "{", "]", "}", "`", "```", "``` ", "\"", "'", "“", "\\", "#", "/*", "//", ",", " ",
    "\u{a0}", "\n", "[{", "{[", "[]", "[] ", "{} ", "[1] ", "{a} ", "{a: ", "{a:1} ", "{\"a\":",
    "{\"a\":1} ", "{\"a\":1 x ", "[\"a\" b ", "[\"a\" b] ", "```json\n{", "```json\n{\"a",
    "```\n[\"a\n", "{\"a\": \"b ", "{'a': 'b ", "{'a', ", "[' ", "['a', b", "[\"a\", \"", "{“a”: “",
    "a: 1\n", "[1\nword ", "{\"a\":1\nword ", "\"a\": \"b\", ",
    "Some {prose} with (brackets) [here]. ", "1 ", "1,", "9", "-", "[,", "[1 ", "[\"\\ud800",
    "{a:b c,", "{a:b c,d", "\"a, \"b\": ", "{a: x/", "}, \"a\": 1", "\"a\" 1 ", "\"a\" {", "]\"", "\"]", "1 \" ]", "], [",
];

/// The shortest of a few times that something takes.
pub(crate) fn shortest(mut work: impl FnMut()) -> Duration {
    let times = (0..3).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Asserts that four times the size takes at most eight times as long: what is quadratic takes sixteen, and
/// the machine may be busy.
pub(crate) fn assert_linear(what: &str, mut work: impl FnMut(usize), size: usize) {
    // A share of a second that something else has the processor for; what is quadratic takes far longer.
    let noise = Duration::from_millis(40);
    let mut last = (Duration::ZERO, Duration::ZERO);
    for _ in 0..5 {
        let quarter = shortest(|| work(size / 4));
        let whole = shortest(|| work(size));
        if whole <= quarter * 8 + noise {
            return;
        }
        last = (quarter, whole);
    }
    panic!("{what}: {last:?}");
}

#[test]
fn hostile_texts_take_linear_time() {
    let prefixes = [
        "",
        "{\"a\": ",
        "[",
        "[\"a\", ",
        "{\"a\": \"",
        "{\"a\": '",
        "```json\n{\"a\": \"",
        "[\"a\" b, ",
    ];
    for prefix in prefixes {
        for pattern in PATTERNS {
            let work = |size: usize| {
                let text = format!("{prefix}{}", pattern.repeat(size / pattern.len()));
                if let Repair::Repaired { json, .. } = repair(&text) {
                    // Nothing grows more than a control character that becomes six.
                    assert!(json.len() <= 6 * text.len() + 2 * parser::MAX_DEPTH);
                }
            };
            assert_linear(&format!("{prefix:?} and {pattern:?}"), work, 1 << 14);
        }
    }
}

#[test]
fn hostile_megabytes_take_linear_time() {
    let schema = Schema::parse(
        r##"{"type": "object", "properties": {"a": {"anyOf": [{"type": "integer"}, {"$ref": "#"}]}}}"##,
        false,
    )
    .unwrap();
    for pattern in [
        "[",
        "`",
        "'",
        "{a:1} ",
        "{\"a\":",
        "{a:b c,",
        "[1\nword ",
        "```json\n{\"a",
    ] {
        let work = |size: usize| {
            let _ = repair_to(&pattern.repeat(size / pattern.len()), &schema);
        };
        assert_linear(pattern, work, 1 << 20);
    }
}
