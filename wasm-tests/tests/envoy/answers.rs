//! The main path: what a provider is asked, and what the caller is answered.

use serde_json::json;

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{shared, text};

#[test]
fn both_prefixes_serve_completions_and_streams() {
    let gateway = shared();
    let paths = [
        "/v1/chat/completions",
        "/api/v1/chat/completions",
        "/api/v1/chat/completions/",
        "/v1/chat/completions?beta=true",
    ];
    for path in paths {
        let plain = gateway.send(&Ask::model(MINI).path(path));
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(plain.header("content-type"), Some("application/json"));
        let stream = gateway.send(&Ask::model(MINI).path(path).stream());
        assert_eq!(stream.status, 200, "{path}");
        assert_eq!(
            stream.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        let said = "Hello from alpha. You said: One two three";
        assert_eq!(plain.json()["choices"][0]["message"]["content"], said);
        assert_eq!(text(&stream.sse_json()), said);
        assert_eq!(
            stream.sse_data().iter().filter(|d| *d == "[DONE]").count(),
            1
        );
    }
}

#[test]
fn answers_say_who_served_in_every_chunk() {
    let gateway = shared();
    let cases = [(MINI, "Alpha"), (SONNET, "Beta"), (LLAMA, "Gamma")];
    for (model, provider) in cases {
        let plain = gateway.send(&Ask::model(model)).json();
        let stream = gateway.send(&Ask::model(model).stream()).sse_json();
        assert!(stream.len() > 3);
        for answer in stream.iter().chain([&plain]) {
            assert_eq!(
                (&answer["model"], &answer["provider"]),
                (&json!(model), &json!(provider))
            );
            assert_eq!(
                answer["id"],
                if *answer == plain {
                    plain["id"].clone()
                } else {
                    stream[0]["id"].clone()
                }
            );
            let id = answer["id"].as_str().unwrap();
            assert!(id.starts_with("gen-") && id.len() > 20, "{id}");
            // What the router has no business with stays.
            assert_eq!(answer["system_fingerprint"], "fp_sim");
        }
        assert_ne!(plain["id"], stream[0]["id"]);
    }
}

#[test]
fn model_and_models_are_one_list() {
    let gateway = shared();
    let cases = [
        (json!({"models": [SONNET]}), SONNET),
        (json!({"models": [LLAMA, SONNET]}), LLAMA),
        (json!({"model": SONNET, "models": [MINI]}), SONNET),
        (json!({"model": SONNET, "models": []}), SONNET),
        (
            json!({"model": SONNET, "models": null, "route": "fallback"}),
            SONNET,
        ),
    ];
    for (members, served) in cases {
        let ask = Ask::with(members.clone());
        let response = gateway.send(&ask);
        assert_eq!(response.json()["model"], served, "{members}");
        assert_eq!(gateway.seen(&ask).len(), 1);
    }
}

/// Members as a provider must see them: odd numbers, escapes, spaces and the order of keys.
const ODD: &str = r#""z" : [1.50,-0.0, 1E+2,12345678901234567890123,0.1e-7 ],"a":{"b":null,  "a":"\u00e9\/\ud83d\ude00 é世"},	"":"","model_":"x","#;

#[test]
fn what_the_router_does_not_know_reaches_the_provider_byte_for_byte() {
    let gateway = shared();
    let router_only = r#""models":["anthropic/claude-sonnet-4"],"route":"fallback","provider":{"order":["Alpha"]},"transforms":[],"usage":{"include":false},"preset":"plain","fallback_models":[],"fallback_rules":"auto","plugins":[{"id":"web","enabled":false}],"#;
    for (stream, wanted) in [
        ("false", ""),
        ("true", r#","stream_options":{"include_usage":true}"#),
    ] {
        let ask = Ask::model(MINI);
        let messages = format!(
            r#""messages":[ {{"content":"caf\u00e9 \"model\"","role":"user","x":1.0}} ],"stream": {stream}, "simulate":{{"id":{}}}"#,
            ask.id()
        );
        let sent = format!(r#"{{ {ODD} "model": "openai/gpt-4o-mini",{router_only}{messages} }}"#);
        let request = ask
            .bare()
            .header("content-type", "application/json")
            .body(sent);
        let response = gateway.envoy.client().send(request);
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = gateway.seen(&ask).remove(0).request;
        let body = String::from_utf8(seen.body.clone()).unwrap();
        // Where a member is added is the router's affair; everything else is not.
        let body = body
            .replace(wanted.trim_start_matches(','), "")
            .replace("{,", "{")
            .replace(",,", ",");
        assert_eq!(
            body,
            format!(r#"{{ {ODD} "model": "gpt-4o-mini",{messages} }}"#)
        );
        assert_eq!(
            seen.header("content-length"),
            Some(&*seen.body.len().to_string())
        );
    }
}

#[test]
fn answers_pass_byte_for_byte_but_for_what_makes_them_canonical() {
    let gateway = shared();
    let body = r#"{ "id":"chatcmpl-1","odd" : [1.50, 1E+2,12345678901234567890123],"choices":[ {"index":0,"message":{"role":"assistant","content":"caf\u00e9 \/ 世"},"finish_reason":"stop"} ] }"#;
    let action = json!({"body": body, "content_type": "application/json"});
    let response = gateway.send(&Ask::model("test/free").on("alpha", action));
    let id = response.json()["id"].as_str().unwrap().to_owned();
    let expected = body.replace("chatcmpl-1", &id);
    let expected = expected.replace("{\"index\"", "{\"native_finish_reason\":\"stop\",\"index\"");
    // The id holds the second of the request.
    let created = id.split('-').nth(1).unwrap();
    // The provider reports no usage, so the router does.
    let bill = r#""is_byok":false,"cost_details":{"upstream_inference_cost":null}"#;
    let usage = &response.json()["usage"];
    let [prompt, completion, total] =
        ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| &usage[name]);
    let usage = format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total},"estimated":true,"cost":0,{bill}}}"#
    );
    let signature = format!(
        r#"{{"usage":{usage},"provider":"Alpha","model":"test/free","object":"chat.completion","created":{created},"#
    );
    assert_eq!(response.text(), expected.replacen('{', &signature, 1));
}

#[test]
fn tool_calls_and_choices_survive() {
    let gateway = shared();
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}});
    let action = json!({"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"});
    let ask = || Ask::with(json!({"model": MINI, "n": 2})).on("alpha", action.clone());
    let plain = gateway.send(&ask()).json();
    assert_eq!(plain["choices"].as_array().unwrap().len(), 2);
    assert_eq!(plain["choices"][1]["message"]["tool_calls"][0], call);
    let chunks = gateway.send(&ask().stream()).sse_json();
    let calls: Vec<_> = chunks
        .iter()
        .filter(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0]["id"] == "call_1")
        .map(|chunk| chunk["choices"][0]["index"].clone())
        .collect();
    assert_eq!(calls, [0, 1]);
}
