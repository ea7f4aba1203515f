//! Middle-out: messages too long for a context lose their middle, where the caller lets them.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::gateway::{error, shared};

/// Twenty-eight numbered messages of 27 tokens each by the router's count; the context of alpha's `test/small` is 400.
fn long(members: Value) -> Ask {
    numbered(28, members)
}

fn numbered(count: usize, members: Value) -> Ask {
    let message = |number: usize| {
        let role = if number.is_multiple_of(2) {
            "user"
        } else {
            "assistant"
        };
        json!({"role": role, "content": format!("number {number} {}", "word ".repeat(16))})
    };
    let messages: Vec<_> = (0..count).map(message).collect();
    Ask::with(json!({"model": "test/small", "messages": messages})).and(members)
}

fn messages(body: &Value) -> Vec<Value> {
    body["messages"].as_array().unwrap().clone()
}

#[test]
fn long_prompts_lose_their_middle() {
    let gateway = shared();
    // A context of 8,192 or less compresses by default.
    for members in [
        json!({"transforms": ["middle-out"]}),
        json!({}),
        json!({"stream": true}),
    ] {
        let ask = long(members.clone());
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = gateway.seen(&ask).remove(0);
        assert_eq!(seen.provider, "alpha");
        let length = seen.request.body.len().to_string();
        assert_eq!(seen.request.header("content-length"), Some(&*length));
        let (kept, all) = (messages(&seen.request.json()), messages(&ask.body()));
        assert!(
            kept.len() < all.len() && kept.len() >= 2,
            "{members}: {}",
            kept.len()
        );
        // What is kept is kept whole, from both ends.
        assert_eq!((kept.first(), kept.last()), (all.first(), all.last()));
        let from_the_start = kept
            .iter()
            .zip(&all)
            .take_while(|(kept, all)| kept == all)
            .count();
        let from_the_end = kept
            .iter()
            .rev()
            .zip(all.iter().rev())
            .take_while(|(kept, all)| kept == all)
            .count();
        assert_eq!(from_the_start + from_the_end, kept.len(), "{kept:?}");
    }
}

#[test]
fn a_caller_may_forbid_it() {
    let gateway = shared();
    let ask = long(json!({"transforms": []}));
    assert_eq!(gateway.send(&ask).json()["provider"], "Beta");
    assert_eq!(gateway.asked(&ask), ["beta"]);
    let seen = gateway.seen(&ask).remove(0).request.json();
    assert_eq!(messages(&seen), messages(&ask.body()));
}

#[test]
fn who_would_see_less_than_half_of_it_is_not_asked() {
    let gateway = shared();
    for transforms in [json!(null), json!(["middle-out"])] {
        let ask = numbered(40, json!({"transforms": transforms}));
        assert_eq!(gateway.send(&ask).json()["provider"], "Beta");
        assert_eq!(gateway.asked(&ask), ["beta"]);
        let seen = gateway.seen(&ask).remove(0).request.json();
        assert_eq!(messages(&seen), messages(&ask.body()));
    }
}

#[test]
fn what_nobody_can_hold_is_a_400_that_says_how_long_it_is() {
    let gateway = shared();
    let ask = numbered(40, json!({"transforms": [], "max_tokens": 99_900}));
    let found = error(&gateway.send(&ask), 400);
    let prompt = 40 * 27;
    let total = prompt + 99_900;
    let wanted = format!(
        "This request needs about {total} tokens ({prompt} for the prompt, 99900 for the completion), but the \
         largest context that can serve it holds 100000. Shorten the messages or lower `max_tokens`, or set \
         `transforms: [\"middle-out\"]` to compress the prompt."
    );
    assert_eq!(found["message"], wanted);
    let reason = |endpoint: &str| {
        json!({"model": "test/small", "endpoint": endpoint, "constraint": "context_length",
            "reason": format!("It is none of those that hold the {total} tokens of prompt and completion.")})
    };
    let reasons = json!([reason("alpha"), reason("beta")]);
    assert_eq!(found["metadata"], json!({"reasons": reasons}));
    assert!(gateway.seen(&ask).is_empty());
}

#[test]
fn each_attempt_is_fitted_to_its_own_context() {
    let gateway = shared();
    let ask = long(json!({"transforms": ["middle-out"]})).on("alpha", json!({"status": 503}));
    assert_eq!(gateway.send(&ask).status, 200);
    let seen = gateway.seen(&ask);
    let all = messages(&ask.body());
    assert!(messages(&seen[0].request.json()).len() < all.len());
    assert_eq!(seen[1].provider, "beta");
    assert_eq!(messages(&seen[1].request.json()), all);
}

#[test]
fn what_fits_is_left_alone() {
    let gateway = shared();
    let ask = Ask::model("test/small").and(json!({"transforms": ["middle-out"]}));
    assert_eq!(gateway.send(&ask).status, 200);
    let seen = gateway.seen(&ask).remove(0).request.json();
    assert_eq!(messages(&seen), messages(&ask.body()));
}
