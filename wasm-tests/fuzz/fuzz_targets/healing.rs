//! Healing: what comes out is JSON, fits the schema, and stays as it is; valid JSON is left alone; and a stream gives the
//! same text wherever it is cut. The first bytes say which schema, and where.
#![no_main]

use healing::repair::{Repair, repair, repair_to};
use healing::schema::Schema;
use healing::stream::{Emitter, Roots};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fn schema(n: u8) -> Schema {
    let schema = match n % 4 {
        0 => json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
            "a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}, "c": {"enum": ["x", "Y", 1]}}}),
        1 => json!({"type": "array", "items": {"anyOf": [{"type": "number"}, {"$ref": "#"}, {"type": "null"}]}}),
        2 => json!({"type": "object", "additionalProperties": {"$ref": "#"}, "properties": {"a": {"type": ["boolean", "string"]}}}),
        _ => json!({"type": "object"}),
    };
    Schema::parse(&schema.to_string(), n > 127).expect("a schema")
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn emitted(pieces: &[&str]) -> String {
    let mut emitter = Emitter::new(Roots { object: true, array: true });
    let mut out: String = pieces.iter().map(|piece| emitter.push(piece)).collect();
    out.push_str(&emitter.finish());
    out
}

fuzz_target!(|input: (u8, u16, &str)| {
    let (which, cut, text) = input;
    match repair(text) {
        Repair::Valid => assert!(is_json(text)),
        Repair::Repaired { json, .. } => assert_eq!(repair(&json), Repair::Valid),
        Repair::Hopeless => assert!(!is_json(text)),
    }
    let schema = schema(which);
    if let Repair::Repaired { json, .. } = repair_to(text, &schema) {
        assert_eq!(repair_to(&json, &schema), Repair::Valid, "{text:?} became {json:?}");
    }
    let whole = emitted(&[text]);
    assert!(whole.is_empty() || is_json(&whole), "{text:?} became {whole:?}");
    let mut at = usize::from(cut) % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    assert_eq!(emitted(&[&text[..at], &text[at..]]), whole);
    let mut bytes = [0; 4];
    let mut emitter = Emitter::new(Roots { object: true, array: true });
    let mut out: String = text.chars().map(|c| emitter.push(c.encode_utf8(&mut bytes))).collect();
    out.push_str(&emitter.finish());
    assert_eq!(out, whole);
});
