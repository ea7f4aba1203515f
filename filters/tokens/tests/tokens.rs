//! The estimates against counts of the real tokenizers, which `scripts/token-counts` made of the samples in `tokens/`.
//! None of these texts is in the corpus that the weights were fitted to; but the margins were chosen on them, and
//! the rank of Han characters and the corpus's emphases were added because of errors seen here.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which may fail loudly"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use meshrouter_tokens::{Count, Family, Scale, TOKEN};

/// The families that were measured, by their column in the table. `cl100k` stands for itself.
const MEASURED: [(&str, Family); 8] = [
    ("gpt", Family::Gpt),
    ("cl100k", Family::Cl100k),
    ("claude", Family::Claude),
    ("llama", Family::Llama),
    ("gemini", Family::Gemini),
    ("mistral", Family::Mistral),
    ("qwen", Family::Qwen),
    ("deepseek", Family::DeepSeek),
];

/// A sample: its name, its count, and the real tokens by family.
struct Sample {
    name: String,
    count: Count,
    real: BTreeMap<String, u64>,
}

impl Sample {
    fn kind(&self) -> &str {
        self.name.split('-').next().unwrap()
    }

    /// The real tokens; of all others the most that a tokenizer of today gives.
    fn real(&self, family: Family) -> u64 {
        let column = MEASURED.iter().find(|(_, known)| *known == family);
        match column {
            Some((name, _)) => self.real[*name],
            None => {
                let modern = ["gpt", "llama", "gemini", "mistral", "qwen", "deepseek"];
                modern.iter().map(|name| self.real[*name]).max().unwrap()
            }
        }
    }

    /// How far the estimate is off, as a share of the truth: without the margin and with it.
    fn errors(&self, family: Family) -> (f64, f64) {
        let weight = self.count.weight(family.tokenizer());
        let real = self.real(family) as f64;
        let bare = weight as f64 / TOKEN as f64;
        let safe = Scale::of(family).tokens(weight) as f64;
        (bare / real - 1.0, safe / real - 1.0)
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokens");
    let table = fs::read(folder.join("counts.json")).unwrap();
    let table: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_slice(&table).unwrap();
    let sample = |(name, real): (String, _)| {
        let text = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        let json = serde_json::to_string(&text).unwrap();
        let count = Count::of(&json.as_bytes()[1..json.len() - 1]);
        Sample { name, count, real }
    };
    table.into_iter().map(sample).collect()
}

#[test]
fn estimates_of_usual_text_are_within_a_tenth() {
    let samples = samples();
    for family in Family::ALL {
        for kind in ["english", "code", "json", "chinese"] {
            let of_kind = samples.iter().filter(|sample| sample.kind() == kind);
            let (mut weight, mut real, mut worst) = (0, 0, 0.0_f64);
            for sample in of_kind {
                weight += sample.count.weight(family.tokenizer());
                real += sample.real(family);
                let error = sample.errors(family).0;
                worst = if error.abs() > worst.abs() {
                    error
                } else {
                    worst
                };
            }
            let error = weight as f64 / TOKEN as f64 / real as f64 - 1.0;
            println!(
                "{family:?} {kind}: {:+.1} % in all, {:+.1} % at worst",
                error * 100.0,
                worst * 100.0
            );
            assert!(error.abs() < 0.1, "{family:?} {kind}: {error}");
        }
    }
}

#[test]
fn with_its_margin_no_estimate_is_far_below_the_truth() {
    let mut failures = Vec::new();
    for sample in samples() {
        for family in Family::ALL {
            let (bare, safe) = sample.errors(family);
            if safe < -0.05 {
                failures.push(format!("{} {family:?}: {bare:+.3} {safe:+.3}", sample.name));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
