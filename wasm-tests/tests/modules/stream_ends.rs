//! Streams that providers write in their own way or end badly, cut anywhere: what leaves is canonical and ends once.

use crate::json;
use crate::stream_cuts::assert_same;
use serde_json::{Value, json};

/// Reasoning under one name each, tool calls in pieces, a reason to end of the provider's own, no `[DONE]`.
const RICH: &str = concat!(
    ": PROCESSING\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\\né\"}}]}\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning\":\"b\",\"content\":null}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"c\"}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}}]}}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\":1}\"}}]}}]}\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_use\"}],\"odd\":1.50}\r\n\r\n",
    "data: {\"choices\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":5}}\r\n\r\n",
);

const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"é\"}}]}\r\n\r\n";
const ERROR: &str =
    "data: {\"error\":{\"code\":429,\"message\":\"Slow, sk-abcdefgh1234\"}}\r\n\r\n";

/// The data of what leaves of a stream, however it is cut.
fn data(text: &str) -> Vec<Value> {
    let text = &format!(": ping\n\n{text}");
    let single = (1..text.len()).collect();
    let cuts = (1..text.len()).map(|at| vec![at]).chain([single]);
    let events = assert_same(text, true, cuts).into_iter();
    let data = events.filter_map(|event| {
        let data = event.trim_end().strip_prefix("data: ")?.to_owned();
        Some(match data.as_str() {
            "[DONE]" => json!("[DONE]"),
            text => json(text),
        })
    });
    data.collect()
}

/// What every chunk has, beside these members.
fn signed(members: Value) -> Value {
    let mut chunk = json!({
        "id": "GEN", "provider": "Alpha", "model": crate::GPT,
        "object": "chat.completion.chunk", "created": 1_700_000_000,
    });
    let Value::Object(members) = members else {
        panic!("{members}")
    };
    chunk.as_object_mut().unwrap().extend(members);
    chunk
}

fn delta(delta: &Value) -> Value {
    signed(json!({"choices": [{"delta": delta}]}))
}

fn error(error: &Value) -> Value {
    signed(json!({
        "error": error,
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }))
}

#[test]
fn reasoning_tool_calls_and_a_missing_end() {
    let text = |text: &str| json!([{"type": "reasoning.text", "text": text}]);
    let call =
        |call: Value| signed(json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}));
    let expected = [
        delta(
            &json!({"reasoning": "hm\né", "reasoning_content": "hm\né", "reasoning_details": text("hm\né")}),
        ),
        delta(
            &json!({"reasoning": "b", "reasoning_content": "b", "reasoning_details": text("b"), "content": null}),
        ),
        delta(&json!({
            "reasoning": "c", "reasoning_content": "c",
            "reasoning_details": [{"type": "reasoning.summary", "summary": "c"}],
        })),
        call(json!({"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{\"a"}})),
        call(json!({"index": 0, "function": {"arguments": "\":1}"}})),
        signed(json!({
            "choices": [{"delta": {}, "finish_reason": "tool_calls", "native_finish_reason": "tool_use"}],
            "odd": 1.50,
        })),
        signed(json!({"choices": [], "usage": {
            "input_tokens": 10, "output_tokens": 5,
            "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.000_004_5,
            "is_byok": false, "cost_details": {"upstream_inference_cost": null},
        }})),
        json!("[DONE]"),
    ];
    assert_eq!(data(RICH), expected);
    let twice = format!("{RICH}data: [DONE]\r\n\r\ndata: [DONE]\n\n");
    assert_eq!(data(&twice), expected, "one end");
}

#[test]
fn an_error_after_content_is_the_end() {
    let message = "Slow, [redacted]";
    let raw = format!(r#"{{"error":{{"code":429,"message":"{message}"}}}}"#);
    let expected = [
        delta(&json!({"content": "é"})),
        error(
            &json!({"code": 429, "message": message, "metadata": {"provider_name": "Alpha", "raw": raw}}),
        ),
    ];
    for rest in ["", "data: [DONE]\n\n", WORD] {
        assert_eq!(data(&format!("{WORD}{ERROR}{rest}")), expected, "{rest}");
    }
}

#[test]
fn an_answer_that_stops_in_the_midst_is_an_error() {
    let expected = [
        delta(&json!({"content": "é"})),
        error(&json!({
            "code": 502,
            "message": "The provider Alpha broke off its answer.",
            "metadata": {"provider_name": "Alpha"},
        })),
    ];
    assert_eq!(data(WORD), expected);
    assert_eq!(data(WORD.trim_end()), expected, "without its blank line");
    let pinged = format!("{WORD}: ping\n\n");
    assert_eq!(data(&pinged), expected, "with a ping");
}
