//! The built modules in our own host, with the shipped configuration: each filter alone, then the whole gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod alone;
mod answers;
mod body_cuts;
mod completions;
mod fuel;
mod hostile;
mod lcg;
mod outcomes;
mod request_edits;
mod selection;
mod shapes;
mod stream_cuts;
mod stream_ends;

use meshrouter_core::Facts;
use meshrouter_core::facts::Choice;
use meshrouter_core::tokens::Estimate;
use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Answer, Chain, Gateway, GatewayRequest, World};
use serde_json::Value;

/// The caller's key in the shipped document.
const KEY: &str = "Bearer sk-or-v1-demo";
const CHAT: &str = "/api/v1/chat/completions";
const GPT: &str = "openai/gpt-4o-mini";
const CLAUDE: &str = "anthropic/claude-sonnet-4";
const LLAMA: &str = "meta-llama/llama-3.3-70b-instruct";

/// What a provider answers where a test is not about it.
const COMPLETION: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Héllo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

fn gateway() -> (World, Gateway) {
    let world = World::new();
    let gateway = Shipped::read().cheapest_first().gateway(&world);
    (world, gateway)
}

/// One filter, which is a module of its own whatever the suite's shape.
fn alone(filter: &str) -> (World, Chain) {
    let world = World::new();
    let plugin = Shipped::seven().cheapest_first().plugin(filter);
    let chain = Chain::new(&world, &[plugin]).unwrap();
    (world, chain)
}

/// A request's body: a model, a message, and what else is given.
fn chat(model: &str, more: &str) -> String {
    format!(r#"{{"model":"{model}",{more}"messages":[{{"role":"user","content":"Say ünïcode"}}]}}"#)
}

/// A caller's request.
fn post(body: impl Into<Vec<u8>>) -> GatewayRequest {
    GatewayRequest::post(CHAT, body).header("authorization", KEY)
}

fn choice(id: &str) -> Choice {
    Choice {
        id: id.to_owned(),
        ..Choice::default()
    }
}

fn facts(models: &[&str]) -> Facts {
    Facts {
        generation: "gen-1".to_owned(),
        models: models.iter().map(|id| choice(id)).collect(),
        estimate: Estimate::of_tokens(1_000),
        ..Facts::default()
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The text with the generation's id, which is another each time, as `GEN`.
fn stable(text: &str) -> String {
    const LENGTH: usize = "gen-1700000000-".len() + 20;
    let mut parts = text.split("gen-1700000000-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("GEN");
        out.push_str(&part[LENGTH - "gen-1700000000-".len()..]);
    }
    out
}

/// The access-log record without the generation's id.
fn record(answer: &Answer) -> Value {
    let text = String::from_utf8_lossy(&answer.access_log["meshrouter.record"]).into_owned();
    json(&stable(&text))
}

/// Nothing trapped, nothing was framed wrongly, and there is an answer or a visible break.
#[track_caller]
fn assert_sound(answer: &Answer, about: &str) {
    assert_eq!(answer.traps, [], "{about}");
    assert_eq!(answer.framing_errors, [""; 0], "{about}");
    assert!(answer.status >= 200, "{about}: {}", answer.status);
    assert!(answer.ended || answer.reset, "{about}: no end");
    let internal = |name: &[u8]| name.starts_with(b"x-meshrouter-");
    assert!(
        !answer.headers.iter().any(|(name, _)| internal(name)),
        "{about}: {:?}",
        answer.headers
    );
}
