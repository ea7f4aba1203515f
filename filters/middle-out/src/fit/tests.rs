//! What stays, what goes and what is cut, case by case.

mod cuts;
mod hostile;
mod properties;

use meshrouter_core::route::Operation;
use meshrouter_core::tokens::{FEATURES, Feature, Rule, TOKEN};
use meshrouter_wire::request::ChatRequest;
use serde_json::Value;

use super::*;

/// A request with `messages`, and members around them that must come through as they are.
fn request(messages: &[String]) -> String {
    let messages = messages.join(",\n  ");
    format!(
        "{{ \"model\":\"a/b\", \"messages\" : [ {messages} ] ,\"big\":1.50e40,\"messages2\":[] }}"
    )
}

/// A tokenizer by which one can count in one's head: a token is a short word behind a space, a Han character or
/// an emoji; the marker counts two; all else nothing.
fn simple() -> Tokenizer {
    let mut weights = [0; FEATURES];
    for feature in [Feature::Spaced5, Feature::Han, Feature::Astral] {
        weights[feature as usize] = TOKEN as u16;
    }
    weights[Feature::Typographic as usize] = 2 * TOKEN as u16;
    Tokenizer {
        weights,
        images: Rule::Patches,
        margin: 1,
    }
}

/// So many tokens, and any number of messages.
fn room(tokens: u64) -> Limits {
    Limits {
        weight: tokens * TOKEN,
        messages: None,
        completion: 0,
    }
}

/// What `fit` makes of a body by the simple tokenizer.
fn simply(body: &[u8], tokens: u64) -> Fit {
    fit(body, &simple(), &room(tokens))
}

/// What the request weighs, as `normalize` counts it.
fn weight(body: &[u8], tokenizer: &Tokenizer) -> u64 {
    let request = ChatRequest::read_whole(body, Operation::ChatCompletions);
    request.unwrap().prompt.count().weight(tokenizer)
}

/// Its tokens by the simple tokenizer.
fn tokens(body: &[u8]) -> u64 {
    weight(body, &simple()).div_ceil(TOKEN)
}

/// A message whose text begins with its name and which counts `tokens`.
fn said(name: &str, tokens: usize) -> String {
    let role = match name.as_bytes()[0] {
        b's' => "system",
        b'd' => "developer",
        b'u' => "user",
        b'r' => return result(name, &text(name, tokens - 4)),
        b'c' => return call(name, tokens),
        _ => "assistant",
    };
    let text = text(name, tokens - 4);
    format!(r#"{{"role":"{role}","content":"{text}"}}"#)
}

fn text(name: &str, tokens: usize) -> String {
    format!("{name}{}", " x".repeat(tokens))
}

fn call(name: &str, tokens: usize) -> String {
    let calls = format!(r#"[{{"id":"{name}","function":{{"arguments":"{{}}"}}}}]"#);
    let text = text(name, tokens - 4);
    format!(r#"{{"tool_calls":{calls},"role":"assistant","content":"{text}"}}"#)
}

fn result(name: &str, text: &str) -> String {
    let id = format!("{name:.<6}");
    format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"{text}"}}"#)
}

/// The names of the messages that are left, each the first word of its text; one that is cut has `…` after it.
fn names(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    let messages = body["messages"].as_array().unwrap();
    let name = |message: &Value| {
        let text = message["content"].as_str().unwrap();
        let name = text.split(['…', ' ']).next().unwrap();
        let cut = if text.contains('…') { "…" } else { "" };
        format!("{name}{cut}")
    };
    messages.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// What `fit` makes of messages given as `name:tokens`, or as `name` for ten tokens.
fn fitted(messages: &str, budget: u64) -> String {
    limited(messages, &room(budget))
}

fn limited(messages: &str, limits: &Limits) -> String {
    let said: Vec<String> = messages
        .split(' ')
        .map(|message| match message.split_once(':') {
            Some((name, tokens)) => said(name, tokens.parse().unwrap()),
            None if message.starts_with('c') => said(message, 20),
            None => said(message, 10),
        })
        .collect();
    let body = request(&said);
    match fit(body.as_bytes(), &simple(), limits) {
        Fit::Fits => "fits".to_owned(),
        Fit::Unfit(Unfit::TooLong { weight }) => format!("too long: {}", weight / TOKEN),
        Fit::Unfit(Unfit::TooMany { messages }) => format!("too many: {messages}"),
        Fit::Compressed {
            body,
            removed,
            truncated,
        } => {
            assert!(weight(&body, &simple()) <= limits.weight);
            let names = names(&body);
            assert_eq!(names.split(' ').count() + removed, said.len());
            assert_eq!(names.matches('…').count(), truncated);
            names
        }
    }
}

#[track_caller]
fn table(cases: &[(&str, u64, &str)]) {
    for (messages, budget, expected) in cases {
        assert_eq!(
            fitted(messages, *budget),
            *expected,
            "{messages} in {budget}"
        );
    }
}

#[test]
fn the_middle_goes_first() {
    let seven = "u1 a2 u3 a4 u5 a6 u7";
    table(&[
        (seven, 70, "fits"),
        (seven, 69, "u1 a2 u3 u5 a6 u7"),
        (seven, 60, "u1 a2 u3 u5 a6 u7"),
        (seven, 59, "u1 a2 u5 a6 u7"),
        (seven, 50, "u1 a2 u5 a6 u7"),
        (seven, 49, "u1 a2 a6 u7"),
        (seven, 39, "u1 a6 u7"),
        (seven, 29, "u1 u7"),
        (seven, 20, "u1 u7"),
        // Only the ends are left, and the last user message stays whole.
        (seven, 19, "u1… u7"),
        (seven, 16, "u1… u7"),
        // The least of the first message counts six: where that is too much, it goes.
        (seven, 15, "u7"),
        (seven, 10, "u7"),
        (seven, 9, "too long: 10"),
        (seven, 0, "too long: 10"),
        ("u1", 9, "too long: 10"),
        // The middle is where half of the tokens are.
        (
            "u1 a2:40 u3 a4 u5 a6 u7 a8 u9",
            110,
            "u1 a2 a4 u5 a6 u7 a8 u9",
        ),
        ("u1 a2:40 u3 a4 u5 a6 u7 a8 u9", 80, "u1 a2 u7 a8 u9"),
        // One that is too long alone does not take its side along.
        ("u1 a2 u3 a4 u5 a6:90 u7", 60, "u1 a2 u3 a4 u5 u7"),
        ("u1 a2:90 u3 a4 u5 a6 u7", 60, "u1 u3 a4 u5 a6 u7"),
    ]);
}

#[test]
fn what_is_asked_stays() {
    table(&[
        ("s1 u2 a3 u4 a5 u6", 40, "s1 u2 a5 u6"),
        ("s1 u2 a3 d4 a5 u6", 40, "s1 u2 d4 u6"),
        ("s1 u2 a3 d4 a5 u6", 30, "s1 d4 u6"),
        ("s1 u2 a3 d4 a5 u6", 29, "too long: 30"),
        // The last user message is not the last: an agent at work, or an answer to be continued.
        ("s1 u2 a3 u4 a5 a6 a7", 50, "s1 u2 u4 a6 a7"),
        ("s1 u2 a3 u4 a5 a6 a7", 40, "s1 u2 u4 a7"),
        ("s1 u2 a3 u4 a5 a6 a7:50", 60, "s1 u2 u4 a7…"),
        ("u1 a2 a3:50", 40, "u1 a3…"),
        // No user at all.
        ("s1 a2 a3", 20, "s1 a3"),
        ("a1 a2 a3", 20, "a1 a3"),
        ("s1 s2", 19, "too long: 20"),
        ("u1 a2 s3", 20, "u1 s3"),
    ]);
}

#[test]
fn calls_and_results_are_one() {
    let agent = "s1 u2 c3 r3 c4 r4a r4b c5 r5 u6";
    table(&[
        (agent, 130, "fits"),
        (agent, 129, "s1 u2 c3 r3 c5 r5 u6"),
        (agent, 90, "s1 u2 c3 r3 c5 r5 u6"),
        (agent, 89, "s1 u2 c5 r5 u6"),
        (agent, 59, "s1 u2 u6"),
        // The last calls are being answered.
        ("u1 c2 r2 c3 r3", 69, "u1 c3 r3"),
        ("u1 c2 r2 c3 r3", 40, "u1 c3 r3"),
        ("u1 c2 r2 c3 r3:40", 60, "u1 c3 r3…"),
        // Calls in several messages before the first result.
        ("u1 c2 c3 r2 r3 a4 u5", 79, "u1 a4 u5"),
        // Results that another message delays.
        ("u1 c2 a3 r2 a4 u5", 69, "u1 c2 r2 a4 u5"),
        ("u1 c2 a3 r2 a4 u5", 49, "u1 a3 a4 u5"),
        // Results without a call are messages like others.
        ("u1 r1 r2 a3 u4", 49, "u1 r1 a3 u4"),
    ]);
}

#[test]
fn tools_count_and_stay() {
    let tools = r#"[{"type":"function","function":{"description":"It does x too"}}]"#;
    let messages = [said("u1", 10), said("a2", 10), said("u3", 10)].join(",");
    let body = format!(r#"{{"messages":[{messages}],"tools":{tools}}}"#);
    // The words in the tools' description.
    let least = 20 + 3;
    assert_eq!(simply(body.as_bytes(), least + 10), Fit::Fits);
    let Fit::Compressed { body, .. } = simply(body.as_bytes(), least) else {
        panic!("two messages and the tools fit");
    };
    assert_eq!(names(&body), "u1 u3");
    assert!(
        String::from_utf8(body)
            .unwrap()
            .ends_with(&format!(r#"],"tools":{tools}}}"#))
    );
}

#[test]
fn kept_bytes_are_the_same() {
    let odd = "{ \"content\" :\t\"\\u0041 \\/ caf\u{e9}\" , \"x\" : 1.0e0,\"role\":\"user\" }";
    let messages = [odd.to_owned(), said("a2", 10), said("u3", 10)];
    let body = request(&messages);
    let expected = request(&[messages[0].clone(), messages[2].clone()]);
    let budget = tokens(expected.as_bytes());
    let Fit::Compressed {
        body,
        removed,
        truncated,
    } = simply(body.as_bytes(), budget)
    else {
        panic!("the ends fit");
    };
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    assert_eq!((removed, truncated), (1, 0));
}

#[test]
fn of_too_many_messages_both_ends_stay() {
    let most = |messages: &str, most: u64| {
        let limits = Limits {
            messages: Some(most),
            ..room(1_000)
        };
        limited(messages, &limits)
    };
    let seven = "u1 a2 u3 a4 u5 a6 u7";
    for (messages, limit, expected) in [
        (seven, 7, "fits"),
        (seven, 6, "u1 a2 u3 u5 a6 u7"),
        (seven, 5, "u1 a2 u5 a6 u7"),
        (seven, 4, "u1 a2 a6 u7"),
        (seven, 2, "u1 u7"),
        (seven, 1, "u7"),
        ("s1 s2 u3 a4 u5 a6 u7", 4, "s1 s2 u3 u7"),
        ("s1 s2 u3 a4 u5 a6 u7", 3, "s1 s2 u7"),
        ("s1 s2 u3 a4 u5 a6 u7", 2, "too many: 3"),
        // Calls and their results stay or go together.
        ("u1 c2 r2 u3 c4 r4 r5 u6", 5, "u1 c4 r4 r5 u6"),
        ("u1 c2 r2 r3 r4 r5 a6 u7", 5, "u1 a6 u7"),
        ("u1 c2 r2 r3 r4", 4, "too many: 5"),
    ] {
        assert_eq!(most(messages, limit), expected, "{messages}: {limit}");
    }
    // Both at once: what may stay by number must also fit.
    let both = Limits {
        messages: Some(5),
        ..room(40)
    };
    assert_eq!(limited(seven, &both), "u1 a2 a6 u7");
}
