//! `middle-out` in our host over prompts of any length: what a compression costs.

use meshrouter_core::carried::Carried;
use meshrouter_core::facts::Attempt;
use meshrouter_core::limits::Limits;
use meshrouter_core::names::property;
use meshrouter_core::tokens::{Family, Scale};
use serde_json::json;

use crate::shipped::struct_bytes;
use crate::vm::{Chain, Plugin, World, built};

/// A worker with `middle-out` alone, for a model that holds 1,000 tokens.
pub struct Long {
    /// The chain of that one filter.
    pub chain: Chain,
}

/// The texts of a prompt.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Messages of a paragraph of English.
    Paragraphs,
    /// Messages of one letter.
    Letters,
    /// One message of English.
    One,
    /// One message of escapes.
    Escapes,
    /// One message of Chinese.
    Chinese,
    /// Calls, each with a result in JSON.
    Calls,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Paragraphs,
        Self::Letters,
        Self::One,
        Self::Escapes,
        Self::Chinese,
        Self::Calls,
    ];

    /// A request's body of about so many bytes.
    #[must_use]
    pub fn body(self, bytes: usize) -> String {
        let user = |text: &str| format!(r#"{{"role":"user","content":"{text}"}}"#);
        let many = |message: &str| vec![message; bytes.div_ceil(message.len())].join(",");
        let one = |text: &str| {
            let text = text.repeat(bytes.div_ceil(text.len()));
            format!(r#"{{"role":"assistant","content":"{text}"}},{}"#, user("x"))
        };
        let messages = match self {
            Self::Paragraphs => many(&user(&"The gateway counts what it is sent. ".repeat(20))),
            Self::Letters => many(&user("x")),
            Self::One => one("The gateway counts what it is sent. "),
            Self::Escapes => one(r#"\n\u00e9\"\\\ud83d\ude00 "#),
            Self::Chinese => one("网关计算它收到的内容。"),
            Self::Calls => many(
                r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},{"role":"tool","tool_call_id":"c","content":"{\"rows\": [1, 2, 3]}"}"#,
            ),
        };
        format!(r#"{{"model":"m","messages":[{messages}]}}"#)
    }
}

impl Long {
    /// Configures a worker.
    ///
    /// # Panics
    /// If the module is not built, or refuses its configuration.
    #[must_use]
    pub fn new() -> Self {
        let plugin = Plugin::new("middle-out", built("middle-out"), struct_bytes(&json!({})));
        let chain = Chain::new(&World::new(), &[plugin]).unwrap_or_else(|error| panic!("{error}"));
        Self { chain }
    }

    /// What is left of a body, in bytes.
    ///
    /// # Panics
    /// If nothing went, or the filter traps.
    pub fn compress(&mut self, body: &str) -> usize {
        let scale = Scale::of(Family::Gpt);
        let attempt = Attempt {
            model: "a/b".to_owned(),
            scale,
            context: 1_000,
            limits: Limits {
                weight: scale.weight(750),
                messages: None,
                completion: 250,
            },
        };
        let mut stream = self.chain.stream();
        stream.set_property(&[property::ATTEMPT], attempt.encode());
        let path = [(":path", "/v1/chat/completions")];
        stream.request_headers(path, false).expect("no trap");
        stream.request_body(body, true).expect("no trap");
        let left = stream.request().bytes().len();
        assert!(left < body.len(), "{left} of {}", body.len());
        left
    }
}

impl Default for Long {
    fn default() -> Self {
        Self::new()
    }
}
