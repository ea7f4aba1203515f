//! The configuration for real providers, with simulators in their places. Needs Envoy 1.37: `scripts/test --envoy` leaves these out
//! for older ones.

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::{Builder, Envoy};
use serde_json::json;

/// Cluster, environment variable, host, path of completions, and a model that is asked for there.
const PROVIDERS: [(&str, &str, &str, &str, &str); 4] = [
    (
        "openai",
        "OPENAI_API_KEY",
        "api.openai.com",
        "/v1/chat/completions",
        "openai/gpt-4o-mini",
    ),
    (
        "anthropic",
        "ANTHROPIC_API_KEY",
        "api.anthropic.com",
        "/v1/chat/completions",
        "anthropic/claude-sonnet-4",
    ),
    (
        "groq",
        "GROQ_API_KEY",
        "api.groq.com",
        "/openai/v1/chat/completions",
        "meta-llama/llama-3.3-70b-instruct",
    ),
    (
        "together",
        "TOGETHER_API_KEY",
        "api.together.xyz",
        "/v1/chat/completions",
        "meta-llama/llama-3.3-70b-instruct",
    ),
];

fn key(provider: &str) -> String {
    format!("sk-sim-{provider}")
}

fn envoy() -> Builder {
    Envoy::builder().base("envoy/openai.yaml")
}

fn with_keys() -> Builder {
    let providers = PROVIDERS.iter();
    providers.fold(envoy(), |envoy, (name, variable, ..)| {
        envoy.env(variable, &key(name))
    })
}

#[test]
fn the_configuration_is_valid_with_all_keys_only() {
    if let Err(error) = with_keys().validate() {
        panic!("{error}");
    }
    // An Envoy that says yes to everything would prove nothing.
    let error = envoy().validate().unwrap_err();
    assert!(error.contains("OPENAI_API_KEY"), "{error}");
}

#[test]
fn each_provider_is_asked_at_its_path_with_its_key() {
    let simulators =
        PROVIDERS.map(|(name, ..)| Simulator::builder(name).key(key(name)).start().unwrap());
    let envoy = simulators.iter().fold(with_keys(), |envoy, simulator| {
        envoy.provider_port(simulator.name(), simulator.port())
    });
    let envoy = envoy.start();
    for ((name, _, host, path, model), simulator) in PROVIDERS.iter().zip(&simulators) {
        let body = json!({"model": model, "provider": {"only": [name]}, "messages": [{"role": "user", "content": "Hi"}]});
        let request = Request::post("/api/v1/chat/completions").bearer("sk-or-v1-demo");
        let response = envoy.client().send(request.json(&body));
        assert_eq!(response.status, 200, "{name}: {}", response.text());
        let content = &response.json()["choices"][0]["message"]["content"];
        assert_eq!(*content, format!("Hello from {name}. You said: Hi"));
        let seen = simulator.take_requests().remove(0);
        assert_eq!(
            (seen.path.as_str(), seen.header("host")),
            (*path, Some(*host))
        );
        assert_eq!(
            seen.header("authorization"),
            Some(format!("Bearer {}", key(name)).as_str())
        );
    }
}
