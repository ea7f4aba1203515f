//! What the gateway tells of itself: models, their endpoints, providers.

use meshrouter_wasm_tests::client::{Request, Response};
use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::catalog;
use crate::gateway::{Gateway, error, eventually, shared};

/// A 200 for a path, without a key.
#[track_caller]
fn get(gateway: &Gateway, path: &str) -> Response {
    let response = gateway.envoy.client().send(Request::get(path));
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    assert!(response.is_whole(), "{path}: {:?}", response.error);
    response
}

/// The ids of a model list.
fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

#[test]
fn the_list_has_the_documented_schema_on_every_path() {
    let gateway = shared();
    let client = gateway.envoy.client();
    let bare = |path: &str| Request::get(path);
    let requests = [
        bare("/api/v1/models"),
        bare("/v1/models"),
        bare("/v1/models/"),
        bare("/api/v1/models?offset=0&limit=500&nothing=known"),
        bare("/api/v1/models").bearer("sk-or-v1-demo"),
    ];
    let lists = requests.map(|request| {
        let response = client.send(request);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/json"));
        response.json()
    });
    for list in &lists {
        assert_eq!(list, &lists[0]);
    }
    let data = lists[0]["data"].as_array().unwrap();
    let ids: Vec<_> = data.iter().map(|model| model["id"].clone()).collect();
    let known: Vec<_> = [MINI, SONNET, LLAMA]
        .map(Value::from)
        .into_iter()
        .chain(catalog::ids())
        .collect();
    assert_eq!(ids, known);
    for model in data {
        assert_schema(model);
    }
    assert_eq!(
        data[0],
        json!({
            "id": "openai/gpt-4o-mini", "canonical_slug": "openai/gpt-4o-mini", "name": "OpenAI: GPT-4o-mini",
            "created": 1_721_260_800, "description": "Small, fast and cheap.", "context_length": 128_000,
            "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT", "instruct_type": null},
            "pricing": {"prompt": "0.00000015", "completion": "0.0000006", "request": "0", "image": "0", "web_search": "0",
                "internal_reasoning": "0", "input_cache_read": "0", "input_cache_write": "0"},
            "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": false},
            "per_request_limits": null,
            "supported_parameters": ["tools", "tool_choice", "max_tokens", "temperature", "top_p", "stop", "seed", "response_format", "structured_outputs"],
            "default_parameters": null, "supported_voices": null,
            "links": {"details": "/api/v1/models/openai/gpt-4o-mini/endpoints"},
        })
    );
}

/// The types that the Models API documents.
fn assert_schema(model: &Value) {
    let strings = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string))
    };
    let is = |path: &str, fits: fn(&Value) -> bool| {
        let value = model.pointer(path);
        assert!(value.is_some_and(fits), "{path} in {model}");
    };
    for path in [
        "/id",
        "/canonical_slug",
        "/name",
        "/description",
        "/architecture/tokenizer",
    ] {
        is(path, Value::is_string);
    }
    for path in [
        "/created",
        "/context_length",
        "/top_provider/context_length",
    ] {
        is(path, Value::is_u64);
    }
    is("/top_provider/is_moderated", Value::is_boolean);
    is("/top_provider/max_completion_tokens", |value| {
        value.is_u64() || value.is_null()
    });
    is("/architecture/instruct_type", |value| {
        value.is_string() || value.is_null()
    });
    for path in [
        "/architecture/input_modalities",
        "/architecture/output_modalities",
        "/supported_parameters",
    ] {
        assert!(
            strings(&model.pointer(path).cloned().unwrap_or_default()),
            "{path}"
        );
    }
    let prices = model["pricing"].as_object().unwrap();
    assert_eq!(prices.len(), 8);
    for price in prices.values() {
        let text = price.as_str().unwrap();
        assert!(
            text.parse::<f64>().is_ok_and(|price| price >= 0.0),
            "{text}"
        );
    }
}

#[test]
fn other_methods_are_refused_and_so_are_wrong_keys() {
    let gateway = shared();
    let client = gateway.envoy.client();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let response = client.send(Request::new(method, "/v1/models").bearer("sk-or-v1-demo"));
        error(&response, 405);
        assert_eq!(response.header("allow"), Some("GET"));
    }
    let head = client.send(Request::new("HEAD", "/v1/models").bearer("sk-or-v1-demo"));
    assert!(
        head.body.is_empty() && matches!(head.status, 200 | 405),
        "{head:?}"
    );
    error(
        &client.send(Request::get("/v1/models").bearer("wrong")),
        401,
    );
    // A body is of no interest, and does no harm.
    let with_body = Request::get("/v1/models").body(vec![b'x'; 100_000]);
    assert_eq!(client.send(with_body).status, 200);
    gateway.assert_calm();
}

#[test]
fn lists_are_filtered() {
    let gateway = shared();
    let cases: &[(&str, &[&str])] = &[
        ("supported_parameters=structured_outputs", &[MINI]),
        ("supported_parameters=tools%2Creasoning", &[SONNET]),
        (
            "supported_parameters=tools,max_tokens&x=y",
            &[MINI, SONNET, LLAMA],
        ),
        // What its endpoints alone are known to understand.
        (
            "supported_parameters=max_completion_tokens,+seed",
            &["test/parameters"],
        ),
        (
            "supported_parameters=temperature,max_completion_tokens",
            &[],
        ),
        ("category=programming", &[]),
    ];
    for (query, expected) in cases {
        let list = get(&gateway, &format!("/api/v1/models?{query}")).json();
        assert_eq!(ids(&list), *expected, "{query}");
        assert_eq!(list["total_count"], expected.len(), "{query}");
        let count = get(&gateway, &format!("/api/v1/models/count?{query}")).json();
        assert_eq!(count, json!({"data": {"count": expected.len()}}), "{query}");
    }
    let all = get(&gateway, "/v1/models/count").json();
    assert_eq!(all["data"]["count"], 3 + catalog::models().len());
}

#[test]
fn new_models_are_a_feed() {
    let gateway = shared();
    let response = get(
        &gateway,
        "/api/v1/models?use_rss=true&supported_parameters=tools",
    );
    let content_type = "application/rss+xml; charset=utf-8";
    assert_eq!(response.header("content-type"), Some(content_type));
    let xml = response.text();
    let places = [SONNET, LLAMA, MINI].map(|id| {
        let link = format!(
            "<link>http://127.0.0.1:{}/api/v1/models/{id}/endpoints</link>",
            gateway.envoy.port()
        );
        xml.find(&link).unwrap_or_else(|| panic!("{link} in {xml}"))
    });
    assert!(places.is_sorted(), "{xml}");
    assert_eq!(xml.matches("<item>").count(), 3);
    assert!(xml.contains("<pubDate>Thu, 18 Jul 2024 00:00:00 GMT</pubDate>"));
}

#[test]
fn who_has_an_answer_is_not_sent_it_again() {
    let gateway = shared();
    for path in [
        "/api/v1/models",
        "/api/v1/models?supported_parameters=tools",
        "/api/v1/models?use_rss=true",
        "/api/v1/models/count",
        "/api/v1/providers",
    ] {
        assert_tagged(&gateway, path, "public, max-age=60");
    }
    gateway.assert_calm();
}

/// Checks that an answer that does not change has a tag, and that whoever knows the tag gets no body.
#[track_caller]
fn assert_tagged(gateway: &Gateway, path: &str, cache_control: &str) {
    let response = get(gateway, path);
    let etag = response.header("etag").unwrap();
    assert_eq!(get(gateway, path).header("etag"), Some(etag), "{path}");
    assert_eq!(response.header("cache-control"), Some(cache_control));
    let client = gateway.envoy.client();
    for known in [etag, &format!("\"other\", W/{etag}"), "*"] {
        let again = client.send(Request::get(path).header("if-none-match", known));
        assert_eq!((again.status, again.body.len()), (304, 0), "{path} {known}");
        assert_eq!(again.header("etag"), Some(etag));
        assert_eq!(again.header("cache-control"), Some(cache_control));
        for absent in ["content-type", "content-length", "transfer-encoding"] {
            assert_eq!(again.header(absent), None, "{path}");
        }
    }
    let other = client.send(Request::get(path).header("if-none-match", "\"other\""));
    assert_eq!(other.body, response.body);
}

#[test]
fn models_that_are_not_there_have_no_endpoints() {
    let gateway = shared();
    for (path, name) in [
        ("/api/v1/models/nobody/nothing/endpoints", "nobody/nothing"),
        ("/v1/models/openai%2Fgpt-5%22/endpoints", "openai/gpt-5\""),
        // No auto router is configured.
        ("/v1/models/meshrouter/auto/endpoints", "meshrouter/auto"),
    ] {
        let error = error(&gateway.envoy.client().send(Request::get(path)), 404);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{name}`")), "{message}");
        assert!(message.contains("/api/v1/models"), "{message}");
    }
}

#[test]
fn endpoints_have_the_documented_schema() {
    let gateway = shared();
    let found = get(&gateway, "/api/v1/models/variants@20240620/endpoints").json();
    let model = &found["data"];
    let of_model = [
        &model["id"],
        &model["name"],
        &model["architecture"]["tokenizer"],
    ];
    assert_eq!(of_model, ["test/variants", "test/variants", "Other"]);
    let endpoints = model["endpoints"].as_array().unwrap();
    let names: Vec<_> = endpoints.iter().map(|e| e["name"].clone()).collect();
    let expected = ["Alpha", "Beta", "Gamma"].map(|name| format!("{name} | test/variants"));
    assert_eq!(names, expected);
    assert_eq!(
        endpoints[1]["supported_parameters"],
        json!(["web_search_options", "reasoning"])
    );
    assert_eq!(endpoints[1]["pricing"]["prompt"], "0.000000001");
    // A link of the list leads here.
    let list = get(&gateway, "/api/v1/models").json();
    for model in list["data"].as_array().unwrap() {
        let details = get(&gateway, model["links"]["details"].as_str().unwrap()).json();
        assert_eq!(details["data"]["id"], model["id"]);
        assert_ne!(details["data"]["endpoints"], json!([]));
    }
}

#[test]
fn endpoints_show_how_it_goes() {
    // Two workers: one may serve what the other tells of.
    let gateway = Gateway::start(|envoy| envoy.concurrency(2));
    let endpoint = || {
        let found = get(&gateway, "/api/v1/models/test/free/endpoints").json();
        found["data"]["endpoints"][0].clone()
    };
    let fresh = endpoint();
    assert_eq!(
        (&fresh["tag"], &fresh["status"]),
        (&json!("alpha"), &json!(0))
    );
    for number in ["uptime_last_30m", "latency_last_30m", "throughput_last_30m"] {
        assert_eq!(fresh[number], json!(null), "{number}");
    }

    let late = json!({"delay_ms": 60});
    for _ in 0..2 {
        let ask = Ask::model("test/free").stream().on("alpha", late.clone());
        assert_eq!(gateway.send(&ask).status, 200);
    }
    eventually("numbers", || endpoint()["throughput_last_30m"].is_object());
    let good = endpoint();
    assert_eq!(
        (&good["status"], &good["uptime_last_30m"]),
        (&json!(0), &json!(100.0))
    );
    let latency = good["latency_last_30m"]["p50"].as_f64().unwrap();
    assert!((60.0..5_000.0).contains(&latency), "{good}");
    for percentile in ["p50", "p75", "p90", "p99"] {
        let speed = good["throughput_last_30m"][percentile].as_f64().unwrap();
        assert!(speed > 0.0, "{good}");
    }

    let fails = |action: Value, status| {
        let ask = Ask::model("test/free").on("alpha", action);
        assert_eq!(gateway.send(&ask).status, status);
    };
    fails(json!({"status": 503}), 503);
    fails(json!({"status": 503}), 503);
    eventually("an outage", || endpoint()["status"] == -1);
    assert_eq!(endpoint()["uptime_last_30m"], 50.0);
    fails(
        json!({"status": 429, "headers": {"retry-after": "60"}}),
        429,
    );
    eventually("a pause", || endpoint()["status"] == -2);
}

#[test]
fn providers_and_the_auto_router_are_listed() {
    let gateway = Gateway::start(|envoy| {
        envoy.document(|document| {
            document["providers"]["alpha"]["privacy_policy_url"] = json!("https://alpha.example/p");
            document["providers"]["alpha"]["status_page_url"] = json!("https://alpha.example/s");
            document["models"][0]["categories"] = json!(["programming"]);
            document["auto"] =
                json!({"models": [{"id": LLAMA, "quality": 1}, {"id": MINI, "quality": 2}]});
        })
    });
    let providers = get(&gateway, "/api/v1/providers").json();
    let slugs: Vec<_> = providers["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["slug"])
        .collect();
    assert_eq!(slugs, ["alpha", "beta", "closed", "gamma"]);
    assert_eq!(
        providers["data"][0],
        json!({"name": "Alpha", "slug": "alpha", "privacy_policy_url": "https://alpha.example/p",
            "terms_of_service_url": null, "status_page_url": "https://alpha.example/s"})
    );
    let list = get(&gateway, "/api/v1/models").json();
    assert_eq!(ids(&list).last(), Some(&"meshrouter/auto"));
    let auto = list["data"].as_array().unwrap().last().unwrap();
    assert_eq!(auto["pricing"]["prompt"], "-1");
    assert_eq!(auto["context_length"], 131_072);
    assert_eq!(auto["architecture"]["modality"], "text+image->text");
    let endpoints = get(&gateway, auto["links"]["details"].as_str().unwrap()).json();
    assert_eq!(endpoints["data"]["endpoints"], json!([]));
    let programming = get(&gateway, "/api/v1/models?category=programming").json();
    assert_eq!(ids(&programming), [MINI, "meshrouter/auto"]);
    // Nobody else uses this gateway, so that the numbers stay as they are.
    let path = format!("/api/v1/models/{MINI}/endpoints");
    assert_tagged(&gateway, &path, "no-cache");
}

#[test]
fn all_of_it_is_public_but_not_for_wrong_keys() {
    let gateway = shared();
    for path in [
        "/v1/models/count",
        "/v1/models/openai/gpt-4o-mini/endpoints",
        "/v1/providers",
    ] {
        get(&gateway, path);
        let client = gateway.envoy.client();
        error(&client.send(Request::get(path).bearer("wrong")), 401);
        let post = client.send(Request::post(path).bearer("sk-or-v1-demo"));
        error(&post, 405);
        assert_eq!(post.header("allow"), Some("GET"));
    }
}
