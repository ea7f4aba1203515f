//! Answers in canonical form, whatever dialect a provider speaks.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::gateway::shared;

/// A provider's reasons to end, and the canonical ones; nothing for what is no end.
const REASONS: &[(&str, Option<&str>)] = &[
    ("stop", Some("stop")),
    ("end_turn", Some("stop")),
    ("STOP", Some("stop")),
    ("eos", Some("stop")),
    ("length", Some("length")),
    ("max_tokens", Some("length")),
    ("MAX_TOKENS", Some("length")),
    ("tool_calls", Some("tool_calls")),
    ("tool_use", Some("tool_calls")),
    ("function_call", Some("tool_calls")),
    ("content_filter", Some("content_filter")),
    ("SAFETY", Some("content_filter")),
    ("error", Some("error")),
    ("", None),
];

#[test]
fn there_are_five_reasons_to_end_and_the_providers_own_beside() {
    let gateway = shared();
    for (native, canonical) in REASONS {
        let action = json!({"finish_reason": native});
        let answer = gateway.send(&Ask::model("test/free").on("alpha", action.clone()));
        let stream = gateway.send(&Ask::model("test/free").stream().on("alpha", action));
        let chunks = stream.sse_json();
        let last = chunks
            .iter()
            .rfind(|chunk| chunk["choices"][0].get("native_finish_reason").is_some());
        for answer in [&answer.json(), last.unwrap()] {
            let choice = &answer["choices"][0];
            assert_eq!(
                (&choice["finish_reason"], &choice["native_finish_reason"]),
                (&json!(canonical), &json!(native)),
            );
        }
        // The other chunks are no end, and have no reason. `[DONE]` is believed without one.
        let ends = chunks
            .iter()
            .filter(|chunk| !chunk["choices"][0]["finish_reason"].is_null());
        assert_eq!(ends.count(), usize::from(canonical.is_some()), "{native}");
        let done = stream
            .sse_data()
            .iter()
            .filter(|data| *data == "[DONE]")
            .count();
        assert_eq!(done, 1, "{native}: {}", stream.text());
    }
}

#[test]
fn what_a_provider_leaves_out_is_added() {
    let gateway = shared();
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"});
    let ask = Ask::model("test/free").on("alpha", json!({"body": {"choices": [choice]}}));
    let answer = gateway.send(&ask).json();
    let second = |answer: &Value| {
        let id = answer["id"]
            .as_str()
            .unwrap()
            .split('-')
            .nth(1)
            .unwrap()
            .to_owned();
        id.parse::<u64>().unwrap()
    };
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["created"], second(&answer));
    assert_eq!(
        (&answer["model"], &answer["provider"]),
        (&json!("test/free"), &json!("Alpha"))
    );

    let event = |choice: Value| format!("data: {}\n\n", json!({"choices": [choice]}));
    let events = json!([
        event(json!({"index": 0, "delta": {"content": "Hi"}})),
        event(json!({"index": 0, "delta": {}, "finish_reason": "stop"})),
        "data: [DONE]\n\n",
    ]);
    let ask = Ask::model("test/free")
        .stream()
        .on("alpha", json!({"events": events}));
    let chunks = gateway.send(&ask).sse_json();
    assert_eq!(chunks.len(), 2);
    for chunk in chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["created"], second(&chunk));
        assert_eq!(
            (&chunk["model"], &chunk["provider"]),
            (&json!("test/free"), &json!("Alpha"))
        );
    }
}

#[test]
fn usage_has_the_names_that_everybody_knows() {
    let gateway = shared();
    let used = json!({"input_tokens": 40, "output_tokens": 5, "cache_read_input_tokens": 30});
    for stream in [false, true] {
        let ask =
            Ask::with(json!({"model": "test/free", "stream": stream, "usage": {"include": true}}))
                .on("alpha", json!({"usage": used}));
        let response = gateway.send(&ask);
        let answer = if stream {
            response.sse_json().pop().unwrap()
        } else {
            response.json()
        };
        // Anthropic counts what it read from its cache beside the input.
        let mut wanted = json!({"prompt_tokens": 70, "completion_tokens": 5, "total_tokens": 75,
            "prompt_tokens_details": {"cached_tokens": 30}, "cost": 0, "is_byok": false,
            "cost_details": {"upstream_inference_cost": null}});
        let own = used.as_object().unwrap().clone();
        wanted.as_object_mut().unwrap().extend(own);
        assert_eq!(answer["usage"], wanted, "stream: {stream}");
        let record = gateway.record(&ask);
        assert_eq!(
            ["prompt_tokens", "cached_tokens", "completion_tokens"]
                .map(|name| record[name].clone()),
            [70, 30, 5]
        );
    }
}

/// The reasoning of an answer, under each of its names.
fn reasoning(message: &Value) -> [&Value; 3] {
    ["reasoning", "reasoning_content", "reasoning_details"].map(|name| &message[name])
}

/// What providers say of their reasoning, and what callers read.
fn reasonings() -> [(Value, [Value; 3]); 4] {
    let details = json!([{"type": "reasoning.text", "text": "Because 世."}]);
    let signed = json!([{"type": "reasoning.text", "text": "Because 世.", "signature": "x"}]);
    let text = json!("Because 世.");
    [
        (
            json!({"reasoning": text}),
            [text.clone(), text.clone(), details.clone()],
        ),
        (
            json!({"reasoning_content": text}),
            [text.clone(), text.clone(), details.clone()],
        ),
        (
            json!({"reasoning_content": text, "reasoning": null}),
            [text.clone(), text.clone(), details],
        ),
        (
            json!({"reasoning_details": signed}),
            [text.clone(), text, signed],
        ),
    ]
}

/// The message of a plain answer, or the delta of the stream's chunk that reasons.
fn told(response: &meshrouter_wasm_tests::client::Response, stream: bool) -> Value {
    if !stream {
        return response.json()["choices"][0]["message"].take();
    }
    let mut chunks = response.sse_json();
    let deltas = chunks
        .iter_mut()
        .map(|chunk| chunk["choices"][0]["delta"].take());
    let names = ["reasoning", "reasoning_content", "reasoning_details"];
    let mut reasons = deltas.filter(|delta| names.iter().any(|name| delta.get(name).is_some()));
    let delta = reasons.next().unwrap();
    assert_eq!(reasons.next(), None);
    delta
}

#[test]
fn reasoning_has_all_of_its_names() {
    let gateway = shared();
    for (message, wanted) in reasonings() {
        for stream in [false, true] {
            let ask = Ask::with(json!({"model": "test/free", "stream": stream}))
                .on("alpha", json!({"message": message}));
            let found = told(&gateway.send(&ask), stream);
            assert_eq!(
                reasoning(&found),
                wanted.each_ref(),
                "{message}, stream: {stream}"
            );
        }
    }
}

#[test]
fn reasoning_of_earlier_turns_is_accepted_under_each_of_its_names() {
    let gateway = shared();
    for reasoning in [
        json!({"reasoning": "Hm"}),
        json!({"reasoning_content": "Hm"}),
        json!({"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": "s"}]}),
    ] {
        let mut turn = json!({"role": "assistant", "content": "42"});
        let members = reasoning.as_object().unwrap().clone();
        turn.as_object_mut().unwrap().extend(members);
        let messages =
            json!([{"role": "user", "content": "a"}, turn, {"role": "user", "content": "b"}]);
        let ask = Ask::with(json!({"model": "test/free", "messages": messages}));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = gateway.seen(&ask);
        assert_eq!(seen[0].request.json()["messages"], messages);
    }
}

#[test]
fn reasoning_stays_inside_where_the_caller_wants_none_of_it() {
    let gateway = shared();
    let requests = [
        json!({"reasoning": {"exclude": true}}),
        json!({"reasoning": {"effort": "low", "exclude": true}}),
        json!({"include_reasoning": false}),
    ];
    for request in requests {
        for (message, _) in reasonings() {
            for stream in [false, true] {
                let ask = Ask::with(json!({"model": "test/free", "stream": stream}))
                    .and(request.clone())
                    .on("alpha", json!({"message": message}));
                let response = gateway.send(&ask);
                assert_eq!(response.status, 200);
                assert!(
                    !response.text().contains("Because"),
                    "{request}: {}",
                    response.text()
                );
                let found = told(&response, stream);
                assert_eq!(reasoning(&found), [&Value::Null; 3]);
            }
        }
    }
}
