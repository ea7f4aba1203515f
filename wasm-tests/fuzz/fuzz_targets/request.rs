//! The request reader: never panics; reads nothing but JSON; its spans are members; a merged preset
//! gives a body that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshrouter_core::route::Operation;
use meshrouter_wire::request::{ChatRequest, Preset};

fuzz_target!(|body: &[u8]| {
    let operations = [Operation::ChatCompletions, Operation::Completions, Operation::Embeddings];
    for operation in operations {
        let Ok(mut request) = ChatRequest::read(body, operation) else {
            continue;
        };
        // A byte order mark is fine for us, not for serde_json.
        let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let json = serde_json::from_slice::<serde_json::Value>(text);
        // serde_json refuses numbers beyond f64 and lone surrogates; the grammar does not.
        assert!(json.is_ok() || matches!(&json, Err(e) if !e.is_eof()));
        for span in &request.members {
            assert!(matches!(body[span.start], b'{' | b','));
            assert!(span.start < span.value && span.value < span.end);
        }
        let fields = serde_json::json!({"top_p": 0.5, "model": "x", "system": "Be brief", "odd": [1]});
        let fields = fields.as_object().unwrap().clone().into_iter().collect();
        let preset = Preset::compile(&fields).unwrap();
        let merged = request.merge(&preset, body).unwrap();
        let again = ChatRequest::read(&merged, operation).unwrap();
        let sorted = |members: &[meshrouter_core::facts::MemberSpan]| {
            let mut members = members.to_vec();
            members.sort_by_key(|span| span.start);
            members
        };
        assert_eq!(sorted(&request.members), sorted(&again.members));
    }
});
