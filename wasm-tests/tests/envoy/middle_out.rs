//! Middle-out: messages too long for a context lose their middle, where the caller lets them.

use meshrouter_core::tokens::{Count, Family, MESSAGE_TOKENS, Scale, Tally};
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::gateway::{error, shared};

/// Twenty numbered messages, some 600 tokens; the context of alpha's `test/small` is 400.
fn long(members: Value) -> Ask {
    numbered(20, members)
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
    // What providers report would teach the gateway how the model counts, other tests beside this one.
    let ask = Ask::with(json!({"model": "test/small", "messages": messages})).and(members);
    ask.everywhere(&json!({"usage": false}))
}

/// The tokens of the prompt by the router's count.
fn prompt_tokens(ask: &Ask) -> u64 {
    let mut count = Count::default();
    for message in messages(&ask.body()) {
        count.tokens(MESSAGE_TOKENS);
        count.text(message["content"].as_str().unwrap().as_bytes());
    }
    let weight = count.weight(Family::Other.tokenizer());
    Scale::of(Family::Other).tokens(weight)
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
        assert_eq!(gateway.record(&ask)["compressed"], true);
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
    assert_eq!(gateway.record(&ask)["compressed"], false);
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
    let prompt = prompt_tokens(&ask);
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

#[test]
fn too_many_messages_keep_both_ends() {
    let gateway = shared();
    let few = json!({"model": "test/few", "transforms": ["middle-out"]});
    let ask = numbered(20, few);
    assert_eq!(gateway.send(&ask).json()["provider"], "Alpha");
    let all = messages(&ask.body());
    let wanted = [&all[..3], &all[17..]].concat();
    let seen = gateway.seen(&ask).remove(0).request.json();
    assert_eq!(messages(&seen), wanted);

    // Who takes as many is asked, without compression.
    let ask = numbered(8, json!({"model": "test/few"}));
    assert_eq!(gateway.send(&ask).json()["provider"], "Beta");
    let seen = gateway.seen(&ask).remove(0).request.json();
    assert_eq!(messages(&seen), messages(&ask.body()));

    let ask = numbered(20, json!({"model": "test/few"}));
    let found = error(&gateway.send(&ask), 400);
    assert_eq!(
        found["message"],
        "This request has 20 messages, but at most 10 can be served. Send fewer of them, or set \
         `transforms: [\"middle-out\"]` to keep those from the start and from the end."
    );
    assert_eq!(
        found["metadata"]["reasons"][0]["constraint"],
        "max_messages"
    );
    assert!(gateway.seen(&ask).is_empty());
}

/// What a provider says whose context is too small.
const TOO_LONG: &str = "This model's maximum context length is 300 tokens.";

fn too_long() -> Value {
    json!({"status": 400, "body": {"error": {"message": TOO_LONG, "code": "context_length_exceeded"}}})
}

/// One message of the user's that no compression may touch.
fn one(model: &str, words: usize) -> Ask {
    let text = "word ".repeat(words);
    Ask::with(json!({"model": model, "messages": [{"role": "user", "content": text}]}))
        .everywhere(&json!({"usage": false}))
}

#[test]
fn what_cannot_be_compressed_enough_goes_to_the_next() {
    let gateway = shared();
    // Half of it would fit alpha's context, but the last message stays whole.
    let ask = one("test/small", 450).on("alpha", too_long());
    let response = gateway.send(&ask);
    assert_eq!(response.json()["provider"], "Beta");
    assert_eq!(response.header("x-router-attempts"), Some("2"));
    match shape::is_native() {
        // There the provider is asked all the same, and says so itself.
        true => assert_eq!(gateway.asked(&ask), ["alpha", "beta"]),
        false => assert_eq!(gateway.asked(&ask), ["beta"]),
    }
}

#[test]
fn what_nobody_can_hold_compressed_is_a_400_of_the_router() {
    let gateway = shared();
    for stream in [false, true] {
        let ask = one("test/tiny", 450).and(json!({"stream": stream}));
        let ask = ask.everywhere(&too_long());
        let found = error(&gateway.send(&ask), 400);
        if shape::is_native() {
            assert_eq!(found["message"], TOO_LONG);
            assert!(!gateway.seen(&ask).is_empty());
            continue;
        }
        let least = prompt_tokens(&ask);
        assert_eq!(
            found["message"],
            format!(
                "Even with its middle left out, this prompt needs about {least} tokens, but the context of \
                 `test/tiny` holds 300, of which 75 are kept for the completion. Shorten the system prompt, \
                 the tools or the last message, or lower `max_tokens`."
            )
        );
        assert!(gateway.seen(&ask).is_empty());
    }
}

#[test]
fn what_providers_count_corrects_later_estimates() {
    let gateway = shared();
    let ask = one("test/learned", 3_000);
    // What nobody can complete is refused with the estimate.
    let estimated = |ask: &Ask| -> u64 {
        let ask = ask.again().and(json!({"max_tokens": 1_000_000}));
        let found = error(&gateway.send(&ask), 400);
        let message = found["message"].as_str().unwrap();
        let (_, behind) = message.split_once("tokens (").unwrap();
        behind.split(' ').next().unwrap().parse().unwrap()
    };
    let before = estimated(&ask);
    assert_eq!(before, prompt_tokens(&ask));
    let real = before * 7 / 5;
    let usage = json!({"prompt_tokens": real, "completion_tokens": 1, "total_tokens": real + 1});
    for stream in [false, true] {
        let ask = ask.again().and(json!({"stream": stream}));
        let ask = ask.on("alpha", json!({"usage": usage}));
        assert_eq!(gateway.send(&ask).status, 200);
    }
    // A stream is over for the gateway when its caller has it.
    let after = estimated(&ask);
    assert!(
        after > real && after < real * 5 / 4,
        "{before}, {real}, {after}"
    );
    // So what fitted does no more, and is refused before anybody is asked.
    let ask = one("test/learned", 5_000);
    assert!(prompt_tokens(&ask) < 9_000);
    let found = error(&gateway.send(&ask), 400);
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains("largest context that can serve it holds 9000"),
        "{message}"
    );
}
