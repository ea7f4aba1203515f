use super::*;
use meshrouter_core::route::Operation;

fn signed(text: &str) -> String {
    let completion = Completion::read(text.as_bytes()).unwrap();
    let signature = Signature::new("gen-1", "a/b", "Al\"pha", Operation::ChatCompletions);
    String::from_utf8(completion.signed(&signature)).unwrap()
}

#[test]
fn signs_what_is_there_and_what_is_not() {
    assert_eq!(
        signed(r#"{"id": "x", "object": "o", "created": 7, "model": "m", "odd": [1, 2.50]}"#),
        r#"{"provider":"Al\"pha","id": "gen-1", "object": "o", "created": 7, "model": "a/b", "odd": [1, 2.50]}"#
    );
    assert_eq!(
        signed(r#"{"provider": null, "id": null, "model": null}"#),
        r#"{"object":"chat.completion","provider": "Al\"pha", "id": "gen-1", "model": "a/b"}"#
    );
    assert_eq!(
        signed("{}"),
        r#"{"id":"gen-1","provider":"Al\"pha","model":"a/b","object":"chat.completion"}"#
    );
}

/// What becomes of the choices of a completion.
fn choices(text: &str, exclude_reasoning: bool) -> String {
    let text =
        format!(r#"{{"id":"","provider":"","model":"","object":"","created":1,"choices":{text}}}"#);
    let completion = Completion::read(text.as_bytes()).unwrap();
    let signature =
        Signature::new("", "", "", Operation::ChatCompletions).without_reasoning(exclude_reasoning);
    let signed = String::from_utf8(completion.signed(&signature)).unwrap();
    let _: serde_json::Value = serde_json::from_str(&signed).unwrap();
    let (_, choices) = signed.split_once(r#""choices":"#).unwrap();
    choices[..choices.len() - 1].to_owned()
}

#[test]
fn the_end_of_a_choice_has_one_of_five_names() {
    let cases = [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("eos", "stop"),
        ("MAX_TOKENS", "length"),
        ("tool_use", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("error", "error"),
        ("something_new", "stop"),
    ];
    for (native, canonical) in cases {
        assert_eq!(
            choices(
                &format!(r#"[{{"finish_reason": "{native}", "index": 0}}]"#),
                false
            ),
            format!(
                r#"[{{"native_finish_reason":"{native}","finish_reason": "{canonical}", "index": 0}}]"#
            )
        );
    }
    let untouched = [
        r#"[{"finish_reason": null}]"#,
        r#"[{"finish_reason": "stop", "native_finish_reason": "eos"}]"#,
        r#"[{"delta": {}}, 3, null]"#,
        "[]",
        "null",
    ];
    for text in untouched {
        assert_eq!(choices(text, false), text);
    }
    assert_eq!(
        choices(r#"[{"finish_reason": ""}]"#, false),
        r#"[{"native_finish_reason":"","finish_reason": null}]"#
    );
}

#[test]
fn a_finished_choice_is_noticed() {
    let finished = |choices: &str| {
        let text = format!(r#"{{"choices": {choices}}}"#);
        Completion::read(text.as_bytes()).unwrap().is_finished()
    };
    assert!(finished(
        r#"[{"finish_reason": null}, {"finish_reason": "stop"}]"#
    ));
    assert!(!finished(
        r#"[{"finish_reason": ""}, {"finish_reason": null}, {}]"#
    ));
}

#[test]
fn reasoning_has_all_its_names() {
    let all = r#""reasoning_details":[{"type":"reasoning.text","text":"Hm \u00e9"}]"#;
    assert_eq!(
        choices(
            r#"[{"message": {"reasoning": "Hm \u00e9", "content": "x"}}]"#,
            false
        ),
        format!(
            r#"[{{"message": {{"reasoning_content":"Hm \u00e9",{all},"reasoning": "Hm \u00e9", "content": "x"}}}}]"#
        )
    );
    assert_eq!(
        choices(
            r#"[{"delta": {"reasoning_content": "Hm \u00e9", "reasoning": null}}]"#,
            false
        ),
        format!(
            r#"[{{"delta": {{{all},"reasoning_content": "Hm \u00e9", "reasoning": "Hm \u00e9"}}}}]"#
        )
    );
    let details = r#"{"reasoning_details": [{"type": "reasoning.summary", "summary": "A"}, {"type": "reasoning.text", "text": "B", "signature": "s"}, {"type": "reasoning.encrypted", "data": "x"}]"#;
    assert_eq!(
        choices(&format!(r#"[{{"message": {details}}}}}]"#), false),
        format!(
            r#"[{{"message": {}}}}}]"#,
            details.replacen('{', r#"{"reasoning":"AB","reasoning_content":"AB","#, 1)
        )
    );
    for text in [
        r#"[{"delta": {"reasoning": null}}]"#,
        r#"[{"delta": {"reasoning_details": []}}]"#,
        r#"[{"delta": {"content": "x"}}]"#,
    ] {
        assert_eq!(choices(text, false), text);
    }
}

#[test]
fn reasoning_that_is_not_wanted_is_not_shown() {
    assert_eq!(
        choices(
            r#"[{"delta": {"reasoning": "Hm", "reasoning_content": null, "reasoning_details": [1], "content": "x"}}]"#,
            true
        ),
        r#"[{"delta": {"reasoning": null, "reasoning_content": null, "reasoning_details": null, "content": "x"}}]"#
    );
}

#[test]
fn errors_and_usage_are_read() {
    let completion =
        Completion::read(br#"{"error": {"message": "no"}, "usage": {"prompt_tokens": 7}}"#)
            .unwrap();
    assert!(completion.error().is_some());
    assert_eq!(completion.usage().unwrap().prompt_tokens, 7);
    let fine = Completion::read(br#"{"error": null, "usage": []}"#).unwrap();
    assert!(fine.error().is_none() && fine.usage().is_none());
    for text in [&b"null"[..], b"[]", b"", b"{", b"{} x", b"<html>"] {
        assert!(Completion::read(text).is_err());
    }
}

#[test]
fn error_chunks_have_the_form_of_their_stream() {
    let chunk = |operation| {
        let signature = Signature::new("gen-1-x", "a/b", "P", operation).of_chunks();
        String::from_utf8(signature.error_chunk(b"{}")).unwrap()
    };
    let chat =
        r#""error":{},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;
    assert!(chunk(Operation::ChatCompletions).ends_with(chat));
    let legacy = r#""error":{},"choices":[{"index":0,"text":"","finish_reason":"error"}]}"#;
    assert!(chunk(Operation::Completions).ends_with(legacy));
}

#[test]
fn a_role_is_no_token() {
    let chunk = |choice: &str| format!(r#"{{"choices":[{choice}]}}"#);
    let has_token = |text: &str| Completion::read(text.as_bytes()).unwrap().has_token();
    for choice in [
        "",
        r#"{"delta":{}}"#,
        r#"{"delta":{"role":"assistant"}}"#,
        r#"{"delta":{"role":"assistant","content":"","refusal":null,"tool_calls":[]},"finish_reason":null}"#,
        r#"{"delta":{"content":null},"finish_reason":""}"#,
        r#"{"text":"","index":0}"#,
    ] {
        assert!(!has_token(&chunk(choice)), "{choice}");
    }
    for choice in [
        r#"{"delta":{"content":" "}}"#,
        r#"{"delta":{"role":"assistant","content":"","reasoning":"Hm"}}"#,
        r#"{"delta":{"tool_calls":[{"index":0}]}}"#,
        r#"{"delta":{"refusal":"No"}}"#,
        r#"{"delta":{},"finish_reason":"stop"}"#,
        r#"{"text":"a","index":0}"#,
    ] {
        assert!(has_token(&chunk(choice)), "{choice}");
    }
}

#[test]
fn what_choices_say_is_found() {
    let text = br#"{"choices": [{"message": {"content": "a", "tool_calls": [
        {"function": {"arguments": "{}", "name": "f"}}, {"function": {"arguments": {}}}, 3]}, "finish_reason": "stop"},
        null, {"message": {"content": null}}, {"message": 3}]}"#;
    let contents = contents(text).unwrap();
    let texts: Vec<_> = contents
        .iter()
        .map(|content| content.text.and_then(|text| text.text()))
        .collect();
    assert_eq!(texts, [Some("a".into()), None, None]);
    assert_eq!(contents[0].finish_reason.as_deref(), Some("stop"));
    let calls: Vec<_> = contents[0]
        .calls
        .iter()
        .map(|call| (&*call.name, call.arguments.raw))
        .collect();
    assert_eq!(calls, [("f", &b"\"{}\""[..])]);
}

#[test]
fn what_a_chunk_says_is_replaced_or_added() {
    let said = |choice: &str| {
        let text = format!(r#"{{"choices":[{choice}],"x":1}}"#);
        let (deltas, list) = deltas(text.as_bytes()).unwrap();
        assert_eq!(list.unwrap().raw, format!("[{choice}]").as_bytes());
        let mut patch = Patch::of(text.as_bytes());
        deltas[0].say("\"", &mut patch);
        let patched = String::from_utf8(patch.finish().unwrap()).unwrap();
        let inside = patched.strip_prefix(r#"{"choices":["#).unwrap();
        inside.strip_suffix(r#"],"x":1}"#).unwrap().to_owned()
    };
    for (choice, expected) in [
        (
            r#"{"index":2,"delta":{"content":"a"}}"#,
            r#"{"index":2,"delta":{"content":"\""}}"#,
        ),
        (
            r#"{"delta":{"content":null}}"#,
            r#"{"delta":{"content":"\""}}"#,
        ),
        (r#"{"delta":{}}"#, r#"{"delta":{"content":"\""}}"#),
        (
            r#"{"delta":{"role":"x"}}"#,
            r#"{"delta":{"content":"\"","role":"x"}}"#,
        ),
        (
            r#"{"finish_reason":"stop"}"#,
            r#"{"delta":{"content":"\""},"finish_reason":"stop"}"#,
        ),
    ] {
        assert_eq!(said(choice), expected);
    }
}
