use super::*;

/// Texts that are JSON; `serde_json` is asked too.
const VALID: &[&str] = &[
    "{}",
    "[]",
    " { } ",
    "null",
    "true",
    "-0",
    "-0.5e+10",
    "1E9",
    r#""""#,
    r#""a\"b\\cÿ""#,
    r#"{"a":1,"b":[1,2,{"c":null}],"d":"x"}"#,
    "[[[[[]]],{}]]",
    "[1 , 2\n,\t3]",
    "\"\u{7f} 世界\"",
];

/// Texts that are not; `serde_json` is asked too.
const INVALID: &[&str] = &[
    "",
    " ",
    "{",
    "[",
    "]",
    "}",
    "{]",
    "[}",
    "[1,]",
    "{,}",
    "[,]",
    r#"{"a"}"#,
    r#"{"a":}"#,
    r#"{"a":1,}"#,
    r#"{a:1}"#,
    r#"{"a":1 "b":2}"#,
    "[1 2]",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    "tru",
    "nul",
    "truex",
    r#"""#,
    r#""\x""#,
    r#""\u12g4""#,
    "\"a\nb\"",
    "{} {}",
    "[1]]",
    r#"{"a":1]"#,
    "'a'",
    "NaN",
];

#[test]
fn agrees_with_serde_json() {
    for text in VALID {
        assert!(
            serde_json::from_str::<serde_json::Value>(text).is_ok(),
            "{text}"
        );
        let value = Scanner::document(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(value.raw, text.trim().as_bytes());
    }
    for text in INVALID {
        assert!(
            serde_json::from_str::<serde_json::Value>(text).is_err(),
            "{text}"
        );
        assert!(Scanner::document(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn every_truncation_and_mutation_agrees_with_serde_json() {
    let text = br#"{"a": [1, -2.5e3, "x\ny", {"b": null, "c": [true, false, {}]}], "d": ""}"#;
    for end in 0..text.len() {
        assert!(Scanner::document(&text[..end]).is_err(), "{end}");
    }
    for at in 0..text.len() {
        for byte in [b'"', b'\\', b'{', b']', b',', b'0', b' ', 0x01] {
            let mut mutated = text.to_vec();
            mutated[at] = byte;
            let expected = serde_json::from_slice::<serde_json::Value>(&mutated).is_ok();
            let found = Scanner::document(&mutated).is_ok();
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(&mutated));
        }
    }
}

#[test]
fn errors_say_where() {
    let error = Scanner::document(b"[1, 2 3]").unwrap_err();
    assert_eq!(error.to_string(), "expected `,` or `]` at byte 6");
    assert_eq!(
        Scanner::document(b"[1").unwrap_err().message,
        "the text ends too early"
    );
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
    assert!(Scanner::document(&deep(MAX_DEPTH as usize)).is_ok());
    let error = Scanner::document(&deep(MAX_DEPTH as usize + 1)).unwrap_err();
    assert_eq!(error.message, "nested too deeply");
}

#[test]
fn readers_enter_what_they_care_about() {
    let text = br#" {"a": 1, "b\u0062": ["x", {"y": 2}], "c": {}} "#;
    let mut scanner = Scanner::new(text);
    let mut object = scanner.enter().unwrap();
    let mut seen = Vec::new();
    while let Some(member) = scanner.member(&mut object).unwrap() {
        assert!(matches!(text[member.start], b'{' | b','));
        if *member.name == *b"bb" {
            let mut array = scanner.enter().unwrap();
            while scanner.element(&mut array).unwrap() {
                seen.push(scanner.value().unwrap().kind);
            }
        } else {
            seen.push(scanner.value().unwrap().kind);
        }
    }
    scanner.end().unwrap();
    assert_eq!(
        seen,
        [Kind::Number, Kind::String, Kind::Object, Kind::Object]
    );
}

#[test]
fn strings_are_unescaped_on_demand() {
    let value = Scanner::document(br#""a\u00e9\n""#).unwrap();
    assert_eq!(value.text().unwrap(), "aé\n");
    assert_eq!(Scanner::document(b"12").unwrap().text(), None);
    assert_eq!(Scanner::document(b"12").unwrap().whole_number(), Some(12));
    assert_eq!(Scanner::document(b"-1").unwrap().whole_number(), None);
}

/// Strings are read in blocks: what is special is found wherever it stands in them.
#[test]
fn strings_are_read_to_their_end() {
    let parts = [
        "\\n", "\\\"", "\\\\", "\\u00e9", "\\x", "\\u12", "\n", "\"", "é", "\\",
    ];
    for length in 0..150 {
        for part in parts {
            let plain = "a".repeat(length);
            for text in [
                format!("\"{plain}{part}\""),
                format!("\"{plain}{part}{part}b\""),
                format!("\"{plain}{part}{plain}\", \"c\""),
                format!("\"{part}{plain}"),
            ] {
                let known = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(Scanner::document(text.as_bytes()).is_ok(), known, "{text}");
            }
        }
    }
}
