//! Whom a request asks: aliases, variants, presets, defaults and lists of models.

use meshrouter_wasm_tests::client::Request;
use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{Gateway, error, shared};

#[test]
fn aliases_and_variants_lead_where_their_pages_say() {
    // Of one's own: `:nitro` goes by the document's speeds only where none was measured.
    let gateway = Gateway::start(|envoy| envoy);
    let (model, free) = ("test/variants", "test/variants:free");
    let price: &[&str] = &["alpha", "beta", "gamma"];
    let speed: &[&str] = &["beta", "gamma", "alpha"];
    let curated: &[&str] = &["beta", "gamma"];
    let given: &[&str] = &["gamma", "alpha"];
    let cases = [
        ("test/variants", model, price),
        ("variants@20240620", model, price),
        ("old/variants", model, price),
        ("test/variants:floor", model, price),
        ("test/variants:nitro", model, speed),
        ("old/variants:nitro", model, speed),
        ("test/variants:exacto", model, curated),
        ("test/variants:exacto:nitro:online", model, curated),
        ("test/variants:online", model, price),
        ("test/variants:free", free, given),
        ("test/variants:free:online", free, given),
    ];
    for (slug, id, asked) in cases {
        let (last, failing) = asked.split_last().unwrap();
        let ask = Ask::model(slug);
        let ask = failing.iter().fold(ask, |ask, provider| {
            ask.on(provider, json!({"status": 503}))
        });
        // An answer without usage tells nothing of its speed.
        let ask = ask.on(last, json!({"usage": false}));
        let answer = gateway.send(&ask).json();
        assert_eq!(answer["model"], id, "{slug}: {answer}");
        assert_eq!(gateway.asked(&ask), asked, "{slug}, the last is {last}");
        for seen in gateway.seen(&ask) {
            let body = seen.request.json();
            assert_eq!(body["model"], format!("{}-own-name", seen.provider));
            // Where an endpoint has a web search of its own, and only there.
            let lists = matches!((id, &*seen.provider), ("test/variants", "beta"))
                || matches!((id, &*seen.provider), ("test/variants:free", "gamma"));
            let wanted = (lists && slug.contains(":online")).then(|| json!({}));
            assert_eq!(body.get("web_search_options"), wanted.as_ref(), "{slug}");
            assert_eq!(body.get("plugins"), None);
        }
    }
}

#[test]
fn a_variant_that_there_is_not_is_a_404_that_names_it() {
    let gateway = shared();
    for (slug, message) in [
        ("test/variants:extended", "has no variant `:extended`"),
        ("test/variants:online:free", "has no variant `:free`"),
        ("test/nothing:free", "no model `test/nothing:free`"),
        ("variants@2020", "no model `variants@2020`"),
    ] {
        let ask = Ask::model(slug);
        let found = error(&gateway.send(&ask), 404);
        assert!(
            found["message"].as_str().unwrap().contains(message),
            "{found}"
        );
        assert_eq!(found["metadata"]["field"], "model");
        assert!(gateway.seen(&ask).is_empty());
    }
}

#[test]
fn the_web_plugin_and_the_online_variant_are_the_same() {
    let gateway = shared();
    let web = |enabled: Value| json!({"plugins": [{"id": "web", "enabled": enabled}]});
    for (slug, members, wanted) in [
        ("test/variants", web(json!(true)), Some(json!({}))),
        (
            "test/variants",
            json!({"plugins": {"web": {}}}),
            Some(json!({})),
        ),
        ("test/variants", web(json!(false)), None),
        // What the caller says of the search is the caller's.
        (
            "test/variants:online",
            json!({"web_search_options": {"search_context_size": "high"}}),
            Some(json!({"search_context_size": "high"})),
        ),
    ] {
        let ask = Ask::model(slug)
            .and(members)
            .on("alpha", json!({"status": 503}));
        assert_eq!(gateway.send(&ask).json()["provider"], "Beta");
        let seen = gateway.seen(&ask);
        // Alpha has no search and is spared the words for it.
        assert_eq!(seen[0].request.json().get("web_search_options"), None);
        let found = seen[1].request.json();
        assert_eq!(found.get("web_search_options"), wanted.as_ref(), "{slug}");
    }
}

#[test]
fn a_preset_is_merged_in_each_of_its_three_forms() {
    let gateway = shared();
    let system = json!({"role": "system", "content": "Be \"brief\"."});
    let user = json!({"role": "user", "content": "One two three"});
    let own = json!({"role": "system", "content": "Mine."});
    // What the request has, and what it has of its own in the providers' bodies.
    let cases = [
        (json!({"model": "@preset/brief"}), json!({})),
        (
            json!({"model": "openai/gpt-4o-mini@preset/brief"}),
            json!({}),
        ),
        (json!({"preset": "brief"}), json!({})),
        (
            json!({"model": MINI, "preset": "brief", "temperature": 1.5}),
            json!({"temperature": 1.5}),
        ),
        (
            json!({"preset": "brief", "odd": 2, "max_tokens": null}),
            json!({"odd": 2, "max_tokens": null}),
        ),
        (
            json!({"preset": "brief", "messages": [own, user]}),
            json!({"messages": [own, user]}),
        ),
    ];
    for (members, own) in cases {
        for stream in [false, true] {
            let ask = Ask::with(members.clone())
                .and(json!({"stream": stream, "usage": {"include": true}}))
                .on("alpha", json!({"status": 503}));
            let response = gateway.send(&ask);
            assert_eq!(response.status, 200, "{members}: {}", response.text());
            let seen = gateway.seen(&ask);
            let names = ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"];
            assert_eq!(seen.len(), names.len(), "{members}");
            for (seen, name) in seen.iter().zip(names) {
                let mut wanted = json!({"model": name, "messages": [system, user], "stream": stream,
                    "temperature": 0.25, "max_tokens": 77, "odd": {"a": [1]}, "simulate": ask.body()["simulate"]});
                let fields = wanted.as_object_mut().unwrap();
                fields.extend(own.as_object().unwrap().clone());
                if stream {
                    fields.insert("stream_options".to_owned(), json!({"include_usage": true}));
                }
                assert_eq!(seen.request.json(), wanted, "{members}");
                // No field stands twice, which reading the JSON would hide.
                let text = String::from_utf8(seen.request.body.clone()).unwrap();
                for name in wanted.as_object().unwrap().keys() {
                    let count = text.matches(&format!("\"{name}\":")).count();
                    assert_eq!(count, 1, "{name} in {text}");
                }
            }
        }
    }
}

#[test]
fn an_unknown_preset_is_a_400_that_names_it() {
    let gateway = shared();
    for (members, field) in [
        (json!({"model": MINI, "preset": "none-such"}), "preset"),
        (json!({"model": "@preset/none-such"}), "model"),
        (
            json!({"model": "openai/gpt-4o-mini@preset/none-such"}),
            "model",
        ),
    ] {
        let ask = Ask::with(members);
        let found = error(&gateway.send(&ask), 400);
        assert_eq!(found["metadata"]["field"], field);
        assert!(
            found["message"].as_str().unwrap().contains("`none-such`"),
            "{found}"
        );
        assert!(gateway.seen(&ask).is_empty());
    }
}

#[test]
fn fallback_models_come_after_model_and_models() {
    let gateway = shared();
    let rules = json!({"fallback_rules": "auto"});
    let cases = [
        (
            json!({"model": SONNET, "fallback_models": [LLAMA]}),
            vec!["beta", "gamma", "alpha"],
        ),
        (
            json!({"model": SONNET, "models": [LLAMA], "fallback_models": [SONNET, "test/free", LLAMA]}),
            vec!["beta", "gamma", "alpha", "alpha"],
        ),
        (
            json!({"fallback_models": [LLAMA, SONNET]}),
            vec!["gamma", "alpha", "beta"],
        ),
        (
            json!({"model": LLAMA, "fallback_models": [SONNET], "fallback_rules": "none"}),
            vec!["gamma"],
        ),
    ];
    for (members, asked) in cases {
        let ask = Ask::with(rules.clone()).and(members.clone());
        let ask = ask.everywhere(&json!({"status": 503}));
        error(&gateway.send(&ask), 503);
        assert_eq!(gateway.asked(&ask), asked, "{members}");
        for seen in gateway.seen(&ask) {
            let body = seen.request.json();
            assert!(body.get("fallback_models").is_none() && body.get("fallback_rules").is_none());
        }
    }
}

#[test]
fn the_document_says_which_model_is_the_default_and_how_large_a_body_may_be() {
    let gateway = Gateway::start(|envoy| {
        envoy.document(|document| {
            document["default_model"] = json!(LLAMA);
            document["keys"][0]["default_model"] = json!("anthropic/claude-sonnet-4:floor");
            document["max_body_bytes"] = json!(2_000);
        })
    });
    let client = gateway.envoy.client();
    let demo = |body: &Value| {
        let request = Request::post("/v1/chat/completions").bearer("sk-or-v1-demo");
        client.send(request.json(body))
    };
    let ask = Ask::with(json!({}));
    assert_eq!(gateway.send(&ask).json()["model"], LLAMA);
    assert_eq!(gateway.record(&ask)["model_requested"], LLAMA);
    let message = |text: &str| json!([{"role": "user", "content": text}]);
    let body = |text: &str| json!({"messages": message(text)});
    assert_eq!(demo(&body("x")).json()["model"], SONNET);
    // A name counts more than a default.
    let named = json!({"models": [MINI], "messages": message("x")});
    assert_eq!(demo(&named).json()["model"], MINI);

    let room = 2_000 - body("").to_string().len();
    assert_eq!(demo(&body(&"x".repeat(room))).status, 200);
    let whole = Request::post("/v1/chat/completions")
        .bearer("sk-or-v1-demo")
        .json(&body(&"x".repeat(room + 1)));
    for request in [whole.clone().chunked(100), whole] {
        let found = error(&client.send(request), 413);
        let message = found["message"].as_str().unwrap();
        assert!(message.contains("2000 bytes"), "{message}");
    }
}
