//! What is repaired, and how: the documented cases and a table of broken texts.

pub(crate) mod properties;

use super::*;

/// The five examples of the Response Healing page, letter by letter.
pub(crate) const DOCUMENTED: [(&str, &str, &str); 5] = [
    (
        r#"{"name": "Alice", "age": 30"#,
        r#"{"name": "Alice", "age": 30}"#,
        "missing_bracket",
    ),
    (
        "```json\n{\"name\": \"Bob\"}\n```",
        r#"{"name": "Bob"}"#,
        "markdown_fence",
    ),
    (
        "Here's the data you requested:\n{\"name\": \"Charlie\", \"age\": 25}",
        r#"{"name": "Charlie", "age": 25}"#,
        "surrounding_prose",
    ),
    (
        r#"{"name": "David", "age": 35,}"#,
        r#"{"name": "David", "age": 35}"#,
        "trailing_comma",
    ),
    (
        r#"{name: "Eve", age: 40}"#,
        r#"{"name": "Eve", "age": 40}"#,
        "unquoted_key",
    ),
];

#[rustfmt::skip]
pub(crate) const TABLE: &[(&str, &str, &str)] = &[
    // Brackets.
    (r#"{"a": [1, 2"#, r#"{"a": [1, 2]}"#, "missing_bracket"),
    (r#"{"a": [1, 2}"#, r#"{"a": [1, 2]}"#, "missing_bracket"),
    (r#"{"a": [1, 2}, "b": 3}"#, r#"{"a": [1, 2], "b": 3}"#, "wrong_bracket"),
    (r#"{"a": {"b": [{"c": 1"#, r#"{"a": {"b": [{"c": 1}]}}"#, "missing_bracket"),
    ("{\"a\": 1\n", r#"{"a": 1}"#, "missing_bracket"),
    (r#"[{"a": 1}, {"b": 2}"#, r#"[{"a": 1}, {"b": 2}]"#, "missing_bracket"),
    (r#"[{"a": 1], {"b": 2}]"#, r#"[{"a": 1}, {"b": 2}]"#, "wrong_bracket"),
    ("[1, 2}", "[1, 2]", "wrong_bracket"),
    (r#"{"a": {"b": 1], "c": 2}"#, r#"{"a": {"b": 1}, "c": 2}"#, "wrong_bracket"),
    (r#"{"a": 1}}"#, r#"{"a": 1}"#, "extra_bracket"),
    (r#"{"a": 1]}"#, r#"{"a": 1}"#, "extra_bracket"),
    (r#"{"a": 1}, "b": 2}"#, r#"{"a": 1, "b": 2}"#, "extra_bracket"),
    ("{", "{}", "missing_bracket"),
    ("{\"a\": 1\n\nLet me know if you need more!", r#"{"a": 1}"#, "surrounding_prose, missing_bracket"),
    ("{\"a\": 1\n\nNote: this is all I know.", r#"{"a": 1}"#, "surrounding_prose, missing_bracket"),
    // Code blocks.
    ("```\n[1, 2]\n```", "[1, 2]", "markdown_fence"),
    ("```JSON\n{\"a\": 1}\n```\n", r#"{"a": 1}"#, "markdown_fence"),
    ("```json\n{\"a\": 1}", r#"{"a": 1}"#, "markdown_fence"),
    ("```json {\"a\": 1}```", r#"{"a": 1}"#, "markdown_fence"),
    ("`{\"a\": 1}`", r#"{"a": 1}"#, "markdown_fence"),
    ("{\"a\": 1}\n```", r#"{"a": 1}"#, "markdown_fence"),
    ("```json\n{\"a\": [1\n```", r#"{"a": [1]}"#, "markdown_fence, missing_bracket"),
    ("```json\n{\"a\": \"b\n```\nBye.", r#"{"a": "b"}"#, "markdown_fence, surrounding_prose, missing_bracket, missing_quote"),
    ("Sure:\n```json\n{\"a\": 1}\n```\nDone.", r#"{"a": 1}"#, "markdown_fence, surrounding_prose"),
    ("Run ```bash\ncurl -d '{\"long\": \"example\"}'\n```\nand get ```json\n{\"a\": 1}\n```", r#"{"a": 1}"#, "markdown_fence, surrounding_prose"),
    ("```json\n{\"a\": 1}\n```\nas in {\"much\": \"longer\", \"than\": \"it\"}", r#"{"a": 1}"#, "markdown_fence, surrounding_prose"),
    ("{\"code\": \"```json\\n{}\\n```\",}", "{\"code\": \"```json\\n{}\\n```\"}", "trailing_comma"),
    // Prose.
    (r#"{"a": 1} I hope this helps!"#, r#"{"a": 1}"#, "surrounding_prose"),
    (r#"As in [1], use {braces}: {"a": 1} (see [2])."#, r#"{"a": 1}"#, "surrounding_prose"),
    (r#"{"a": 1} {"a": 1, "b": 2}"#, r#"{"a": 1, "b": 2}"#, "surrounding_prose"),
    ("Options: [1, 2, 3]", "[1, 2, 3]", "surrounding_prose"),
    (r#"{name: <your name>} gives {"name": "Bob"}"#, r#"{"name": "Bob"}"#, "surrounding_prose"),
    (r#"{first: string, second: string} is {"first": "x"}"#, r#"{"first": "x"}"#, "surrounding_prose"),
    // Commas.
    ("[1, 2, ]", "[1, 2 ]", "trailing_comma"),
    ("{\n  \"a\": 1,\n}", "{\n  \"a\": 1\n}", "trailing_comma"),
    (r#"[{"a": 1,}, ]"#, r#"[{"a": 1} ]"#, "trailing_comma"),
    (r#"{"a": 1,"#, r#"{"a": 1}"#, "missing_bracket, trailing_comma"),
    (r#"{"a": 1 "b": 2}"#, r#"{"a": 1, "b": 2}"#, "missing_comma"),
    ("{\"a\": \"x\"\n  \"b\": [1 2]\n}", "{\"a\": \"x\",\n  \"b\": [1, 2]\n}", "missing_comma"),
    (r#"[{"a": 1}{"b": 2}]"#, r#"[{"a": 1},{"b": 2}]"#, "missing_comma"),
    (r#"["a" "b"]"#, r#"["a", "b"]"#, "missing_comma"),
    ("[1,, 2]", "[1, 2]", "extra_comma"),
    ("[, 1]", "[ 1]", "extra_comma"),
    // Keys and bare words.
    (r#"{"a" 1, "b" {"c"  null}}"#, r#"{"a": 1, "b": {"c":  null}}"#, "missing_colon"),
    (r#"{a: 1, $b_2: 2, 'c': 3, d-e: 4, 5: 5}"#, r#"{"a": 1, "$b_2": 2, "c": 3, "d-e": 4, "5": 5}"#, "unquoted_key, single_quotes"),
    ("{naïve: true}", r#"{"naïve": true}"#, "unquoted_key"),
    (r#"{"state": active, "on": 2024-01-02}"#, r#"{"state": "active", "on": "2024-01-02"}"#, "unquoted_value"),
    // Strings.
    ("{'a': 'b'}", r#"{"a": "b"}"#, "single_quotes"),
    ("{'a': 'it's \"fine\"', b: 'it\\'s'}", r#"{"a": "it's \"fine\"", "b": "it's"}"#, "unquoted_key, single_quotes"),
    ("['a' 'b']", r#"["a", "b"]"#, "missing_comma, single_quotes"),
    ("{“a”: “say “b” now”}", r#"{"a": "say “b” now"}"#, "smart_quotes"),
    ("{‘a’: ‘don’t’}", r#"{"a": "don’t"}"#, "smart_quotes"),
    ("{“a\": “b\"}", r#"{"a": "b"}"#, "smart_quotes"),
    (r#"{"a": "b"#, r#"{"a": "b"}"#, "missing_bracket, missing_quote"),
    (r#"{"a": "b}"#, r#"{"a": "b"}"#, "missing_quote"),
    ("[{\"a\": \"b\n}]", "[{\"a\": \"b\"\n}]", "missing_quote"),
    (r#"{"a": "b""}"#, r#"{"a": "b"}"#, "extra_quote"),
    (r#"["a", "b""]"#, r#"["a", "b"]"#, "extra_quote"),
    (r#"{a": 1, "b"": 2}"#, r#"{"a": 1, "b": 2}"#, "unquoted_key, extra_quote"),
    (r#"{"the "a"": 1}"#, r#"{"the \"a\"": 1}"#, "inner_quote"),
    (r#"{"a": "he said "hi" to me", "b": [1]}"#, r#"{"a": "he said \"hi\" to me", "b": [1]}"#, "inner_quote"),
    (r#"{"a": "he said "hi", then left"}"#, r#"{"a": "he said \"hi\", then left"}"#, "inner_quote"),
    ("{\"a\": \"one\ntwo\tthree\u{1}\"}", r#"{"a": "one\ntwo\tthree\u0001"}"#, "control_character"),
    (r#"{"a": "C:\Users\d+ \x41 \'"}"#, r#"{"a": "C:\\Users\\d+ \u0041 '"}"#, "bad_escape"),
    (r#"{"a": "\ud83d\ude00 \ud83d \u12",}"#, r#"{"a": "\ud83d\ude00 \ufffd \\u12"}"#, "trailing_comma, bad_escape"),
    (r#"{"a": "b\"#, r#"{"a": "b"}"#, "missing_bracket, missing_quote, bad_escape"),
    (r#"{"a": "b\u00"#, r#"{"a": "b"}"#, "missing_bracket, missing_quote, bad_escape"),
    // Literals and numbers.
    ("{\"a\": True, \"b\": False, \"c\": None}", r#"{"a": true, "b": false, "c": null}"#, "literal"),
    ("[undefined, NaN, -Infinity, TRUE]", "[null, null, null, true]", "literal"),
    (r#"{"a": tr"#, r#"{"a": true}"#, "missing_bracket, literal"),
    ("[+1, .5, 2., 007, 0xFF, 1e5]", "[1, 0.5, 2.0, 7, 255, 1e5]", "number"),
    ("[1, -", "[1]", "missing_bracket, trailing_comma, incomplete_member"),
    // Cut-off tails.
    (r#"{"a": 1, "b"#, r#"{"a": 1}"#, "missing_bracket, missing_quote, incomplete_member"),
    (r#"{"a": 1, "b":"#, r#"{"a": 1}"#, "missing_bracket, incomplete_member"),
    (r#"{"a": "}"#, r#"{"a": ""}"#, "missing_quote"),
    (r#"{"a": , "b": 2}"#, r#"{ "b": 2}"#, "extra_comma, incomplete_member"),
    // Comments and what cannot be seen.
    ("{\n  // the name\n  \"a\": 1, # one\n  /* two */ \"b\": 2\n}", "{\n  \n  \"a\": 1, \n   \"b\": 2\n}", "comment"),
    ("{\"a\": \"// no # comment /* here */\",}", r#"{"a": "// no # comment /* here */"}"#, "trailing_comma"),
    ("\u{feff}{\"a\": 1}", r#"{"a": 1}"#, "byte_order_mark"),
    ("\u{feff}42", "42", "byte_order_mark"),
    ("\u{a0}{\"a\":\u{a0}1}", r#"{"a":1}"#, "whitespace"),
    ("{\"a\": \"\u{a0}\u{2028}\",}", "{\"a\": \"\u{a0}\u{2028}\"}", "trailing_comma"),
];

pub(crate) const VALID: &[&str] = &[
    "{}",
    "[]",
    " {\"a\" : [1, 2.50, -0e+1, \"\\u00e9\\/\"]}\n",
    "\"Here is {a: 1}\"",
    "42",
    "null",
    "{\"a\": 1, \"a\": 1}",
    "[1e999, \"\\ud800\"]",
];

pub(crate) const HOPELESS: &[&str] = &[
    "",
    " \n",
    "\u{feff}",
    "I cannot help with that.",
    "'hello'",
    "The answer is 42.",
    "See [the manual](https://example.com) and {braces}.",
    "- [ ] to do\n- [x] done\nand that is all there is to it",
    "Paris is the capital [1] of France, as everyone knows.",
    "```json\nnothing\n```",
    "}]",
    "{\"a\":",
    "{\"a: true}",
    "{\"a\"x: []}",
    "{\"a\": -8]0.5}",
    "\"a\": 1, \"b\": {\"c\": 2}}",
    "{\"a\": <missing>, \"b\": [\"part\", \"of it\"]}",
];

fn repaired(text: &str) -> (String, Kinds) {
    match repair(text) {
        Repair::Repaired { json, kinds } => (json, kinds),
        other => panic!("{text:?} is {other:?}"),
    }
}

#[test]
fn documented_examples_come_out_as_documented() {
    for (text, json, kind) in DOCUMENTED {
        let (found, kinds) = repaired(text);
        assert_eq!(
            (found.as_str(), kinds.to_string().as_str()),
            (json, kind),
            "{text}"
        );
    }
}

#[test]
fn broken_texts_come_out_as_meant() {
    let mut wrong = Vec::new();
    for (text, json, kinds) in TABLE {
        let found = repair(text);
        let matches = matches!(&found, Repair::Repaired { json: j, kinds: k } if j == json && k.to_string() == *kinds);
        if !matches {
            wrong.push(format!(
                "{text}\n  expected {json}\n  by {kinds}\n  found {found:?}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_repaired_is_valid() {
    for (text, json, _) in DOCUMENTED.iter().chain(TABLE) {
        serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(repair(json), Repair::Valid, "{text}");
    }
}

#[test]
fn valid_texts_are_left_alone() {
    for text in VALID {
        assert_eq!(repair(text), Repair::Valid, "{text}");
    }
}

#[test]
fn texts_without_json_are_hopeless() {
    for text in HOPELESS {
        assert_eq!(repair(text), Repair::Hopeless, "{text}");
    }
}

#[test]
fn nesting_is_capped_only_for_repairs() {
    let nested =
        |depth: usize, end: &str| format!("{}{}{end}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(repair(&nested(100_000, "")), Repair::Valid);
    assert_eq!(
        repair(&nested(parser::MAX_DEPTH + 1, "]")),
        Repair::Hopeless
    );
    let (json, _) = repaired(&nested(parser::MAX_DEPTH, "]"));
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
}

#[test]
fn kinds_are_listed_once_and_in_order() {
    let kinds: Kinds = [Kind::Comment, Kind::MissingComma, Kind::Comment]
        .into_iter()
        .collect();
    assert_eq!(
        kinds.names().collect::<Vec<_>>(),
        ["missing_comma", "comment"]
    );
    assert_eq!(kinds.to_string(), "missing_comma, comment");
    assert_eq!(format!("{kinds:?}"), "{MissingComma, Comment}");
    assert!(Kind::ALL.iter().all(|kind| {
        kind.name()
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '_')
    }));
    assert!(Kinds::default().is_empty() && Kinds::default().to_string().is_empty());
}
