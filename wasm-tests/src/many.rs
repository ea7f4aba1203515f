//! `select` in our host over catalogs of any size: what a selection costs.

use meshrouter_core::carried::Carried;
use meshrouter_core::facts::{Choice, Facts};
use meshrouter_core::health::{self, Board, EndpointHash};
use meshrouter_core::names::{header, property};
use meshrouter_core::preferences::Preferences;
use meshrouter_core::tokens::Estimate;
use serde_json::{Value, json};

use crate::shipped::struct_bytes;
use crate::vm::{Chain, HeaderMap, Plugin, World, built};

/// A worker with `select` alone.
pub struct Many {
    /// The chain of that one filter.
    pub chain: Chain,
}

/// A gateway document with so many models, each with so many endpoints.
pub fn document(models: usize, endpoints: usize) -> Value {
    let providers = (0..endpoints).map(|n| (format!("p{n}"), json!({"cluster": format!("p{n}")})));
    let providers: serde_json::Map<String, Value> = providers.collect();
    let endpoint = |n: usize| {
        json!({"provider": format!("p{n}"), "model": format!("own-name-{n}"), "max_completion_tokens": 16_384,
            "quantization": "fp8", "throughput": 50 + n, "latency_ms": 900 - n,
            "pricing": {"prompt": format!("0.0000{:03}", n + 1), "completion": format!("0.0001{n:03}")}})
    };
    let endpoints: Vec<Value> = (0..endpoints).map(endpoint).collect();
    let model = |n: usize| {
        json!({"id": id(n), "name": format!("Author: Model {n}"), "created": 1_700_000_000 + n,
            "description": "A model as long as models are described: what it is good at, and for whom it was made.",
            "context_length": 128_000,
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT"},
            "supported_parameters": ["tools", "tool_choice", "max_tokens", "temperature", "top_p", "stop", "seed",
                "response_format", "structured_outputs", "reasoning", "include_reasoning"],
            "endpoints": endpoints})
    };
    json!({"providers": providers, "models": (0..models).map(model).collect::<Vec<_>>()})
}

fn id(n: usize) -> String {
    format!("author/model-{n}")
}

impl Many {
    /// Configures a worker of `world`, and gives every endpoint of the first model live numbers.
    ///
    /// # Panics
    /// If the module is not built, or refuses its configuration.
    pub fn new(world: &World, models: usize, endpoints: usize) -> Self {
        let configuration = struct_bytes(&document(models, endpoints));
        let plugin = Plugin::new("select", built("select"), configuration);
        let now = world.now() / 1_000_000;
        let mut board = Board::of(None);
        for n in 0..endpoints {
            let mut entry = board.entry(EndpointHash::of(&format!("p{n}")), now);
            for sample in 0..16 {
                entry.answered();
                entry.latency(100 + 7 * ((sample + n as u64) % 11));
                entry.throughput(50 + (sample * 3 + n as u64) % 17, 1_000);
            }
        }
        let written = world.set_shared(&plugin.vm_id, health::key(&id(0)), board.into_bytes(), 0);
        written.expect("written whatever was there");
        let chain = Chain::new(world, &[plugin]).unwrap_or_else(|error| panic!("{error}"));
        Self { chain }
    }

    /// The plan of a request for the `n`-th model with this `provider` object.
    ///
    /// # Panics
    /// If there is none.
    pub fn select(&mut self, n: usize, provider: &str) -> String {
        let facts = Facts {
            generation: "gen-1700000000-abcdefghijklmnopqrst".to_owned(),
            models: vec![Choice {
                id: id(n),
                ..Choice::default()
            }],
            estimate: Estimate::of_tokens(1_000),
            preferences: Preferences::from_json(provider.as_bytes()).expect("a provider object"),
            conversation: Some(42),
            ..Facts::default()
        };
        let mut stream = self.chain.stream();
        stream.set_property(&[property::FACTS], facts.encode());
        let headers = HeaderMap::from_iter([(":path", "/api/v1/chat/completions")]);
        let out = stream.request_headers(headers, true).expect("no trap");
        let headers = out.headers.unwrap_or_default();
        headers
            .text(header::PLAN)
            .unwrap_or_else(|| panic!("no plan: {:?}", out.local_reply))
    }
}
