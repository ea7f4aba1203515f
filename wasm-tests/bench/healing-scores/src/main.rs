//! Reads the corpus from standard input, a JSON object a line, and writes for each what the repairers make of its
//! `text`: `{"ours": …, "llm_json": …}`, as JSON texts, null where there is none.

use std::io::BufRead;

use healing::repair::{Repair, repair, repair_to};
use healing::schema::Schema;
use serde_json::{Value, json};

fn ours(text: &str, schema: Option<&Value>) -> Option<String> {
    let outcome = match schema {
        Some(schema) => repair_to(text, &Schema::parse(&schema.to_string(), false).expect("a schema")),
        None => repair(text),
    };
    match outcome {
        Repair::Valid => Some(text.to_owned()),
        Repair::Repaired { json, .. } => Some(json),
        Repair::Hopeless => None,
    }
}

/// The crate knows no schemas.
fn llm_json(text: &str) -> Option<String> {
    let text = text.to_owned();
    let repair = move || llm_json::repair_json(&text, &Default::default()).ok();
    std::panic::catch_unwind(repair).ok().flatten()
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    for line in std::io::stdin().lock().lines() {
        let entry: Value = serde_json::from_str(&line.expect("a line")).expect("a JSON object");
        let text = entry["text"].as_str().expect("a text");
        let found = json!({"ours": ours(text, entry.get("schema")), "llm_json": llm_json(text)});
        println!("{found}");
    }
}
