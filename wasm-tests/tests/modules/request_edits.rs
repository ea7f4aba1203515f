//! A request that a preset completes and that every endpoint gets in another form, cut anywhere: each attempt starts
//! from the canonical request, not from what the one before made of it.

use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Gateway, UpstreamResponse, World};
use serde_json::{Value, json};

use crate::answers::completion;
use crate::{GPT, assert_sound, post};

const BODY: &str = r#"{"preset": "brief","messages":[{"role":"user","content":"é \"世\""}],"top_p":0.50, "fallback_models":[],
 "reasoning":{"effort":"high"},"max_tokens":10000,"odd":1.50}"#;

/// What all three see of the preset's system prompt and of the caller's message.
const MESSAGES: &str =
    r#""messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"é \"世\""}]"#;

/// Alpha knows levels and another name for the bound, beta budgets and no sampling, gamma everything.
fn edit(document: &mut Value) {
    document["presets"] = json!({"brief": {
        "model": GPT, "system": "Be brief.", "temperature": 0.5, "top_p": 0.9, "provider": {"sort": "price"},
    }});
    let endpoints = document["models"][0]["endpoints"].as_array_mut().unwrap();
    for (endpoint, more) in endpoints.iter_mut().zip([
        json!({"supported_parameters": ["max_completion_tokens", "top_p"], "reasoning": {"style": "effort", "efforts": ["low", "medium"]}}),
        json!({"supported_parameters": ["max_tokens", "temperature"], "reasoning": {"style": "thinking", "max_tokens": 6000}}),
        json!({"supported_parameters": []}),
    ]) {
        let Value::Object(more) = more else {
            panic!("{more}")
        };
        endpoint.as_object_mut().unwrap().extend(more);
    }
}

/// What each provider got: the first two fail.
fn sent(gateway: &mut Gateway, chunks: Vec<Vec<u8>>) -> Vec<String> {
    let mut request = post(BODY);
    request.chunks = chunks;
    let answer = gateway.send(&request, |upstream| match upstream.attempt {
        3 => completion(),
        _ => UpstreamResponse::json(500, "{}").into(),
    });
    assert_sound(&answer, "edits");
    assert_eq!((answer.status, answer.attempts), (200, 3));
    let sent = answer.upstream.iter();
    sent.map(|sent| {
        let length = sent.headers.text("content-length");
        assert_eq!(length, Some(sent.body.len().to_string()));
        sent.text()
    })
    .collect()
}

#[test]
fn each_attempt_starts_from_the_canonical_request() {
    let mut gateway = Shipped::read()
        .cheapest_first()
        .document(edit)
        .gateway(&World::new());
    let bytes = BODY.as_bytes();
    // High is 80 % of the bound: 8000 tokens, more than beta takes, and nearest to medium at alpha.
    let expected = [
        format!(
            r#"{{"max_completion_tokens":10000,"reasoning_effort":"medium","model":"gpt-4o-mini",{MESSAGES},"top_p":0.50,"odd":1.50}}"#
        ),
        format!(
            r#"{{"thinking":{{"type":"enabled","budget_tokens":6000}},"model":"gpt-4o-mini-2024-07-18","temperature":0.5,{MESSAGES},"max_tokens":10000,"odd":1.50}}"#
        ),
        format!(
            r#"{{"model":"azure/gpt-4o-mini","temperature":0.5,{MESSAGES},"top_p":0.50,
 "reasoning":{{"effort":"high"}},"max_tokens":10000,"odd":1.50}}"#
        ),
    ];
    assert_eq!(sent(&mut gateway, vec![bytes.to_vec()]), expected);
    for at in 1..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        let pieces = vec![head.to_vec(), tail.to_vec()];
        assert_eq!(sent(&mut gateway, pieces), expected, "cut at {at}");
    }
    let single = bytes.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(sent(&mut gateway, single), expected);
}
