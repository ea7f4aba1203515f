//! The corpus of broken documents: what models write, by kind of damage, and what they meant.
//!
//! `scripts/healing-scores` holds other repairers against the same lines.

use healing::repair::{Repair, repair, repair_to};
use healing::schema::Schema;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Entry {
    kind: String,
    text: String,
    /// Any of these will do; none at all where no document may come out.
    accept: Vec<Value>,
    schema: Option<Value>,
}

/// What is not repaired as it was meant, by the beginning of the text.
const MISSED: &[&str] = &[
    r#"{"items": [{"n": 1], "#,
    r#"{"name" "Bob", "#,
    r#"{"json": "use {"key": 1} here"}"#,
    "{'a': (1, 2), ",
    "{a: `template`}",
    "{a: 'x' + 'y'}",
    r#"{"id": ObjectId("abc"), "#,
    r#"{"x": 1,234, "#,
];

fn entries() -> serde_json::Result<Vec<Entry>> {
    let lines = include_str!("corpus.jsonl").lines();
    lines.map(serde_json::from_str).collect()
}

fn healed(entry: &Entry) -> Repair {
    let schema = entry.schema.as_ref();
    match schema.and_then(|schema| Schema::parse(&schema.to_string(), false)) {
        Some(schema) => repair_to(&entry.text, &schema),
        None => repair(&entry.text),
    }
}

#[test]
fn broken_documents_come_out_as_they_were_meant() {
    let entries = entries().unwrap();
    assert!(entries.len() >= 300);
    let mut wrong = Vec::new();
    for entry in &entries {
        let outcome = healed(entry);
        let found = match &outcome {
            Repair::Valid => serde_json::from_str(&entry.text).ok(),
            Repair::Repaired { json, .. } => Some(serde_json::from_str::<Value>(json).unwrap()),
            Repair::Hopeless => None,
        };
        let meant = match &found {
            None => entry.accept.is_empty(),
            // A lone surrogate is no value of serde's, but passes.
            Some(found) => entry.accept.iter().any(|value| same(value, found)),
        };
        let missed = MISSED.iter().any(|text| entry.text.starts_with(text));
        if meant == missed {
            wrong.push(format!("{}: {:?}\n  {found:?}", entry.kind, entry.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        entries.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_is_repaired_stays_as_it_is() {
    for entry in entries().unwrap() {
        if let Repair::Repaired { json, .. } = healed(&entry) {
            let again = Entry {
                text: json,
                ..entry
            };
            assert_eq!(healed(&again), Repair::Valid, "{}", again.text);
        }
    }
}

/// Equal as JSON: 5 and 5.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
