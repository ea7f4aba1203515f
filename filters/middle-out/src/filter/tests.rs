use super::*;
use meshrouter_core::limits::Limits;
use meshrouter_core::tokens::{Family, Scale};
use meshrouter_host::fake::{Stream, settings};

fn stream(document: &str, attempt: Option<&Attempt>) -> Stream<MiddleOut> {
    let mut stream = Stream::new(&settings::<MiddleOut>(document).unwrap());
    if let Some(attempt) = attempt {
        let properties = &mut stream.host.properties;
        properties.insert(property::ATTEMPT.to_owned(), attempt.encode());
    }
    stream
}

/// A request of 20 messages of some 105 tokens each.
fn body() -> String {
    let text = "word ".repeat(76);
    let message = serde_json::json!({"role": "user", "content": text});
    serde_json::json!({"model": "m", "messages": vec![message; 20]}).to_string()
}

/// An attempt at a model for which a prompt has this room, in tokens.
fn attempt(room: u64) -> Attempt {
    let scale = Scale::of(Family::Other);
    Attempt {
        model: "a/b".to_owned(),
        scale,
        context: 10_000,
        limits: Limits {
            weight: scale.weight(room),
            messages: None,
            completion: 10_000 - room,
        },
    }
}

#[test]
fn a_prompt_is_cut_down_to_what_fallback_says() {
    for (room, left) in [(500, 4), (9_000, 20)] {
        let body = body();
        let mut stream = stream("{}", Some(&attempt(room)));
        let flow = stream.headers(Direction::Request, &[("content-length", "0")], false);
        assert_eq!(flow, Flow::Pause);
        stream.body(Direction::Request, body.as_bytes(), true);
        let sent = stream.sent(Direction::Request);
        if sent != body {
            let length = stream.header(Direction::Request, "content-length");
            assert_eq!(length, Some(sent.len().to_string()));
        }
        let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(sent["messages"].as_array().unwrap().len(), left);
    }
}

#[test]
fn what_does_not_fit_is_said_where_that_leads_on() {
    for (document, flow) in [
        ("{}", Flow::Replied),
        (r#"{"native": true}"#, Flow::Continue),
    ] {
        let mut stream = stream(document, Some(&attempt(10)));
        stream.headers(Direction::Request, &[], false);
        let found = stream.body(Direction::Request, body().as_bytes(), true);
        assert_eq!(found, flow, "{document}");
    }
}

#[test]
fn without_an_attempt_nothing_happens() {
    let mut stream = stream("{}", None);
    assert_eq!(
        stream.headers(Direction::Request, &[], false),
        Flow::Continue
    );
    assert_eq!(stream.body(Direction::Request, b"{}", true), Flow::Continue);
    assert_eq!(stream.sent(Direction::Request), "{}");
}
