//! Accounts that a caller brings along: what providers see of them, what comes behind them, and that nobody else does.

use std::collections::BTreeMap;

use meshrouter_wasm_tests::providers::simulators;
use serde_json::{Value, json};

use crate::accounts::*;
use crate::ask::{Ask, MINI};
use crate::gateway::{Gateway, error, eventually};

#[test]
fn the_provider_sees_the_callers_credential_in_the_place_of_the_gateways() {
    let gateway = byok();
    for stream in [false, true] {
        for key in ["one", "always", FOREIGN] {
            let ask = Ask::with(json!({"model": MINI, "stream": stream})).with_key(key);
            answered(&gateway, &ask, stream);
            assert_eq!(asked_with(&gateway, &ask), [own("alpha", 1)], "{key}");
        }
        // Nobody else's requests go there.
        let ask = Ask::with(json!({"model": MINI, "stream": stream}));
        answered(&gateway, &ask, stream);
        assert_eq!(asked_with(&gateway, &ask), [shared("alpha")]);
    }
}

#[test]
fn where_own_accounts_fail_the_gateways_answers() {
    let gateway = byok();
    let limited = json!({"status": 429});
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).with_key("two");
        let ask = ask.on("alpha", json!([limited, limited, {}]));
        answered(&gateway, &ask, stream);
        let mut asked = asked_with(&gateway, &ask);
        assert_eq!(asked.pop(), Some(shared("alpha")));
        asked.sort_unstable();
        assert_eq!(asked, [own("alpha", 1), own("alpha", 2)]);
        // And elsewhere each provider's own.
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).with_key("late");
        let ask = ask.on("alpha", limited.clone()).on("beta", limited.clone());
        answered(&gateway, &ask, stream);
        let wanted = [
            own("beta", 1),
            shared("alpha"),
            shared("beta"),
            shared("gamma"),
        ];
        assert_eq!(asked_with(&gateway, &ask), wanted);
    }
}

#[test]
fn always_is_never_on_the_gateways_account() {
    let gateway = byok();
    for stream in [false, true] {
        let only = json!({"model": MINI, "stream": stream, "provider": {"only": ["alpha"]}});
        let ask = Ask::with(only).with_key("always");
        let ask = ask.on("alpha", json!({"status": 429}));
        error(&gateway.send(&ask), 429);
        assert_eq!(asked_with(&gateway, &ask), [own("alpha", 1)]);
        // Other providers may serve.
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).with_key("always");
        let ask = ask.on("alpha", json!({"status": 503}));
        answered(&gateway, &ask, stream);
        let asked = asked_with(&gateway, &ask);
        assert_eq!(asked, [own("alpha", 1), shared("beta")]);
        // But not without fallbacks.
        let ask = Ask::with(json!({"model": MINI, "provider": {"allow_fallbacks": false}}));
        let ask = ask.with_key("one").on("alpha", json!({"status": 503}));
        error(&gateway.send(&ask), 503);
        assert_eq!(asked_with(&gateway, &ask), [own("alpha", 1)]);
    }
}

#[test]
fn several_accounts_share_the_requests() {
    let gateway = byok();
    let mut counts = BTreeMap::<String, usize>::new();
    for n in 0..40 {
        // Each its own conversation.
        let said = json!([{"role": "user", "content": format!("Request {n}")}]);
        let ask = Ask::with(json!({"model": MINI, "messages": said})).with_key("two");
        answered(&gateway, &ask, false);
        let mut asked = asked_with(&gateway, &ask);
        *counts.entry(asked.remove(0)).or_default() += 1;
        assert!(asked.is_empty());
    }
    // Half of them each, within four standard deviations of 3.2.
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 7), "{counts:?}");
}

#[test]
fn a_deployment_of_ones_own() {
    let gateway = byok();
    for (key, stream) in [("azure", false), ("azure", true), ("injected", false)] {
        let ask = Ask::with(json!({"model": AZURE, "stream": stream})).with_key(key);
        answered(&gateway, &ask, stream);
        let seen = seen_at(&gateway.acme, &ask);
        assert_eq!(seen.len(), 1);
        let request = &seen[0];
        assert_eq!(
            request.path,
            "/openai/deployments/gpt-4o-acme/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(request.json()["model"], "gpt-4o-acme");
        assert_eq!(credentials(request), [format!("api-key: {HEX}")]);
        assert_eq!(request.header("host"), Some("acme.openai.azure.com"));
        assert_eq!(seen_at(&gateway.azure, &ask).len(), 0);
    }
}

#[test]
fn a_path_holds_the_name_of_the_model() {
    let gateway = byok();
    let failing = |key: &'static str| {
        let ask = Ask::model(AZURE).on("azure", json!({"status": 503}));
        if key.is_empty() {
            ask
        } else {
            ask.with_key(key)
        }
    };
    // On the gateway's account, then at beta, whose endpoint has a path of its own.
    let ask = failing("");
    answered(&gateway, &ask, false);
    let azure = seen_at(&gateway.azure, &ask).remove(0);
    assert_eq!(
        azure.path,
        "/openai/deployments/gpt-4o.shared/chat/completions?api-version=2024-06-01"
    );
    assert_eq!(azure.json()["model"], "gpt-4o.shared");
    assert_eq!(credentials(&azure), ["api-key: azure-shared"]);
    assert_eq!(azure.header("host"), Some("shared.openai.azure.com"));
    let beta = gateway.seen(&ask).remove(0).request;
    assert_eq!(beta.path, "/own/gpt-4o/chat/completions");
    assert_eq!(seen_at(&gateway.acme, &ask).len(), 0);
    // Nothing of one attempt is left for the next.
    let ask = failing("azure");
    answered(&gateway, &ask, false);
    assert_eq!(seen_at(&gateway.acme, &ask).len(), 1);
    let azure = seen_at(&gateway.azure, &ask).remove(0);
    assert_eq!(credentials(&azure), ["api-key: azure-shared"]);
    assert_eq!(azure.json()["model"], "gpt-4o.shared");
    assert_eq!(asked_with(&gateway, &ask), [shared("beta")]);
    // Another name of the model alone, at the provider's place.
    let ask = Ask::model(AZURE).with_key("shared-place");
    answered(&gateway, &ask, false);
    let azure = seen_at(&gateway.azure, &ask).remove(0);
    assert_eq!(
        azure.path,
        "/openai/deployments/mine/chat/completions?api-version=2024-06-01"
    );
}

#[test]
fn errors_do_not_repeat_a_credential() {
    let gateway = byok();
    let echo = json!({"error": {"message": format!("Incorrect API key provided: {HEX}"), "code": "invalid_api_key"}});
    let alone = |model: &str, stream: bool| json!({"model": model, "stream": stream, "provider": {"allow_fallbacks": false}});
    let word = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let events = [format!("data: {word}\n\n"), format!("data: {echo}\n\n")];
    let cases = [
        (false, json!({"status": 401, "body": echo})),
        (true, json!({"status": 401, "body": echo})),
        (false, json!({"status": 400, "body": echo})),
        (false, json!({"body": echo})),
        (true, json!({"events": [events[1]]})),
        (true, json!({"events": events})),
    ];
    for (stream, action) in cases {
        let ask = Ask::with(alone(AZURE, stream)).with_key("azure");
        let ask = ask.on("azure", action.clone());
        let response = gateway.send(&ask);
        let text = response.text();
        assert!(!text.contains(HEX), "{action}: {text}");
        assert!(
            text.contains("Incorrect API key provided: [redacted]"),
            "{action}: {text}"
        );
    }
    // One that alpha does not know: that it is refused there is not the caller's 401.
    let ask = Ask::with(alone(MINI, false)).with_key("wrong");
    error(&gateway.send(&ask), 502);
}

#[test]
fn records_and_explanations_say_on_whose_account() {
    let gateway = byok();
    // A key of its own, so that its lines are its own.
    let ask = Ask::model(MINI).with_key(FOREIGN);
    answered(&gateway, &ask, false);
    let lines = |byok: bool| {
        let lines = gateway.envoy.access_log();
        let mut own = lines.iter().map(|line| &line["completion"]);
        own.any(|record| record["key"] == FOREIGN && record["byok"] == byok)
    };
    eventually("a record", || lines(true));
    assert!(!lines(false));
    let ask = Ask::model(MINI);
    answered(&gateway, &ask, false);
    assert_eq!(gateway.record(&ask)["byok"], false);

    let ask = Ask::model(MINI).with_key("always");
    let response = gateway.send(&ask.header("x-router-explain", "true"));
    let plan = response.json()["plan"].take();
    let plan: Vec<_> = plan.as_array().unwrap().iter().collect();
    let found: Vec<_> = plan
        .iter()
        .map(|candidate| (candidate["endpoint"].as_str().unwrap(), &candidate["own"]))
        .collect();
    let (none, first) = (Value::Null, json!(0));
    assert_eq!(
        found,
        [("alpha", &first), ("beta", &none), ("gamma", &none)]
    );
}

#[test]
fn a_limit_of_one_account_is_none_of_another() {
    // Of one's own: endpoints cool down.
    let gateway = Gateway::start(|envoy| envoy.document(document_without_azure));
    let limited = || json!({"status": 429, "headers": {"retry-after": "60"}});
    let ask = Ask::model(MINI)
        .with_key("one")
        .on("alpha", json!([limited(), {}]));
    answered(&gateway, &ask, false);
    assert_eq!(
        asked_with(&gateway, &ask),
        [own("alpha", 1), shared("alpha")]
    );
    // The own account is spared, the gateway's is not, for nobody.
    for key in [Some("one"), None] {
        let ask = Ask::model(MINI);
        let ask = match key {
            Some(key) => ask.with_key(key),
            None => ask,
        };
        answered(&gateway, &ask, false);
        assert_eq!(asked_with(&gateway, &ask), [shared("alpha")]);
    }
    // Another key's account at the same provider is another account.
    let ask = Ask::model(MINI).with_key("always");
    answered(&gateway, &ask, false);
    assert_eq!(asked_with(&gateway, &ask), [own("alpha", 1)]);
    // And the other way round.
    let ask = Ask::model(MINI).on("alpha", limited());
    answered(&gateway, &ask, false);
    let ask = Ask::model(MINI).with_key("always");
    answered(&gateway, &ask, false);
    assert_eq!(asked_with(&gateway, &ask), [own("alpha", 1)]);
    let ask = Ask::model(MINI);
    answered(&gateway, &ask, false);
    assert_eq!(asked_with(&gateway, &ask), [shared("beta")]);
}

/// The keys whose accounts are at the demo's providers.
fn document_without_azure(gateway: &mut Value) {
    document(gateway);
    gateway["providers"]
        .as_object_mut()
        .unwrap()
        .remove("azure");
    let (models, keys) = (&mut gateway["models"].take(), &mut gateway["keys"].take());
    let models = models.as_array_mut().unwrap();
    models.retain(|model| model["id"] != AZURE);
    let keys = keys.as_array_mut().unwrap();
    keys.retain(|key| !key.to_string().contains("azure"));
    gateway["models"] = json!(models);
    gateway["keys"] = json!(keys);
}

#[test]
fn filters_log_no_credential() {
    // At this level Envoy itself logs configurations and headers, those with the callers' keys among them.
    let providers = simulators();
    let envoy = providers.envoy().log_level("debug");
    let envoy = envoy.document(document_without_azure).start();
    let ask = Ask::model(MINI).with_key("two");
    let ask = ask.on("alpha", json!([{"status": 401}, {"status": 429}, {}]));
    assert_eq!(envoy.client().send(ask.request()).status, 200);
    let log = envoy.log();
    let mut component = "";
    for line in log.lines() {
        // `[time][thread][level][component] …`, and lines of headers behind it.
        if line.starts_with('[') {
            component = line.split(['[', ']']).nth(7).unwrap_or_default();
        }
        let is_envoys = ["config", "http", "router"].contains(&component);
        assert!(is_envoys || !line.contains("canary"), "{component}: {line}");
    }
    assert!(!json!(envoy.access_log()).to_string().contains("canary"));
}
