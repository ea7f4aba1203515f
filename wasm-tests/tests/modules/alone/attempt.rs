//! `fallback` and `middle-out`.

use meshrouter_core::AttemptRequest;
use meshrouter_core::carried::Carried;
use meshrouter_core::facts::{Attempt, MemberSpan};
use meshrouter_core::limits::Limits;
use meshrouter_core::tokens::{Family, Scale};
use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Chain, Stream, UpstreamAnswer, World};
use serde_json::json;

use crate::answers::failures;
use crate::{CHAT, GPT, alone, json};

const BODY: &str = r#"{"model":"a/one","messages":[]}"#;

/// A stream through `fallback` whose request is the `number`-th of the plan alpha, beta.
fn attempt(chain: &mut Chain, number: &str) -> Stream {
    attempt_of(chain, number, false)
}

/// The same of a caller who wants a stream, or not.
fn attempt_of(chain: &mut Chain, number: &str, stream: bool) -> Stream {
    let request = AttemptRequest {
        generation: "gen-1".to_owned(),
        stream,
        members: vec![MemberSpan {
            name: "model".to_owned(),
            start: 0,
            value: 9,
            end: 16,
        }],
        body_length: BODY.len(),
        ..AttemptRequest::default()
    };
    let request = String::from_utf8(request.encode()).unwrap();
    let plan = format!("{GPT}@alpha,{GPT}@beta");
    let sent = [
        (":method", "POST"),
        (":path", CHAT),
        (":authority", "gateway"),
        ("content-length", "31"),
        ("x-custom", "the caller's"),
        ("accept-encoding", "gzip"),
        ("x-meshrouter-plan", &plan),
        ("x-meshrouter-request", &request),
        ("x-envoy-attempt-count", number),
    ];
    let mut stream = chain.stream();
    if stream
        .request_headers(sent, false)
        .unwrap()
        .headers
        .is_none()
    {
        stream.request_body(BODY, true).unwrap();
    }
    stream
}

#[test]
fn fallback_shapes_each_attempt_for_its_provider() {
    let (_, mut chain) = alone("fallback");
    for (number, cluster, model) in [
        ("1", "alpha", "gpt-4o-mini"),
        ("2", "beta", "gpt-4o-mini-2024-07-18"),
    ] {
        let out = attempt(&mut chain, number).request();
        let headers = out.headers.clone().unwrap();
        assert_eq!(out.text(), BODY.replace("a/one", model));
        let found = [
            "x-meshrouter-cluster",
            ":authority",
            ":path",
            "content-length",
        ]
        .map(|name| headers.text(name).unwrap());
        assert_eq!(
            found,
            [
                cluster,
                cluster,
                "/v1/chat/completions",
                &out.text().len().to_string()
            ]
        );
        for gone in [
            "x-custom",
            "accept-encoding",
            "x-meshrouter-plan",
            "x-meshrouter-request",
            "x-envoy-attempt-count",
        ] {
            assert_eq!(headers.get(gone), None, "{gone}");
        }
    }
    for plan in ["nonsense", "\u{e9}@b", "a@b"] {
        let sent = [(":method", "POST"), ("x-meshrouter-plan", plan)];
        let out = chain.stream().request_headers(sent, false).unwrap();
        assert_eq!(out.local_reply.unwrap().code, 500);
    }
}

#[test]
fn fallback_judges_every_outcome() {
    let (world, mut chain) = alone("fallback");
    for (name, failure, status) in failures() {
        let UpstreamAnswer::Answer(response) = failure else {
            continue;
        };
        let streams = response.headers.text("content-type").as_deref() == Some("text/event-stream");
        for number in ["1", "2", "3"] {
            let mut stream = attempt_of(&mut chain, number, streams);
            let mut headers = response.headers.clone();
            headers.set(":status", response.status.to_string());
            headers.set("x-meshrouter-outcome", "9;spoofed@alpha");
            headers.set("set-cookie", "a=b");
            if number != "3" {
                stream
                    .response_headers(headers, response.chunks.is_empty())
                    .unwrap();
                for chunk in &response.chunks {
                    stream.response_body(chunk.clone(), false).unwrap();
                }
                stream.response_body("", true).unwrap();
            }
            let out = stream.response();
            let headers = out.headers.clone().unwrap();
            assert_eq!(
                (headers.status(), out.ended),
                (status, true),
                "{name} {number}"
            );
            assert_eq!(headers.get("set-cookie"), None);
            let outcome = headers.text("x-meshrouter-outcome");
            if number != "3" {
                assert_eq!(outcome, None, "{name}: to be tried again");
                continue;
            }
            // Nobody is left: the last word, of equals the last, and what was tried.
            let outcome = outcome.unwrap();
            let parts: Vec<&str> = outcome.split(',').collect();
            assert_eq!(parts[0], format!("2;{GPT}@beta"), "{name}");
            let whom = |part: &str| part.rsplit(' ').next().unwrap().to_owned();
            let tried = [whom(parts[1]), whom(parts[2])];
            let wanted = ["alpha", "beta"].map(|provider| format!("{GPT}@{provider}"));
            assert_eq!((tried, parts.len()), (wanted, 3), "{name}");
            let error = json(&out.text());
            assert_eq!(error["error"]["code"], json!(status), "{name}");
            assert_eq!(
                error["error"]["metadata"]["provider_name"], "Beta",
                "{name}"
            );
            assert_eq!(
                headers.text("content-length"),
                Some(out.bytes().len().to_string()),
                "{name}"
            );
        }
    }
    let judged = failures()
        .iter()
        .filter(|(_, f, _)| matches!(f, UpstreamAnswer::Answer(_)))
        .count();
    chain.tick("fallback").unwrap();
    for provider in ["alpha", "beta"] {
        let failed = world.metric(&format!(
            "meshrouter_attempts_total;provider={provider};verdict=failed"
        ));
        assert_eq!(failed, u64::try_from(judged).ok());
    }
}

#[test]
fn fallback_holds_a_stream_for_its_first_event_and_passes_encoded_answers() {
    let (_, mut chain) = alone("fallback");
    let mut stream = attempt_of(&mut chain, "1", true);
    stream
        .response_headers(
            [(":status", "200"), ("content-type", "text/event-stream")],
            false,
        )
        .unwrap();
    assert_eq!(
        stream
            .response_body(": ping\n\ndata: {\"choi", false)
            .unwrap()
            .headers,
        None
    );
    let out = stream
        .response_body("ces\":[{\"text\":\"a\"}]}\n\ndata: [DO", false)
        .unwrap();
    assert_eq!(
        out.headers.unwrap().text("x-meshrouter-outcome"),
        Some(format!("1;{GPT}@alpha"))
    );
    assert!(
        out.body
            .concat()
            .ends_with(b"\"choices\":[{\"text\":\"a\"}]}\n\n")
    );
    assert_eq!(
        stream.response_body("NE]\n\n", true).unwrap().text(),
        "data: [DONE]\n\n"
    );

    let mut stream = attempt(&mut chain, "1");
    let gzip = [
        (":status", "200"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let out = stream.response_headers(gzip, false).unwrap();
    assert_eq!(
        out.headers.unwrap().text("content-encoding").as_deref(),
        Some("gzip")
    );
    assert_eq!(
        stream.response_body(b"\x1f\x8b", true).unwrap().bytes(),
        b"\x1f\x8b"
    );
}

#[test]
fn middle_out_fits_the_messages_to_the_candidate() {
    let plugin = Shipped::seven().plugin("middle-out");
    let mut chain = Chain::new(&World::new(), &[plugin]).unwrap();
    let message = json!({"role": "user", "content": "word ".repeat(76)});
    let body = json!({"model": "m", "messages": vec![message; 20]}).to_string();
    let scale = Scale::of(Family::Other);
    // Of its 20 messages each has some hundred tokens.
    for (room, most) in [(9_000, 20), (500, 5), (300, 3)] {
        let attempt = Attempt {
            model: GPT.to_owned(),
            scale,
            context: 10_000,
            limits: Limits {
                weight: scale.weight(room),
                messages: None,
                completion: 0,
            },
        };
        let mut stream = chain.stream();
        stream.set_property(&["meshrouter.attempt"], attempt.encode());
        stream
            .request_headers([(":path", CHAT), ("content-length", "0")], false)
            .unwrap();
        let (head, tail) = body.as_bytes().split_at(700);
        stream.request_body(head, false).unwrap();
        stream.request_body(tail, true).unwrap();
        let sent = stream.request();
        let kept = json(&sent.text())["messages"].as_array().unwrap().len();
        assert!(kept <= most && (most < 20 || kept == 20), "{room}: {kept}");
        if kept < 20 {
            assert_eq!(
                sent.headers.clone().unwrap().text("content-length"),
                Some(sent.text().len().to_string())
            );
        }
    }
    let mut stream = chain.stream();
    stream.request_headers([(":path", CHAT)], false).unwrap();
    assert_eq!(stream.request_body("{}", true).unwrap().bytes(), b"{}");
}
