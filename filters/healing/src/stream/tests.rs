use super::*;
use crate::repair::tests::properties::{PATTERNS, Random, assert_linear};
use crate::repair::tests::{DOCUMENTED, HOPELESS, TABLE, VALID};
use crate::repair::{Repair, repair};
use serde_json::Value;

const ANY: Roots = Roots {
    object: true,
    array: true,
};

/// What leaves of a text in these pieces, and what is said of it.
fn emitted<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
    let mut emitter = Emitter::new(ANY);
    let mut out = String::new();
    for piece in pieces {
        out.push_str(&emitter.push(piece));
    }
    out.push_str(&emitter.finish());
    let (verdict, kinds) = emitter.verdict();
    (out, format!("{} {kinds}", verdict.name()))
}

/// What leaves of a text, however it is cut.
fn whole(text: &str) -> (String, String) {
    let all = emitted([text]);
    let by_chars = text
        .char_indices()
        .map(|(at, c)| &text[at..at + c.len_utf8()]);
    assert_eq!(emitted(by_chars), all, "{text:?} by characters");
    if !all.0.is_empty() {
        serde_json::from_str::<serde::de::IgnoredAny>(&all.0)
            .unwrap_or_else(|error| panic!("{text:?} became {:?}: {error}", all.0));
    }
    all
}

fn cut_everywhere(text: &str) {
    let all = whole(text);
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        assert_eq!(emitted([head, tail]), all, "{text:?} cut at {at}");
    }
}

#[test]
fn documented_examples_stream() {
    for (text, json, kind) in DOCUMENTED {
        assert_eq!(whole(text), (json.to_owned(), format!("repaired {kind}")));
    }
}

/// What a stream cannot know in time, or must not show.
const OTHERWISE: &[(&str, &str)] = &[
    // The first document counts, whatever follows.
    (
        "Run ```bash\ncurl -d '{\"long\": \"example\"}'\n```\nand get ```json\n{\"a\": 1}\n```",
        r#"{"long": "example"}"#,
    ),
    (r#"{"a": 1} {"a": 1, "b": 2}"#, r#"{"a": 1}"#),
    (r#"{name: <your name>} gives {"name": "Bob"}"#, "{}"),
    (
        r#"{first: string, second: string} is {"first": "x"}"#,
        r#"{"first": "string", "second": "string"}"#,
    ),
    // Might be prose, until too late.
    ("[, 1]", ""),
    ("\u{feff}42", ""),
    // A quote before a quote is taken for a part of the text.
    (r#"{"a": "b""}"#, r#"{"a": "b\""}"#),
    (r#"["a", "b""]"#, r#"["a", "b\""]"#),
    (r#"{"the "a"": 1}"#, r#"{"the \"a": 1}"#),
];

#[test]
fn what_is_broken_streams_as_it_would_have_been_repaired() {
    let mut wrong = Vec::new();
    for (text, json, _) in TABLE {
        cut_everywhere(text);
        let otherwise = OTHERWISE.iter().find(|(other, _)| other == text);
        let expected = otherwise.map_or(*json, |(_, json)| json);
        let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
        let (found, verdict) = whole(text);
        if parse(&found) != parse(expected) {
            wrong.push(format!(
                "{text:?}\n  expected {expected:?}\n  found    {found:?}  {verdict}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        TABLE.len(),
        wrong.join("\n")
    );
}

#[test]
fn valid_documents_leave_as_they_are() {
    let mut random = Random(11);
    for _ in 0..1000 {
        let document = random.object();
        assert_eq!(whole(&document), (document.clone(), "valid ".to_owned()));
        let fenced = format!("Sure:\n```json\n{document}\n```\nBye!");
        assert_eq!(whole(&fenced).0, document);
    }
    for text in VALID.iter().chain(HOPELESS) {
        cut_everywhere(text);
    }
    assert_eq!(whole("No {idea} [1].").0, "");
}

#[test]
fn what_leaves_can_always_be_closed() {
    let mut random = Random(12);
    for _ in 0..150 {
        let document = random.object();
        for (at, _) in document.char_indices() {
            let (closed, _) = whole(document[..at].trim_end());
            if let Repair::Repaired { json, .. } = repair(&document[..at]) {
                let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
                assert_eq!(parse(&closed), parse(&json), "{:?}", &document[..at]);
            }
        }
    }
}

#[test]
fn mutations_and_noise_stream_the_same_however_they_are_cut() {
    let mut random = Random(13);
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "`", "```", "\n", " ", "#", "//", "/*",
        "*/", "“", "’", "\u{feff}", "\u{a0}", "\u{0}", "-", "+", ".", "e", "nul", "True", "\\u",
        "\\ud83d", "😀", "word", "key:",
    ];
    for _ in 0..20_000 {
        let mut text: Vec<char> = random.object().chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len() + 1);
            let until = (at + random.below(3)).min(text.len());
            let piece = random.pick(&pieces);
            text.splice(at..until, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let all = whole(&text);
        let mut at = 0;
        let mut cuts = Vec::new();
        while at < text.len() {
            let mut end = (at + 1 + random.below(9)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            cuts.push(&text[at..end]);
            at = end;
        }
        assert_eq!(emitted(cuts), all, "{text:?}");
    }
    for _ in 0..20_000 {
        let noise: String = (0..random.below(12))
            .map(|_| random.pick(&pieces))
            .collect();
        whole(&format!("{{\"a\": {noise}"));
    }
}

#[test]
fn hostile_streams_take_linear_time_and_little_memory() {
    for pattern in PATTERNS {
        let work = |size: usize| {
            let mut emitter = Emitter::new(ANY);
            let mut sent = emitter.push("{\"a\": [\"x\", ").len();
            for _ in 0..size / pattern.len() {
                sent += emitter.push(pattern).len();
                assert!(emitter.text.len() <= REACH + 64 && emitter.lead.len() <= REACH + 64);
            }
            sent += emitter.finish().len();
            assert!(sent < 7 * size + 100);
        };
        assert_linear(pattern, work, 1 << 14);
    }
}
