//! What the spans of attempts say.

use meshrouter_core::AttemptRequest;

use super::tests::*;
use super::*;

const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";

fn traced() -> Rc<Settings> {
    vm(r#""traces": true, "#)
}

fn begun(settings: &Rc<Settings>, stream: bool) -> Stream<Fallback> {
    let request = AttemptRequest {
        stream,
        ..AttemptRequest::default()
    };
    attempt_in(settings, PLAN, "1", &request)
}

/// The verdict and the reason.
fn fate(stream: &Stream<Fallback>) -> [Option<&str>; 2] {
    ["meshrouter.verdict", "meshrouter.reason"].map(|name| {
        let value = stream.host.properties.get(name);
        value.map(|bytes| std::str::from_utf8(bytes).unwrap())
    })
}

#[test]
fn an_attempt_says_whom_it_asked_and_what_became_of_it() {
    for (status, content, wanted) in [
        ("200", r#"{"choices":[{}]}"#, ["answered", ""]),
        ("200", "{}", ["failed", "no_completion"]),
        ("503", "{}", ["failed", "overloaded"]),
        ("400", "{}", ["refused", "refused"]),
    ] {
        let mut stream = begun(&traced(), false);
        answer(&mut stream, status, "application/json", &[content]);
        assert_eq!(fate(&stream), wanted.map(Some), "{status} {content}");
        for (name, value) in [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "a/one"),
            ("gen_ai.provider.name", "alpha"),
            ("meshrouter.candidate", "a/one@alpha"),
        ] {
            assert_eq!(stream.host.properties[name], value.as_bytes());
        }
    }
}

#[test]
fn a_stream_answers_with_its_first_token() {
    let mut stream = begun(&traced(), true);
    let headers = [(":status", "200"), ("content-type", "text/event-stream")];
    stream.headers(Direction::Response, &headers, false);
    assert_eq!(fate(&stream), [Some(""), Some("")]);
    stream.body(Direction::Response, WORD.as_bytes(), false);
    assert_eq!(fate(&stream), [Some("answered"), Some("")]);
}

#[test]
fn the_last_word_is_nobodys() {
    let request = AttemptRequest::default();
    let stream = attempt_in(&traced(), PLAN, "3", &request);
    assert_eq!(fate(&stream), [Some(""), Some("")]);
    let properties = &stream.host.properties;
    assert_eq!(properties["meshrouter.candidate"], b"nobody");
    assert_eq!(properties["gen_ai.provider.name"], b"");
}

#[test]
fn without_traces_nothing_is_said() {
    let mut stream = begun(&vm(""), false);
    answer(&mut stream, "503", "application/json", &["{}"]);
    stream.log();
    assert_eq!(fate(&stream), [None, None]);
}
