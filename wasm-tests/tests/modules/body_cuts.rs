//! A request's body through all filters, cut anywhere: the provider gets the same.

use meshrouter_wasm_tests::vm::Gateway;

use crate::answers::completion;
use crate::{GPT, assert_sound, gateway, post};

const BODY: &str = r#"{"model":"openai/gpt-4o-mini","stream":false,"models":[],
 "messages":[{"role":"user","content":"é \"世\" \u00e9"}],"odd":1.50}"#;

fn sent(gateway: &mut Gateway, chunks: Vec<Vec<u8>>) -> String {
    let mut request = post(BODY);
    request.chunks = chunks;
    let answer = gateway.send(&request, |_| completion());
    assert_sound(&answer, "body");
    assert_eq!(answer.status, 200);
    let sent = &answer.upstream[0];
    let length = sent.headers.text("content-length");
    assert_eq!(length, Some(sent.body.len().to_string()));
    sent.text()
}

#[test]
fn at_every_offset_pair_and_byte() {
    let (_, mut gateway) = gateway();
    let bytes = BODY.as_bytes();
    let whole = sent(&mut gateway, vec![bytes.to_vec()]);
    assert_eq!(
        whole,
        BODY.replace(GPT, "gpt-4o-mini")
            .replace(r#","models":[]"#, "")
    );
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        let pieces = vec![head.to_vec(), tail.to_vec()];
        assert_eq!(sent(&mut gateway, pieces), whole, "cut at {at}");
        let middle = at.midpoint(bytes.len());
        let (left, right) = tail.split_at(middle - at);
        let pieces = vec![head.to_vec(), left.to_vec(), right.to_vec()];
        assert_eq!(
            sent(&mut gateway, pieces),
            whole,
            "cut at {at} and {middle}"
        );
    }
    let single = bytes.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(sent(&mut gateway, single), whole);
}
