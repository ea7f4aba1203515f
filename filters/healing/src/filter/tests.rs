use super::*;
use meshrouter_core::shapes::{Repairs, Writer};
use meshrouter_host::fake::Stream;

/// A stream whose response has begun.
fn begun(shapes: Option<Vec<u8>>, content_type: &str, status: &str) -> Stream<Healing> {
    let mut stream: Stream<Healing> = Stream::new(&Rc::new(()));
    if let Some(shapes) = shapes {
        let properties = &mut stream.host.properties;
        properties.insert(property::SHAPES.to_owned(), shapes);
    }
    stream.headers(Direction::Request, &[], false);
    let headers = [(":status", status), ("content-type", content_type)];
    stream.headers(Direction::Response, &headers, false);
    stream
}

/// What leaves, and what the property says.
fn healed(shapes: Option<Vec<u8>>, status: &str, body: &str) -> (String, String) {
    let mut stream = begun(shapes, "application/json", status);
    let (head, tail) = body.split_at(body.len() / 2);
    stream.body(Direction::Response, head.as_bytes(), false);
    stream.body(Direction::Response, tail.as_bytes(), true);
    let said = stream.host.properties.get(property::HEALING);
    let said = said.map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    (stream.sent(Direction::Response), said.unwrap_or_default())
}

/// Content is to be repaired, without a schema that is known.
fn any() -> Option<Vec<u8>> {
    Some(Writer::default().finish(CONTENT))
}

const CONTENT: Repairs = Repairs {
    content: true,
    calls: false,
    stream: false,
    structured: true,
};

const BODY: &str = r#"{"id": "x", "choices": [
    {"message": {"content": "{name: \"Eve\", age: 40}", "odd": 1.50}, "finish_reason": "stop"},
    {"message": {"content": "{\"a\": 1}"}},
    {"message": {"content": "{\"cut\": "}, "finish_reason": "length"},
    {"message": {"content": null}}]}"#;

#[test]
fn every_choice_is_repaired_and_the_rest_kept() {
    let expected = BODY.replace(
        r#"{name: \"Eve\", age: 40}"#,
        r#"{\"name\": \"Eve\", \"age\": 40}"#,
    );
    let said = "truncated;unquoted_key".to_owned();
    assert_eq!(healed(any(), "200", BODY), (expected, said));
}

#[test]
fn nothing_happens_unasked() {
    let untouched = (BODY.to_owned(), String::new());
    assert_eq!(healed(None, "200", BODY), untouched);
    assert_eq!(healed(any(), "502", BODY), untouched);
}

#[test]
fn bodies_that_are_no_completions_pass() {
    for body in [
        "",
        "[]",
        "{",
        r#"{"choices": 3}"#,
        r#"{"choices": [{"message": {"content": 3}}]}"#,
    ] {
        let untouched = (body.to_owned(), String::new());
        assert_eq!(healed(any(), "200", body), untouched);
    }
}

#[test]
fn the_schema_of_the_request_counts() {
    let schema =
        br#"{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}"#;
    for (strict, content, expected, said) in [
        (
            false,
            r#"{\"n\": 1, \"x\": 2}"#,
            r#"{\"n\": 1, \"x\": 2}"#,
            "valid",
        ),
        (
            true,
            r#"{\"n\": 1, \"x\": 2}"#,
            r#"{\"n\": 1}"#,
            "repaired;schema_extra",
        ),
        (
            false,
            r#"{n: \"1\"}"#,
            r#"{\"n\": 1}"#,
            "repaired;unquoted_key,schema_type",
        ),
        (false, r#"{m: 1}"#, r#"{m: 1}"#, "failed"),
        (false, r#"{\"m\": 1}"#, r#"{\"m\": 1}"#, "failed"),
    ] {
        let body =
            |content| format!(r#"{{"choices": [{{"message": {{"content": "{content}"}}}}]}}"#);
        let mut shapes = Writer::default();
        shapes.answer(schema, strict);
        let outcome = healed(Some(shapes.finish(CONTENT)), "200", &body(content));
        assert_eq!(outcome, (body(expected), said.to_owned()));
    }
}

#[test]
fn json_objects_are_objects() {
    let object = Repairs {
        structured: false,
        ..CONTENT
    };
    let body = r#"{"choices": [{"message": {"content": "[1, 2, 3, 4, 5] {\"a\": 1}"}}]}"#;
    let (sent, said) = healed(Some(Writer::default().finish(object)), "200", body);
    assert!(sent.contains(r#""content": "{\"a\": 1}""#), "{sent}");
    assert_eq!(said, "repaired;surrounding_prose");
}

#[test]
fn arguments_of_tools_are_repaired_when_asked() {
    let call = |name: &str, arguments: &str| {
        format!(r#"{{"id": "1", "function": {{"arguments": "{arguments}", "name": "{name}"}}}}"#)
    };
    let body = |calls: &[String]| {
        let calls = calls.join(", ");
        format!(
            r#"{{"choices": [{{"message": {{"content": "{{a: 1}}", "tool_calls": [{calls}, 3]}}, "finish_reason": "tool_calls"}}]}}"#
        )
    };
    let said = body(&[
        call("known", "{n: '1',}"),
        call("other", "{n: '1'}"),
        call("none", ""),
    ]);
    let repairs = Repairs {
        content: false,
        calls: true,
        ..CONTENT
    };
    let mut shapes = Writer::default();
    shapes.tool(
        br#""known""#,
        br#"{"properties": {"n": {"type": "integer"}}}"#,
        false,
    );
    let expected = body(&[
        call("known", r#"{\"n\": 1}"#),
        call("other", r#"{\"n\": \"1\"}"#),
        call("none", ""),
    ]);
    let kinds = "repaired;trailing_comma,unquoted_key,single_quotes,schema_type";
    assert_eq!(
        healed(Some(shapes.finish(repairs)), "200", &said),
        (expected, kinds.to_owned())
    );
    assert_eq!(healed(None, "200", &said).0, said);
}

/// The data of all events of a stream, and what the property says in the end.
fn streamed(body: &str, pieces: usize) -> (Vec<String>, String) {
    let repairs = Repairs {
        stream: true,
        ..CONTENT
    };
    let shapes = Some(Writer::default().finish(repairs));
    let mut stream = begun(shapes, "text/event-stream", "200");
    assert!(stream.released(Direction::Response));
    for chunk in body.as_bytes().chunks(pieces) {
        stream.body(Direction::Response, chunk, false);
    }
    stream.body(Direction::Response, b"", true);
    let said = &stream.host.properties[property::HEALING];
    let sent = stream.sent(Direction::Response);
    let data = sent
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    (
        data.map(str::to_owned).collect(),
        String::from_utf8_lossy(said).into_owned(),
    )
}

#[test]
fn streams_are_repaired_chunk_by_chunk() {
    let chunk = |choices: &str| format!("data: {{\"id\": \"x\", \"choices\": [{choices}]}}\n\n");
    let say = |index: u8, text: &str| {
        chunk(&format!(
            r#"{{"index": {index}, "delta": {{"content": "{text}"}}, "finish_reason": null}}"#
        ))
    };
    let body = [
        chunk(r#"{"index": 0, "delta": {"role": "assistant", "content": ""}}"#),
        say(0, r"Sure!\n```json\n{a"),
        say(1, r#"{\"b\": [1"#),
        ": a comment\n\n".to_owned(),
        say(0, r": 1,"),
        say(0, r"}\n```"),
        chunk(r#"{"index": 1, "delta": {}, "finish_reason": "stop"}, {"index": 0, "finish_reason": "stop"}"#),
        "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 1}}\n\ndata: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let (whole, said) = streamed(&body, body.len());
    assert_eq!(
        said,
        "repaired;markdown_fence,surrounding_prose,missing_bracket,trailing_comma,unquoted_key"
    );
    let text = |index: u64| -> String {
        let chunks = whole
            .iter()
            .filter_map(|data| serde_json::from_str::<serde_json::Value>(data).ok());
        let choices = chunks.flat_map(|chunk| chunk["choices"].as_array().cloned().unwrap());
        let mine = choices.filter(|choice| choice["index"] == index);
        mine.filter_map(|choice| choice["delta"]["content"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(
        (text(0), text(1)),
        ("{\"a\": 1}".to_owned(), "{\"b\": [1]}".to_owned())
    );
    assert_eq!(whole.last().unwrap(), "[DONE]");
    assert!(whole[whole.len() - 2].contains("usage"));
    for pieces in [1, 7, 100] {
        assert_eq!(streamed(&body, pieces), (whole.clone(), said.clone()));
    }
}

#[test]
fn streams_end_in_every_way() {
    let say = |text: &str, reason: &str| {
        format!(
            "data: {{\"choices\": [{{\"index\": 0, \"delta\": {{\"content\": \"{text}\"}}, \"finish_reason\": {reason}}}]}}\n\n"
        )
    };
    let cases = [
        (
            r#""stop""#,
            "data: [DONE]\n\n",
            r#"{\"a\": [1]}"#,
            "repaired;missing_bracket",
        ),
        (
            "null",
            "data: [DONE]\n\n",
            r#"{\"a\": [1]}"#,
            "repaired;missing_bracket",
        ),
        ("null", "", r#"{\"a\": [1]}"#, "repaired;missing_bracket"),
        (
            r#""length""#,
            "data: [DONE]\n\n",
            r#"{\"a\": ["#,
            "truncated",
        ),
        (r#""error""#, "", r#"{\"a\": ["#, "failed"),
    ];
    for (reason, end, expected, verdict) in cases {
        let body = format!("{}{end}", say(r#"{\"a\": [1"#, reason));
        let (data, said) = streamed(&body, 10_000);
        let text: String = data
            .iter()
            .filter_map(|data| {
                Some(
                    data.split_once(r#""content": ""#)
                        .or(data.split_once(r#""content":""#))?
                        .1
                        .split("\"}")
                        .next()
                        .unwrap()
                        .to_owned(),
                )
            })
            .collect();
        assert_eq!(
            (text.as_str(), said.as_str()),
            (expected, verdict),
            "{data:?}"
        );
    }
    let (data, said) = streamed(&say("no JSON at all", r#""stop""#), 10_000);
    assert!(
        data[0].contains(r#""content": """#) && said.starts_with("failed"),
        "{data:?} {said}"
    );
}
