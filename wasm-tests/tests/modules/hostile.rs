//! What nobody sends in good faith: no filter traps, and every request has an answer.

use meshrouter_wasm_tests::vm::{GatewayRequest, UpstreamAnswer, UpstreamResponse};

use crate::answers::{completion, sse};
use crate::lcg::Lcg;
use crate::{CHAT, COMPLETION, GPT, assert_sound, chat, gateway, json, post};

const STREAM: &str = concat!(
    ": ping\n\ndata: {\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"é\"}}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
);

#[test]
fn header_values_of_any_bytes() {
    let (_, mut gateway) = gateway();
    let mut lcg = Lcg::new(1);
    let names = [
        "authorization",
        "x-api-key",
        "content-type",
        "x-title",
        "accept",
        "user-agent",
        "traceparent",
        "x-request-id",
        "x-meshrouter-plan",
        "x-meshrouter-request",
        "x-envoy-attempt-count",
        "cookie",
        "x-forwarded-proto",
        "content-length",
        ":path",
        ":method",
        ":authority",
    ];
    for round in 0..400 {
        let mut request = GatewayRequest::post(CHAT, chat(GPT, ""));
        request.headers.set("authorization", crate::KEY);
        request.headers.remove("content-length");
        for _ in 0..=lcg.below(4) {
            let name = names[lcg.below(names.len())];
            let value: Vec<u8> = (0..lcg.below(40)).map(|_| lcg.value_byte()).collect();
            // Envoy itself refuses a length that is no number.
            if name != "content-length" {
                request.headers.set(name, value);
            }
        }
        let answer = gateway.send(&request, |_| completion());
        assert_sound(&answer, &format!("round {round}: {:?}", request.headers));
    }
}

#[test]
fn request_bodies_cut_off_and_changed() {
    let (_, mut gateway) = gateway();
    let mut lcg = Lcg::new(2);
    let body = chat(
        GPT,
        r#""models":["anthropic/claude-sonnet-4"],"stream":true,"stream_options":{"include_usage":false},"plugins":[{"id":"response-healing"}],"response_format":{"type":"json_object"},"transforms":["middle-out"],"max_tokens":10,"#,
    );
    let mut passed = 0;
    for round in 0..1600 {
        let sent = lcg.mutated(body.as_bytes());
        let request = GatewayRequest {
            chunks: lcg.pieces(&sent),
            ..post(sent.clone())
        };
        let answer = gateway.send(&request, |upstream| {
            json(&upstream.text());
            completion()
        });
        assert_sound(
            &answer,
            &format!("round {round}: {}", String::from_utf8_lossy(&sent)),
        );
        assert!(
            matches!(answer.status, 200 | 400 | 404),
            "round {round}: {}",
            answer.status
        );
        passed += usize::from(answer.status == 200);
    }
    assert!((50..1550).contains(&passed), "{passed}");
}

#[test]
fn answers_cut_off_and_changed() {
    let (_, mut gateway) = gateway();
    let mut lcg = Lcg::new(3);
    let heal = chat(
        GPT,
        r#""response_format":{"type":"json_object"},"plugins":[{"id":"response-healing"}],"#,
    );
    for round in 0..800 {
        let (request, original) = if round % 2 == 0 {
            (post(chat(GPT, r#""stream":true,"#)), STREAM)
        } else {
            (post(heal.clone()), COMPLETION)
        };
        let mut seen = Vec::new();
        let answer = gateway.send(&request, |_| {
            let bytes = lcg.mutated(original.as_bytes());
            let mut response = sse(&[]);
            if round % 2 == 1 {
                response.headers = [("content-type", "application/json")].into();
            }
            response.chunks = lcg.pieces(&bytes);
            seen.push(String::from_utf8_lossy(&bytes).into_owned());
            if lcg.below(8) == 0 {
                UpstreamAnswer::ResetAfter(response)
            } else {
                response.into()
            }
        });
        assert_sound(&answer, &format!("round {round}: {seen:?}"));
    }
}

#[test]
fn one_huge_event() {
    let (_, mut gateway) = gateway();
    let content = "é".repeat(1 << 20);
    let event = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\ndata: [DONE]\n\n"
    );
    let chunks = event.as_bytes().chunks(1 << 16).map(<[u8]>::to_vec);
    let response = UpstreamResponse::sse(chunks);
    let answer = gateway.send(&post(chat(GPT, r#""stream":true,"#)), |_| {
        response.clone().into()
    });
    assert_sound(&answer, "huge event");
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains(&content));
}

#[test]
fn deep_json_is_refused_by_the_gateway_and_a_failure_of_a_provider() {
    let (_, mut gateway) = gateway();
    for (depth, sent, answered) in [(100, 200, 200), (10_000, 400, 502), (200_000, 400, 502)] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("\"deep\":{}1{},", open.repeat(depth), close.repeat(depth));
            let answer = gateway.send(&post(chat(GPT, &deep)), |_| completion());
            assert_sound(&answer, "deep request");
            assert_eq!(answer.status, sent, "{depth} {open}");
            let body = COMPLETION.replacen('{', &format!("{{{deep}"), 1);
            let event = format!("data: {body}\n\ndata: [DONE]\n\n");
            let answer = gateway.send(&post(chat(GPT, "")), |_| {
                UpstreamResponse::json(200, body.clone()).into()
            });
            assert_sound(&answer, "deep answer");
            assert_eq!(answer.status, answered, "{depth} {open}");
            let stream = post(chat(GPT, r#""stream":true,"#));
            let answer = gateway.send(&stream, |_| sse(&[&event]).into());
            assert_sound(&answer, "deep event");
            assert_eq!(
                answer.status, answered,
                "{depth} {open}: a first event that is not read is no answer"
            );
        }
    }
}
