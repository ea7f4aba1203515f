//! Bodies that are wrong, odd or large.

use std::time::{Duration, Instant};

use meshrouter_core::tokens::Family;

use super::*;

#[test]
fn what_is_no_request_passes() {
    let bodies: &[&[u8]] = &[
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff",
        br#"{"messages": null}"#,
        br#"{"messages": []}"#,
        br#"{"messages": [1]}"#,
        br#"{"messages": [{}]}"#,
        br#"{"messages": [{"role": 1}]}"#,
        br#"{"messages": [{"role": "user", "content": "x"}"#,
        br#"{"messages": [{"role": "user", "content": "x"}]} x"#,
        br#"{"messages": [{"role": "user"}], "messages": [{"role": "user"}]}"#,
        b"{\"messages\": [{\"role\": \"user\", \"content\": \"\xe9\"}]}",
    ];
    for body in bodies {
        assert_eq!(simply(body, 0), Fit::Fits);
    }
}

#[test]
fn no_cut_or_changed_byte_panics() {
    let messages = [
        said("u1", 20),
        said("c2", 20),
        said("r2", 10),
        r#"{"role":"assistant","content":[{"type":"text","text":"\ud83d\ude00 é \\ and more"}]}"#
            .to_owned(),
    ];
    let body = request(&messages).into_bytes();
    for at in 0..body.len() {
        let _ = simply(&body[..at], 20);
        for byte in [b'"', b'{', b']', b'\\', b',', b'u', 0, 0xff] {
            let mut changed = body.clone();
            changed[at] = byte;
            for budget in [0, 20, 50] {
                if let Fit::Compressed { body, .. } = simply(&changed, budget) {
                    assert!(tokens(&body) <= budget);
                }
            }
        }
    }
}

#[test]
fn odd_but_valid() {
    let long = " x".repeat(400);
    let compressed = |messages: &[&str], budget: u64| {
        let messages: Vec<String> = messages.iter().map(|m| m.replace("LONG", &long)).collect();
        match simply(request(&messages).as_bytes(), budget) {
            Fit::Compressed { body, .. } => {
                assert!(tokens(&body) <= budget);
                String::from_utf8(body).unwrap()
            }
            other => panic!("{other:?}"),
        }
    };
    let last = r#"{"role":"user","content":"last"}"#;

    // A byte order mark, escaped names and roles.
    let body = format!(
        "\u{feff}{{\"mess\\u0061ges\":[{{\"role\":\"\\u0073ystem\",\"content\":\"rules\"}},{{\"role\":\"assistant\",\"content\":\"{long}\"}},{last}]}}"
    );
    let Fit::Compressed { body, .. } = simply(body.as_bytes(), 30) else {
        panic!("it can be cut");
    };
    let body = String::from_utf8(body).unwrap();
    assert!(body.starts_with(
        "\u{feff}{\"mess\\u0061ges\":[{\"role\":\"\\u0073ystem\",\"content\":\"rules\"},"
    ));

    // A role or a content given twice: whichever counts for the provider.
    let twice = r#"{"role":"system","content":"rules","role":"assistant"}"#;
    let body = compressed(
        &[
            last,
            r#"{"role":"assistant","content":"LONG"}"#,
            twice,
            last,
        ],
        40,
    );
    assert!(body.contains(twice));
    let body = compressed(
        &[r#"{"content":"LONG","role":"user","content":"LONG"}"#, last],
        60,
    );
    assert_eq!(body.matches('…').count(), 2);
    let part = r#"{"role":"user","content":[{"text":"a b c d","type":"text","text":"LONG"}]}"#;
    assert!(compressed(&[part, last], 40).contains(r#""text":"a b c d","type""#));

    // Calls as they were before `tool_calls`, and none.
    let old = r#"{"role":"assistant","content":null,"function_call":{"name":"f"}}"#;
    let result = r#"{"role":"function","name":"f","content":"LONG"}"#;
    let body = compressed(&[last, old, result, last], 40);
    assert!(!body.contains("function"));
    let none = r#"{"role":"assistant","content":"LONG","tool_calls":[ ]}"#;
    assert!(!compressed(&[last, none, last], 40).contains("tool_calls"));

    // Members that are as long as a text, but none.
    let named = format!(r#"{{"role":"assistant","content":"a","reasoning":"{long}"}}"#);
    let body = request(&[last.to_owned(), named]);
    assert!(matches!(simply(body.as_bytes(), 50), Fit::Unfit(_)));
}

/// Measures one call, and that its result fits.
fn timed(name: &str, body: &str, budget: u64) {
    let start = Instant::now();
    let tokenizer = Family::Gpt.tokenizer();
    let fitted = fit(body.as_bytes(), tokenizer, &room(budget));
    let took = start.elapsed();
    println!("{name}: {} bytes in {took:?}", body.len());
    match fitted {
        Fit::Compressed { body, .. } => assert!(weight(&body, tokenizer) <= budget * TOKEN),
        Fit::Unfit(_) => {}
        Fit::Fits => panic!("{name} does not fit"),
    }
    // Linear is some hundred milliseconds without optimisation; anything more would be minutes.
    assert!(took < Duration::from_secs(5), "{name} took {took:?}");
}

#[test]
fn a_megabyte_is_quick() {
    const SIZE: usize = 1 << 20;
    let user = |text: &str| format!(r#"{{"role":"user","content":"{text}"}}"#);
    let many = |message: &str| request(&vec![message.to_owned(); SIZE / message.len()]);
    let last = user("x");
    let one = |text: &str| request(&[user(&text.repeat(SIZE / text.len())), last.clone()]);
    timed(
        "messages of a paragraph",
        &many(&user(&"some words ".repeat(50))),
        100_000,
    );
    timed("messages of a byte", &many(&last), 1000);
    timed(
        "calls without results",
        &many(r#"{"role":"assistant","tool_calls":[1]}"#),
        1000,
    );
    timed("results without calls", &many(r#"{"role":"tool"}"#), 1000);
    timed("one text of words", &one("some words "), 100_000);
    timed(
        "one text of escapes",
        &one(r"\n\u00e9\ud83d\ude00"),
        100_000,
    );
    timed("one text of backslashes", &one(r"\\"), 10_000);
    timed("one text in Chinese", &one("世界"), 100_000);
    let parts = r#"{"type":"text","text":"some words and more"},"#.repeat(SIZE / 45);
    let parts = format!(
        r#"{{"role":"user","content":[{}]}}"#,
        parts.trim_end_matches(',')
    );
    timed(
        "one message of parts",
        &request(&[parts, last.clone()]),
        50_000,
    );
    let rows = format!(r#"[{}1]"#, r#"{\"a\":1},"#.repeat(SIZE / 10));
    let result = format!(r#"{{"role":"tool","content":"{rows}"}}"#);
    timed(
        "one result in JSON",
        &request(&[last.clone(), result]),
        1000,
    );
}
