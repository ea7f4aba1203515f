//! A request, and what each provider does with it.

use meshrouter_wasm_tests::shipped::cheapest_first;
use serde_json::{Value, json};

/// Makes a gateway document such that two gateways answer alike: no draw, which goes by generation ids, and
/// nothing with times in it.
pub(crate) fn comparable(document: &mut Value) {
    cheapest_first(document);
    document["keys"][0]["explain"] = json!(false);
}

pub(crate) const CHAT: &str = "/api/v1/chat/completions";

/// One request of a caller.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<String>,
    /// The body goes out in pieces of this size instead of with its length.
    pub(crate) chunked: Option<usize>,
    /// What providers do, in the simulator's words. One that is not named answers with [`completion`].
    pub(crate) script: Value,
}

impl Scenario {
    /// A chat request with these fields.
    pub(crate) fn chat(name: &'static str, fields: &Value, script: &Value) -> Self {
        let mut script = script.clone();
        for provider in ["alpha", "beta"] {
            let fields = script.as_object_mut().unwrap();
            fields
                .entry(provider)
                .or_insert(json!({"body": completion()}));
        }
        let mut body = json!({
            "model": "openai/gpt-4o-mini",
            "messages": [{"role": "user", "content": "é"}],
            "simulate": script,
        });
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        Self {
            script,
            ..Self::raw(name, &body.to_string())
        }
    }

    /// A chat request with this body.
    pub(crate) fn raw(name: &'static str, body: &str) -> Self {
        Self {
            name,
            method: "POST",
            path: CHAT,
            headers: vec![
                ("authorization", "Bearer sk-or-v1-demo"),
                ("content-type", "application/json"),
            ],
            body: Some(body.to_owned()),
            chunked: None,
            script: json!({}),
        }
    }

    pub(crate) fn get(name: &'static str, path: &'static str) -> Self {
        let headers = vec![("authorization", "Bearer sk-or-v1-demo")];
        Self {
            method: "GET",
            path,
            headers,
            body: None,
            ..Self::raw(name, "")
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| *found != name);
        self
    }

    pub(crate) fn chunked(mut self, size: usize) -> Self {
        self.chunked = Some(size);
        self
    }
}

pub(crate) fn completion() -> Value {
    json!({
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hé"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    })
}

/// An event of a stream.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}
