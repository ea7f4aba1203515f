use super::*;
use meshrouter_core::tokens::{Count, Family};

/// The text without its middle, so that it weighs no more than `room`.
fn cut(text: &str, room: u64, tokenizer: &Tokenizer) -> String {
    let weight = Count::of(text.as_bytes()).weight(tokenizer);
    let middle = middle(text.as_bytes(), weight, room, tokenizer);
    format!("{}{MARKER}{}", &text[..middle.start], &text[middle.end..])
}

#[test]
fn what_is_left_weighs_what_it_weighed_wherever_it_is_cut() {
    let pieces = [
        "a",
        " word",
        "é",
        "世",
        "😀",
        r"\n",
        r"\\",
        r#"\""#,
        r"\u00e9",
        r"\ud83d\ude00",
        "12345",
        "  ",
        "\u{2014}",
        "...",
        "camelCase",
        r"\u0020",
        "Привет",
        "aVeryVeryLongWordIndeedWithoutEnd",
        "abcdefghijklmnopqrstuvwxyz",
        "=================",
        r"\r\n",
        "…",
    ];
    let mut state = 7_usize;
    let mut text = String::new();
    for _ in 0..60 {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        text.push_str(pieces[state / 65_536 % pieces.len()]);
    }
    for family in Family::ALL {
        let tokenizer = family.tokenizer();
        let whole = Count::of(text.as_bytes()).weight(tokenizer);
        let marker = Count::of(MARKER.as_bytes()).weight(tokenizer);
        for room in (0..whole).step_by(97) {
            let short = cut(&text, room, tokenizer);
            assert!(Count::of(short.as_bytes()).weight(tokenizer) <= room + marker);
            // It is still the inside of a JSON string, and lost nothing but its middle.
            let json: String = serde_json::from_str(&format!("\"{short}\"")).unwrap();
            assert!(json.contains(MARKER));
        }
    }
}

#[test]
fn no_byte_of_a_text_is_too_odd() {
    let tokenizer = Family::Other.tokenizer();
    for text in [
        &b"\\"[..],
        b"\\u12",
        b"\\ud83d",
        b"\xff\xfe",
        b"\\ud83d\\u0041",
        b"\xe4\xb8",
    ] {
        for room in 0..3_000 {
            let middle = middle(text, 3_000, room, tokenizer);
            assert!(middle.end <= text.len());
        }
    }
}
