//! The whole gateway where all goes well: what caller and provider see, the record, the counters.

use meshrouter_wasm_tests::shape;
use meshrouter_wasm_tests::vm::{GatewayRequest, UpstreamResponse};
use serde_json::json;

use crate::answers::{completion, sse};
use crate::{COMPLETION, GPT, assert_sound, chat, gateway, json, post, record, stable};

/// Members that the router reads and no provider sees.
const ROUTER: &str = r#""models":["anthropic/claude-sonnet-4"],"provider":{"sort":"price"},"transforms":[],"plugins":[],"usage":{"include":true},"route":"fallback","#;

#[test]
fn a_completion() {
    let (world, mut gateway) = gateway();
    let request = post(chat(GPT, &format!(r#"{ROUTER}"odd":  [1.50,null],"#)))
        .header("x-title", "App")
        .header("http-referer", "https://app.test/")
        .header("cookie", "a=b")
        .header("accept-encoding", "gzip")
        .header("x-meshrouter-plan", "a@b")
        .header("x-meshrouter-cluster", "gamma")
        .header("x-envoy-max-retries", "99")
        .header("traceparent", "00-1-2-01");
    let answer = gateway.send(&request, |_| {
        let json = UpstreamResponse::json(200, COMPLETION);
        json.header("content-length", &COMPLETION.len().to_string())
            .header("set-cookie", "a=b")
            .header("x-meshrouter-outcome", "9;spoofed@alpha")
            .into()
    });
    assert_sound(&answer, "completion");
    assert_eq!((answer.status, answer.attempts), (200, 1));
    let expected = COMPLETION
        .replace(r#"{"id":"chatcmpl-1""#, r#"{"provider":"Alpha","id":"GEN""#)
        .replace(r#""model":"m""#, &format!(r#""model":"{GPT}""#))
        .replace(
            r#"[{"index":0"#,
            r#"[{"native_finish_reason":"stop","index":0"#,
        )
        .replace(
            r#""usage":{"#,
            r#""usage":{"cost":0.0000045,"is_byok":false,"cost_details":{"upstream_inference_cost":null},"#,
        );
    assert_eq!(stable(&answer.text()), expected);
    let names: Vec<_> = answer.headers.iter().map(|(name, _)| name).collect();
    let known = [
        &b":status"[..],
        b"content-type",
        b"content-length",
        b"x-router-attempts",
    ];
    assert_eq!(names, known);

    let sent = &answer.upstream[0];
    assert_eq!(sent.text(), chat("gpt-4o-mini", r#""odd":  [1.50,null],"#));
    let headers: Vec<_> = sent
        .headers
        .iter()
        .map(|(name, value)| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!("{}: {}", text(name), text(value))
        })
        .collect();
    let length = format!("content-length: {}", sent.body.len());
    let mut expected = [
        ":path: /v1/chat/completions",
        ":authority: alpha",
        ":method: POST",
        ":scheme: http",
        "x-meshrouter-cluster: alpha",
        "content-type: application/json",
        "traceparent: 00-1-2-01",
        "x-request-id: 00000000-0000-4000-8000-000000000001",
        "x-forwarded-proto: http",
        "x-envoy-attempt-count: 1",
        &length,
    ]
    .map(str::to_owned)
    .to_vec();
    expected.retain(|line| line != "x-envoy-attempt-count: 1");
    let mut found = headers;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);

    assert_eq!(
        record(&answer),
        json!({
            "id": "GEN", "key": "demo", "key_label": "demo", "app": "App", "app_url": "https://app.test/", "model_requested": GPT, "model": GPT, "provider": "alpha",
            "byok": false, "attempts": 1, "failed": [], "compressed": false, "stream": false, "finished": true, "cancelled": false, "finish": "stop",
            "estimated": false, "prompt_tokens": 10, "cached_tokens": 0, "cache_write_tokens": 0, "completion_tokens": 5, "reasoning_tokens": 0,
            "images": 0, "web_searches": 0, "cost": 0.000_004_5, "upstream_cost": 0.000_004_5, "healing": null, "healed": null,
            "first_byte_ms": 0, "latency_ms": 0, "throughput": null
        })
    );
    gateway.tick().unwrap();
    let labels = format!("model={GPT};provider=alpha");
    let metrics = [
        (format!("meshrouter_requests_total;{labels};status=200"), 1),
        (format!("meshrouter_tokens_total;{labels};type=input"), 10),
        (format!("meshrouter_tokens_total;{labels};type=output"), 5),
        (format!("meshrouter_cost_nanodollars_total;{labels}"), 4_500),
        (
            "meshrouter_attempts_total;provider=alpha;verdict=answered".to_owned(),
            1,
        ),
    ];
    assert_eq!(world.metrics(), metrics.into());
}

#[test]
fn a_stream_with_and_without_the_usage_chunk() {
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n";
    let events = [
        ": PROCESSING\n\n",
        "data: {\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"eos\"}]}\n\n",
        usage,
        "data: [DONE]\n\n",
    ];
    for (asked, fed) in [(true, vec![2, 3, 4, 5]), (false, vec![2, 3, 5])] {
        let (world, mut gateway) = gateway();
        let options = if asked {
            r#""stream_options":{"include_usage":true},"#
        } else {
            ""
        };
        let answer = gateway.send(
            &post(chat(GPT, &format!(r#""stream":true,{options}"#))),
            |request| {
                let options = &json(&request.text())["stream_options"];
                assert_eq!(options, &json!({"include_usage": true}));
                sse(&events).into()
            },
        );
        assert_sound(&answer, "stream");
        assert_eq!(
            answer.headers.text("content-type").as_deref(),
            Some("text/event-stream")
        );
        assert_eq!(answer.headers.get("content-length"), None);
        assert_eq!(answer.chunks.iter().map(|c| c.fed).collect::<Vec<_>>(), fed);
        let text = stable(&answer.text());
        let first = format!(
            r#"data: {{"provider":"Alpha","model":"{GPT}","object":"chat.completion.chunk","created":1700000000,"id":"GEN","choices":[{{"delta":{{"content":"a"}}}}]}}"#
        );
        let start: Vec<&str> = text.split("\n\n").take(2).collect();
        assert_eq!(start[0], ": PROCESSING");
        assert_eq!(json(&start[1][6..]), json(&first[6..]));
        assert!(
            text.contains(
                r#""native_finish_reason":"eos","delta":{"content":"b"},"finish_reason":"stop""#
            ),
            "{text}"
        );
        assert_eq!(text.contains(r#""cost":0.0000045"#), asked, "{text}");
        assert!(text.ends_with("\n\ndata: [DONE]\n\n"));
        let record = record(&answer);
        assert_eq!(record["cost"], json!(0.000_004_5));
        assert_eq!(
            (&record["stream"], &record["finished"]),
            (&json!(true), &json!(true))
        );
        let tokens = format!("meshrouter_tokens_total;model={GPT};provider=alpha;type=input");
        assert_eq!(world.metric(&tokens), Some(10));
    }
}

#[test]
fn counters_of_quick_requests_come_with_the_tick_or_the_end() {
    let (world, mut gateway) = gateway();
    world.set_time(1_795_608_000_000_000_000);
    for _ in 0..3 {
        let answer = gateway.send(&post(chat(GPT, "")), |_| completion());
        assert_sound(&answer, "quick");
    }
    let counted = || {
        let labels = format!("model={GPT};provider=alpha");
        let requests = format!("meshrouter_requests_total;{labels};status=200");
        let tokens = format!("meshrouter_tokens_total;{labels};type=input");
        [requests, tokens].map(|metric| world.metric(&metric))
    };
    assert_eq!(counted(), [Some(1), Some(10)], "the first at once");
    let plugin = if shape::is_fused() { "edge" } else { "usage" };
    assert_eq!(gateway.edge().tick_period_ms(plugin), 100);
    gateway.tick().unwrap();
    assert_eq!(counted(), [Some(3), Some(30)]);
    let answer = gateway.send(&post(chat(GPT, "")), |_| completion());
    assert_sound(&answer, "the last");
    gateway.edge().end(plugin).unwrap();
    assert_eq!(counted(), [Some(4), Some(40)]);
}

#[test]
fn healing_repairs_in_the_chain() {
    let (_, mut gateway) = gateway();
    let body = chat(
        GPT,
        r#""response_format":{"type":"json_object"},"plugins":[{"id":"response-healing"}],"#,
    );
    let broken = COMPLETION.replace("Héllo", r#"```json\n{a: 'é',}\n```"#);
    let answer = gateway.send(&post(body), |_| {
        UpstreamResponse::json(200, broken.clone()).into()
    });
    assert_sound(&answer, "healing");
    let content = &json(&answer.text())["choices"][0]["message"]["content"];
    assert_eq!(json(content.as_str().unwrap()), json!({"a": "é"}));
}

#[test]
fn requests_that_no_provider_sees() {
    let (world, mut gateway) = gateway();
    let keyed = |method: &str, path: &str| {
        let mut request = GatewayRequest::get(path).header("authorization", crate::KEY);
        request.headers.set(":method", method);
        request
    };
    let cases = [
        (
            GatewayRequest::post(crate::CHAT, chat(GPT, "")),
            401,
            "No API key",
        ),
        (post("{"), 400, "not valid JSON"),
        (post(chat("no/model", "")), 404, "no model"),
        (
            post(chat(GPT, r#""stream":"yes","#)),
            400,
            "`stream` must be a boolean",
        ),
        (keyed("GET", "/nowhere"), 404, "nothing at this path"),
        (keyed("DELETE", "/v1/models"), 405, "GET requests only"),
        (keyed("POST", "/v1/chat/completions"), 400, "no body"),
        (GatewayRequest::get("/api/v1/models"), 200, "llama"),
    ];
    for (request, status, says) in cases {
        let answer = gateway.send(&request, |_| completion());
        assert_sound(&answer, says);
        assert_eq!((answer.status, answer.attempts), (status, 0), "{says}");
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
        let body = json(&answer.text());
        if status >= 400 {
            assert_eq!(body["error"]["code"], json!(status), "{says}");
        }
        assert_eq!(record(&answer), json!(null), "{says}");
    }
    gateway.tick().unwrap();
    assert_eq!(
        world.metric("meshrouter_requests_total;status=401"),
        Some(1)
    );
    assert_eq!(
        world.metric("meshrouter_requests_total;status=200"),
        Some(1)
    );
}
