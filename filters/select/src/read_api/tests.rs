use super::*;
use meshrouter_core::Document;
use meshrouter_core::health::EndpointHash;
use meshrouter_host::fake::{Fake, Stream, settings};
use serde_json::{Value, json};

use crate::Select;

const NOW: u64 = 1_700_000_100_000;

const DOCUMENT: &str = r#"{
    "providers": {
        "alpha": {"cluster": "a", "name": "Alpha Inc.", "privacy_policy_url": "https://alpha.example/privacy",
            "terms_of_service_url": "https://alpha.example/terms", "status_page_url": "https://alpha.example/up"},
        "beta": {"cluster": "b"}},
    "models": [
      {"id": "m/one", "name": "One & <Only>", "created": 1721260800, "aliases": ["uno"], "context_length": 8192,
        "description": "Said \"plainly\".", "categories": ["programming", "marketing/seo"],
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["tools", "tool_choice", "seed"], "endpoints": [
        {"provider": "alpha", "quantization": "fp8", "exacto": true, "max_completion_tokens": 99, "pricing":
            {"prompt": "0.000002", "completion": "0.000004", "input_cache_read": "0.000001"}},
        {"provider": "beta", "variant": "turbo", "context_length": 4096, "supported_parameters": ["stop", "seed", "odd"],
            "pricing": {"prompt": "0.000001", "completion": "0.000002", "image": "0.01",
                "input_cache_read": "0.0000001", "input_cache_write": "0.00000125"}}]},
      {"id": "m/two:free", "created": 1735689599, "context_length": 32768, "categories": ["programming"],
        "architecture": {"output_modalities": ["text", "audio"]}, "supported_parameters": ["tools", "top_k"],
        "endpoints": [{"provider": "beta", "pricing": {"prompt": "0", "completion": "0"}}]},
      {"id": "m/three", "context_length": 16384, "endpoints": [
        {"provider": "alpha", "pricing": {"prompt": "0.000003", "completion": "0"}}]}]}"#;

fn with_auto() -> String {
    let auto = r#"{"auto": {"models": [{"id": "m/two:free", "quality": 1}, {"id": "m/one", "quality": 9}]},"#;
    DOCUMENT.replacen('{', auto, 1)
}

/// What a request for a path gets, through the filter.
fn ask_with(
    document: &str,
    path: &str,
    headers: &[(&str, &str)],
    prepare: impl Fn(&mut Fake),
) -> Reply {
    let mut stream: Stream<Select> = Stream::new(&settings::<Select>(document).unwrap());
    stream.host.time = NOW * 1_000_000;
    prepare(&mut stream.host);
    let headers = [
        &[(":path", path), (":authority", "llm.example:8080")],
        headers,
    ]
    .concat();
    stream.headers(Direction::Request, &headers, true);
    stream.host.reply.unwrap()
}

fn ask(document: &str, path: &str) -> Reply {
    ask_with(document, path, &[], |_| {})
}

fn body(document: &str, path: &str) -> Value {
    let reply = ask(document, path);
    assert_eq!(reply.status, 200, "{path}");
    assert_eq!(reply.content_type, Some("application/json"));
    serde_json::from_slice(&reply.body).unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut headers = reply.headers();
    headers.find(|(known, _)| *known == name).map(|(_, v)| v)
}

fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_and_counts_are_filtered() {
    let all = ["m/one", "m/two:free", "m/three"];
    let cases: &[(&str, &[&str])] = &[
        ("", &all),
        ("?nothing=known", &all),
        ("?use_rss=false&category=", &all),
        ("?supported_parameters=tools", &all[..2]),
        ("?supported_parameters=tools,seed", &["m/one"]),
        // An endpoint of its own list understands these, and no other all of them.
        ("?supported_parameters=stop%2C+seed", &["m/one"]),
        ("?supported_parameters=odd", &["m/one"]),
        ("?supported_parameters=stop,tools", &[]),
        (
            "?supported_parameters=top_k&supported_parameters=tools",
            &["m/two:free"],
        ),
        ("?category=programming", &all[..2]),
        ("?category=marketing%2Fseo", &["m/one"]),
        ("?category=Programming", &[]),
        (
            "?category=programming&supported_parameters=seed",
            &["m/one"],
        ),
    ];
    for (query, expected) in cases {
        let list = body(DOCUMENT, &format!("/api/v1/models{query}"));
        assert_eq!(ids(&list), *expected, "{query}");
        assert_eq!(list["total_count"], expected.len(), "{query}");
        assert_eq!(list["links"], json!({"next": null}));
        let count = body(DOCUMENT, &format!("/v1/models/count{query}"));
        assert_eq!(count, json!({"data": {"count": expected.len()}}), "{query}");
    }
}

#[test]
fn pages_lead_to_each_other() {
    let first = body(DOCUMENT, "/v1/models?limit=1&supported_parameters=tools");
    assert_eq!(
        (ids(&first), &first["total_count"]),
        (vec!["m/one"], &json!(2))
    );
    let next = first["links"]["next"].as_str().unwrap();
    let last = body(DOCUMENT, next);
    assert_eq!(
        (ids(&last), &last["total_count"]),
        (vec!["m/two:free"], &json!(2))
    );
    assert_eq!(last["links"]["next"], json!(null));
    // What OpenRouter's SDK asks for where nobody said anything.
    let usual = ask(DOCUMENT, "/v1/models?offset=0&limit=500");
    assert_eq!(usual, ask(DOCUMENT, "/v1/models"));
    let beyond = body(DOCUMENT, "/v1/models?offset=9");
    assert_eq!((ids(&beyond), &beyond["total_count"]), (vec![], &json!(3)));
}

#[test]
fn the_auto_router_is_listed_last() {
    let list = body(&with_auto(), "/v1/models");
    assert_eq!(
        ids(&list),
        ["m/one", "m/two:free", "m/three", "meshrouter/auto"]
    );
    assert_eq!(
        list["data"][3],
        json!({
            "id": "meshrouter/auto", "canonical_slug": "meshrouter/auto", "name": "Auto Router", "created": 0,
            "description": "Picks the model that suits a request best, at that model's price: m/two:free, m/one.",
            "context_length": 32768,
            "architecture": {"modality": "text+image->text+audio", "input_modalities": ["text", "image"],
                "output_modalities": ["text", "audio"], "tokenizer": "Router", "instruct_type": null},
            "pricing": {"prompt": "-1", "completion": "-1", "request": "0", "image": "0", "web_search": "0",
                "internal_reasoning": "0", "input_cache_read": "0", "input_cache_write": "0"},
            "top_provider": {"context_length": null, "max_completion_tokens": null, "is_moderated": false},
            "per_request_limits": null, "supported_parameters": ["tools", "top_k", "tool_choice", "seed"],
            "default_parameters": null, "supported_voices": null,
            "links": {"details": "/api/v1/models/meshrouter/auto/endpoints"}
        })
    );
    // It can what one of its models can.
    let stop = body(&with_auto(), "/v1/models?supported_parameters=stop");
    assert_eq!(ids(&stop), ["m/one", "meshrouter/auto"]);
    let none = body(&with_auto(), "/v1/models?supported_parameters=stop,top_k");
    assert_eq!(none["total_count"], 0);
    for name in ["meshrouter/auto", "openrouter/auto"] {
        let path = format!("/v1/models/{name}/endpoints");
        let endpoints = body(&with_auto(), &path);
        assert_eq!(endpoints["data"]["id"], "meshrouter/auto");
        assert_eq!(endpoints["data"]["endpoints"], json!([]));
        assert_eq!(ask(DOCUMENT, &path).status, 404);
    }
}

#[test]
fn the_feed_has_the_models_of_the_list() {
    let https = [("x-forwarded-proto", "https")];
    let feed = |path: &str| {
        let reply = ask_with(&with_auto(), path, &https, |_| {});
        let content_type = "application/rss+xml; charset=utf-8";
        assert_eq!(
            (reply.status, reply.content_type),
            (200, Some(content_type))
        );
        String::from_utf8(reply.body).unwrap()
    };
    let titles = |xml: &str| -> Vec<String> {
        let items = xml.split("<item><title>").skip(1);
        items
            .map(|item| item.split("</title>").next().unwrap().to_owned())
            .collect()
    };
    let all = feed("/api/v1/models?use_rss=true");
    let expected = [
        "m/two:free",
        "One &amp; &lt;Only&gt;",
        "m/three",
        "Auto Router",
    ];
    assert_eq!(titles(&all), expected);
    let link = "<link>https://llm.example:8080/api/v1/models/m/one/endpoints</link>";
    assert!(all.contains(link), "{all}");
    assert!(
        all.contains("<description>Said &quot;plainly&quot;.</description>"),
        "{all}"
    );
    let some = feed("/api/v1/models?category=marketing%2Fseo&use_rss=true");
    assert_eq!(titles(&some), ["One &amp; &lt;Only&gt;", "Auto Router"]);
}

#[test]
fn providers_have_the_documented_schema() {
    assert_eq!(
        body(DOCUMENT, "/api/v1/providers"),
        json!({"data": [
            {"name": "Alpha Inc.", "slug": "alpha", "privacy_policy_url": "https://alpha.example/privacy",
                "terms_of_service_url": "https://alpha.example/terms", "status_page_url": "https://alpha.example/up"},
            {"name": "beta", "slug": "beta", "privacy_policy_url": null, "terms_of_service_url": null,
                "status_page_url": null}]})
    );
}

/// The endpoints of `m/one` where this happened.
fn endpoints(path: &str, happened: impl Fn(&mut Board)) -> Value {
    let reply = ask_with(DOCUMENT, path, &[], |host| {
        let mut board = Board::of(None);
        happened(&mut board);
        let value = (board.into_bytes(), 1);
        host.shared.insert(health::key("m/one"), value);
    });
    assert_eq!(header(&reply, "cache-control"), Some("no-cache"));
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
    body["data"].take()
}

#[test]
fn endpoints_have_the_documented_schema() {
    let choice = |yes: bool| json!({"auto": yes, "function": yes, "none": yes, "required": yes});
    let found = endpoints("/api/v1/models/m/one/endpoints", |_| {});
    let expected = json!({
        "id": "m/one", "name": "One & <Only>", "created": 1_721_260_800, "description": "Said \"plainly\".",
        "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"],
            "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": null},
        "endpoints": [
            {"name": "Alpha Inc. | m/one", "model_id": "m/one", "model_name": "One & <Only>", "context_length": 8192,
                "pricing": {"prompt": "0.000002", "completion": "0.000004", "request": "0", "image": "0",
                    "web_search": "0", "internal_reasoning": "0", "input_cache_read": "0.000001",
                    "input_cache_write": "0"},
                "provider_name": "Alpha Inc.", "tag": "alpha", "quantization": "fp8", "service_tier": null,
                "max_completion_tokens": 99, "max_prompt_tokens": null,
                "supported_parameters": ["tools", "tool_choice", "seed"], "supports_tool_choice": choice(true),
                "native_tools": {}, "supports_implicit_caching": true, "supports_diarization": false, "status": 0,
                "uptime_last_30m": null, "uptime_last_5m": null, "uptime_last_1d": null,
                "latency_last_30m": null, "throughput_last_30m": null},
            {"name": "beta | m/one", "model_id": "m/one", "model_name": "One & <Only>", "context_length": 4096,
                "pricing": {"prompt": "0.000001", "completion": "0.000002", "request": "0", "image": "0.01",
                    "web_search": "0", "internal_reasoning": "0", "input_cache_read": "0.0000001",
                    "input_cache_write": "0.00000125"},
                "provider_name": "beta", "tag": "beta/turbo", "quantization": "unknown", "service_tier": null,
                "max_completion_tokens": null, "max_prompt_tokens": null,
                "supported_parameters": ["stop", "seed", "odd"], "supports_tool_choice": choice(false),
                "native_tools": {}, "supports_implicit_caching": false, "supports_diarization": false, "status": 0,
                "uptime_last_30m": null, "uptime_last_5m": null, "uptime_last_1d": null,
                "latency_last_30m": null, "throughput_last_30m": null}]});
    assert_eq!(found, expected);
    // Whatever can stand in `model` names it, percent-encoded or not.
    for name in ["uno", "m%2Fone", "m/one:nitro"] {
        let path = format!("/v1/models/{name}/endpoints?x=y");
        assert_eq!(endpoints(&path, |_| {}), expected, "{name}");
    }
    let exacto = endpoints("/v1/models/uno:exacto/endpoints", |_| {});
    assert_eq!(exacto["endpoints"].as_array().unwrap().len(), 1);
}

#[test]
fn a_discount_is_shown_beside_the_listed_prices() {
    let prompt = r#""pricing": {"prompt": "0.000003""#;
    let document = DOCUMENT.replace(prompt, &prompt.replace('{', r#"{"discount": "0.25", "#));
    let list = body(&document, "/v1/models");
    let models = list["data"].as_array().unwrap();
    let pricing = |id: &str| {
        let model = models.iter().find(|model| model["id"] == id);
        model.unwrap()["pricing"].clone()
    };
    assert_eq!(pricing("m/three")["prompt"], "0.000003");
    assert_eq!(pricing("m/three")["discount"], 0.25);
    assert_eq!(pricing("m/one").get("discount"), None);
}

#[test]
fn endpoints_show_how_it_goes() {
    let path = "/v1/models/m/one/endpoints";
    let (alpha, beta) = (EndpointHash::of("alpha"), EndpointHash::of("beta/turbo"));
    let found = endpoints(path, |board| {
        for n in 1..=10 {
            let mut entry = board.entry(alpha, NOW - 600_000 + n);
            if n > 1 {
                entry.answered()
            } else {
                entry.failed(0)
            }
            entry.latency(n * 100);
            entry.throughput(n * 10, 1_000);
        }
        board.entry(beta, NOW).answered();
    });
    let [alpha_now, beta_now] = [&found["endpoints"][0], &found["endpoints"][1]];
    assert_eq!(
        (&alpha_now["status"], &beta_now["status"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        (&alpha_now["uptime_last_30m"], &beta_now["uptime_last_30m"]),
        (&json!(90.0), &json!(100.0))
    );
    assert_eq!(
        (
            &alpha_now["latency_last_30m"],
            &alpha_now["throughput_last_30m"]
        ),
        (
            &json!({"p50": 500.0, "p75": 800.0, "p90": 900.0, "p99": 1_000.0}),
            // Of a speed, more is better: nine of ten reach the 90th percentile.
            &json!({"p50": 50.0, "p75": 30.0, "p90": 10.0, "p99": 10.0})
        )
    );
    assert_eq!(beta_now["latency_last_30m"], json!(null));

    let status = |happened: &dyn Fn(&mut Board)| {
        let found = endpoints(path, happened);
        [0, 1].map(|n| found["endpoints"][n]["status"].as_i64().unwrap())
    };
    let fail = |board: &mut Board| {
        board.entry(alpha, NOW - 5_000).failed(0);
        board.entry(alpha, NOW).failed(0);
    };
    assert_eq!(status(&fail), [-1, 0]);
    let cool = |board: &mut Board| {
        fail(board);
        board.entry(alpha, NOW).cool_down(1_000);
        board.entry(beta, NOW - 1_000).cool_down(1_000);
    };
    assert_eq!(status(&cool), [-2, 0], "beta's has ended");
    let old = |board: &mut Board| {
        for seconds in 0..3 {
            board.entry(alpha, NOW - 2_400_000 + seconds).failed(0);
            board.entry(alpha, NOW - 2_400_000).latency(9);
        }
    };
    let old = endpoints(path, old);
    for number in ["uptime_last_30m", "latency_last_30m"] {
        assert_eq!(old["endpoints"][0][number], json!(null), "{number}");
    }
}

#[test]
fn unknown_models_are_named() {
    for (path, name) in [
        ("/v1/models/m/none/endpoints", "m/none"),
        ("/v1/models/m%2Fone%3Afree/endpoints", "m/one:free"),
        ("/v1/models/one/endpoints", "one"),
    ] {
        let reply = ask(DOCUMENT, path);
        assert_eq!(
            (reply.status, reply.content_type),
            (404, Some("application/json"))
        );
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let message =
            format!("There is no model `{name}`. GET /api/v1/models lists those that there are.");
        assert_eq!(body["error"], json!({"code": 404, "message": message}));
    }
}

#[test]
fn everything_has_a_tag() {
    let paths = [
        "/v1/models",
        "/v1/models?category=programming",
        "/v1/models?use_rss=true",
        "/v1/models/count",
        "/v1/models/m/one/endpoints",
        "/v1/providers",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let reply = ask(DOCUMENT, path);
        let etag = header(&reply, "etag").unwrap().to_owned();
        let again = ask_with(DOCUMENT, path, &[("if-none-match", &etag)], |_| {});
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(header(&again, "etag"), Some(&*etag), "{path}");
        assert_eq!(
            header(&again, "cache-control"),
            header(&reply, "cache-control"),
            "{path}"
        );
        tags.push(etag);
    }
    // A change of the document or of the numbers is one of the tag.
    let changed = DOCUMENT.replace("plainly", "loudly");
    assert_ne!(
        header(&ask(&changed, "/v1/models"), "etag"),
        Some(&*tags[0])
    );
    let known = [("if-none-match", &*tags[4])];
    let live = ask_with(DOCUMENT, paths[4], &known, |host| {
        let mut board = Board::of(None);
        board.entry(EndpointHash::of("alpha"), NOW).answered();
        let value = (board.into_bytes(), 1);
        host.shared.insert(health::key("m/one"), value);
    });
    assert_eq!(live.status, 200);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), paths.len());
}

#[test]
fn a_list_of_all_models_is_made_once() {
    let catalog = Catalog::compile(Document::from_json(DOCUMENT.as_bytes()).unwrap()).unwrap();
    let api = ReadApi::compile(&catalog);
    for path in ["/v1/models", "/v1/models?supported_parameters=&limit=3"] {
        let list = api.models.list(&Query::of(path.as_bytes()));
        assert!(matches!(list, Cow::Borrowed(_)), "{path}");
    }
}
