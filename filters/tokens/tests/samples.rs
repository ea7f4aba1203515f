//! A sample of a long prompt stands for the whole of it, whatever it is made of and however it is cut into messages.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which may fail loudly"
)]

use std::fs;
use std::path::Path;

use meshrouter_tokens::{Family, Sample, Tally};

/// All texts of the folder `tokens/`, as the insides of JSON strings, each cut where its paragraphs end.
fn paragraphs() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokens");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "txt"));
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let json = texts.map(|text| serde_json::to_string(&text).unwrap());
    json.flat_map(|json| {
        let inside = json.trim_matches('"').to_owned();
        inside
            .split("\\n\\n")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })
    .collect()
}

/// Prompts of about so many bytes: paragraphs of all texts mixed, or one text after the other; in messages of a
/// paragraph each, or in one.
fn prompts(bytes: usize) -> Vec<Vec<String>> {
    let paragraphs = paragraphs();
    let mut prompts = Vec::new();
    for start in 0..24 {
        for step in [1, 7, 101] {
            let mut at = start * paragraphs.len() / 24;
            let (mut prompt, mut size) = (Vec::new(), 0);
            while size < bytes {
                let paragraph = &paragraphs[at % paragraphs.len()];
                size += paragraph.len();
                prompt.push(paragraph.clone());
                at += step;
            }
            prompts.push(vec![prompt.concat()]);
            prompts.push(prompt);
        }
    }
    prompts
}

/// By how much the sample is off, as a share of the whole: the root of the mean square, and the most.
fn errors(bytes: usize) -> (f64, f64) {
    let (mut squares, mut most, mut count) = (0.0, 0.0_f64, 0.0);
    for prompt in prompts(bytes) {
        let length: usize = prompt.iter().map(String::len).sum();
        let (mut sample, mut whole) = (Sample::of_body(length), Sample::whole());
        for text in &prompt {
            sample.text(text.as_bytes());
            whole.text(text.as_bytes());
        }
        assert!(whole.is_whole() && !sample.is_whole());
        for family in [Family::Gpt, Family::Claude, Family::Llama, Family::Other] {
            let weight = |of: &Sample| of.estimate().weight(family) as f64;
            let off = weight(&sample) / weight(&whole) - 1.0;
            squares += off * off;
            most = most.max(off.abs());
            count += 1.0;
        }
    }
    ((squares / count).sqrt(), most)
}

#[test]
fn a_sample_is_as_good_as_the_whole() {
    let cases = [
        (5_000, 0.025, 0.09),
        (8_000, 0.025, 0.08),
        (12_000, 0.03, 0.1),
        (16_000, 0.035, 0.12),
        (64_000, 0.03, 0.1),
        (200_000, 0.03, 0.08),
        (1_000_000, 0.025, 0.07),
    ];
    for (bytes, usual, at_most) in cases {
        let (mean, most) = errors(bytes);
        println!("{bytes} bytes: {mean:.4} off, {most:.4} at most");
        assert!(mean < usual && most < at_most, "{bytes}: {mean}, {most}");
    }
}

#[test]
fn short_prompts_are_counted_whole() {
    assert!(Sample::of_body(4_096).is_whole());
    assert!(!Sample::of_body(4_097).is_whole());
}

/// Wherever texts are cut and windows begin, nothing is shown that is not there, and nothing traps.
#[test]
fn cut_anywhere() {
    let text = "a\\u00e9 \\\"quoted\\\" 中文字符 🔑 \\ud83d\\udd11 camelCaseWord0123456789\\n\\n"
        .repeat(300);
    let whole = {
        let mut sample = Sample::of_body(text.len());
        sample.text(text.as_bytes());
        sample.estimate().tokens() as f64
    };
    for size in [1, 2, 3, 5, 63, 64, 65, 1_000] {
        let mut sample = Sample::of_body(text.len());
        for part in text.as_bytes().chunks(size) {
            sample.text(part);
        }
        let parts = sample.estimate().tokens() as f64;
        assert!(
            parts > 0.0 && (size < 64 || (parts / whole - 1.0).abs() < 0.2),
            "{size}: {parts} of {whole}"
        );
    }
}
