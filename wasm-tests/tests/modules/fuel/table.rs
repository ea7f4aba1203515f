//! The checked-in table of what callbacks cost: a change that makes one dearer, or cheaper, is to be seen in its diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use meshrouter_wasm_tests::conversations;
use meshrouter_wasm_tests::producers::rustc;
use meshrouter_wasm_tests::vm::{UpstreamAnswer, UpstreamResponse};

use super::{Costs, costs, stream};
use crate::answers::completion;

/// Set to `write`, the table is made anew.
const VARIABLE: &str = "MESHROUTER_FUEL_TABLE";
/// What a row may differ by: so many per cent, and at least so much.
const PER_CENT: u64 = 5;
const LEAST: u64 = 100;

/// By scenario, filter and callback: calls and the fuel of one.
type Rows = BTreeMap<[String; 3], (u64, u64)>;

/// A table as it stands in the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// The Rust that built the modules.
    rustc: String,
    rows: Rows,
}

impl Table {
    fn add(&mut self, scenario: &str, costs: Costs) {
        for ((filter, callback), (calls, fuel, _)) in costs {
            let key = [scenario.to_owned(), filter, callback];
            self.rows.insert(key, (calls, fuel / calls));
        }
    }

    fn write(&self) -> String {
        let mut text = format!("# rustc {}\n", self.rustc);
        text += "# scenario\tfilter\tcallback\tcalls\tfuel of a call\n";
        for (key, (calls, fuel)) in &self.rows {
            writeln!(text, "{}\t{calls}\t{fuel}", key.join("\t")).unwrap();
        }
        text
    }

    fn read(text: &str) -> Self {
        let first = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# rustc "));
        let row = |line: &str| {
            let [scenario, filter, callback, calls, fuel] = line
                .split('\t')
                .collect::<Vec<_>>()
                .try_into()
                .unwrap_or_else(|_| panic!("five columns in {line:?}"));
            let key = [scenario, filter, callback].map(str::to_owned);
            (key, (calls.parse().unwrap(), fuel.parse().unwrap()))
        };
        Self {
            rustc: first.unwrap_or_default().to_owned(),
            rows: text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(row)
                .collect(),
        }
    }

    /// A line for each row of `new` that is not as it is here.
    fn differences(&self, new: &Self) -> Vec<String> {
        let mut keys: Vec<_> = self.rows.keys().chain(new.rows.keys()).collect();
        keys.sort();
        keys.dedup();
        let line = |key: &[String; 3]| {
            let what = match (self.rows.get(key), new.rows.get(key)) {
                (Some(old), Some(new)) => difference(*old, *new)?,
                (Some(_), None) => "missing".to_owned(),
                (None, Some((_, fuel))) => format!("new, {fuel}"),
                (None, None) => return None,
            };
            Some(format!("{}: {what}", key.join(", ")))
        };
        keys.into_iter().filter_map(line).collect()
    }
}

/// What is different between two rows, beyond the tolerance.
fn difference((calls, fuel): (u64, u64), (calls_now, fuel_now): (u64, u64)) -> Option<String> {
    if calls != calls_now {
        return Some(format!("called {calls_now} times, not {calls}"));
    }
    if fuel.abs_diff(fuel_now) <= LEAST.max(fuel * PER_CENT / 100) {
        return None;
    }
    let word = if fuel_now > fuel { "dearer" } else { "cheaper" };
    let change = (fuel_now as f64 / fuel as f64 - 1.0) * 100.0;
    Some(format!(
        "{word} by {:.0} %, {fuel_now} for {fuel}",
        change.abs()
    ))
}

/// A stream that is repaired as it passes: fenced JSON, some members a chunk.
fn broken_stream() -> UpstreamAnswer {
    let chunk = |text: &str| {
        let text = serde_json::Value::from(text);
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let members = (0..98).map(|number| chunk(&format!("'member {number}': {number},")));
    let chunks: Vec<String> = std::iter::once(chunk("```json\n{"))
        .chain(members)
        .collect();
    let end = ["data: [DONE]\n\n"];
    UpstreamResponse::sse(chunks.iter().map(String::as_str).chain(end)).into()
}

/// A completion whose content is JSON with some damage.
fn broken() -> UpstreamAnswer {
    let content = "Here it is: {'name': \"Ann\", 'tags': ['a', 'b',], \"age\": 41,";
    let body = serde_json::json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}});
    UpstreamResponse::json(200, body.to_string()).into()
}

/// A body with members in front.
fn with(members: &str, body: &str) -> String {
    body.replacen('{', &format!("{{{members},"), 1)
}

fn measured() -> Table {
    let mut table = Table {
        rustc: rustc("auth").unwrap_or_default(),
        ..Table::default()
    };
    for (name, bytes) in [("1 KB", 1_000), ("16 KB", 16_000), ("200 KB", 200_000)] {
        table.add(name, costs(&conversations::plain(bytes, 0), &completion()));
    }
    let streamed = conversations::stream(1_000, 0);
    table.add("100 chunks", costs(&streamed, &stream(100)));
    let format = r#""response_format":{"type":"json_object"}"#;
    let plugin = format!(r#"{format},"plugins":[{{"id":"response-healing"}}]"#);
    let healed = with(&plugin, &conversations::plain(1_000, 0));
    table.add("healing", costs(&healed, &broken()));
    let plugin = format!(r#"{format},"plugins":[{{"id":"response-healing","stream":true}}]"#);
    let healed = with(&plugin, &streamed);
    table.add("healing, 100 chunks", costs(&healed, &broken_stream()));
    table
}

fn file() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/fuel.tsv"]
        .iter()
        .collect()
}

#[test]
fn callbacks_cost_what_the_table_says() {
    let new = measured();
    if std::env::var(VARIABLE).is_ok_and(|value| value == "write") {
        std::fs::write(file(), new.write()).unwrap();
        return;
    }
    let old = Table::read(&std::fs::read_to_string(file()).unwrap_or_default());
    let differences = old.differences(&new);
    let hint = if old.rustc == new.rustc {
        String::new()
    } else {
        format!(
            "\nThe modules were built by rustc {}, the table by modules of {}: that alone may be why.",
            new.rustc, old.rustc
        )
    };
    assert!(
        differences.is_empty(),
        "fuel is not what tests/fixtures/fuel.tsv says:\n{}{hint}\nWhere that is meant, {VARIABLE}=write makes the table anew.",
        differences.join("\n")
    );
}

#[test]
fn every_kind_of_difference_is_named() {
    let table = |rows: &[(&str, u64, u64)]| {
        let row = |(name, calls, fuel): &(&str, u64, u64)| {
            (["s", "f", *name].map(str::to_owned), (*calls, *fuel))
        };
        Table {
            rustc: "1.2".to_owned(),
            rows: rows.iter().map(row).collect(),
        }
    };
    let old = table(&[
        ("cheaper", 1, 10_000),
        ("dearer", 1, 10_000),
        ("gone", 1, 5),
        ("more", 100, 7),
        ("same", 1, 10_000),
        ("small", 1, 10),
    ]);
    let new = table(&[
        ("cheaper", 1, 9_499),
        ("dearer", 1, 10_501),
        ("more", 101, 7),
        ("new", 1, 6),
        ("same", 1, 10_500),
        ("small", 1, 110),
    ]);
    assert_eq!(Table::read(&old.write()), old);
    assert_eq!(old.differences(&old), Vec::<String>::new());
    let wanted = [
        "s, f, cheaper: cheaper by 5 %, 9499 for 10000",
        "s, f, dearer: dearer by 5 %, 10501 for 10000",
        "s, f, gone: missing",
        "s, f, more: called 101 times, not 100",
        "s, f, new: new, 6",
    ];
    assert_eq!(old.differences(&new), wanted);
}
