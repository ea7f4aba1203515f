//! The filter: repairs the content of every choice of a completion.

use std::rc::Rc;

use meshrouter_core::facts::Carried;
use meshrouter_core::names::property;
use meshrouter_core::{DocumentError, Facts};
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};
use meshrouter_wire::completion::contents;
use meshrouter_wire::json::{Patch, literal};
use serde::de::IgnoredAny;

use crate::repair::{Repair, repair};

/// Repairs completions whose request asked for JSON and for healing.
///
/// Streams pass: the Response Healing page limits it to requests without `stream`.
#[derive(Debug)]
pub struct Healing {
    wanted: bool,
    active: bool,
}

impl Filter for Healing {
    /// What the document says of plugins is in the request's facts.
    type Document = IgnoredAny;
    type Settings = ();

    const NAME: &'static str = "healing";

    fn configure(_document: IgnoredAny) -> Result<(), DocumentError> {
        Ok(())
    }

    fn new(_settings: Rc<()>) -> Self {
        Self {
            wanted: false,
            active: false,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        let facts = facts.and_then(|bytes| Facts::decode(&bytes));
        self.wanted = facts.is_some_and(|facts| facts.heal && !facts.stream);
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if !self.wanted || end {
            return Flow::Continue;
        }
        let status = host.header(Direction::Response, ":status");
        self.active = status.as_deref() == Some(b"200");
        if self.active {
            Flow::Pause
        } else {
            Flow::Continue
        }
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if !self.active {
            return Flow::Continue;
        }
        if !end {
            return Flow::Pause;
        }
        let body = host.body(Direction::Response);
        if let Some(healed) = heal(&body) {
            send_whole(host, Direction::Response, &healed);
        }
        Flow::Continue
    }
}

/// The completion with its contents repaired; `None` where nothing is to be repaired.
fn heal(body: &[u8]) -> Option<Vec<u8>> {
    let mut patch = Patch::of(body);
    for content in contents(body).ok()? {
        // What the token limit cut off is not there to be repaired.
        if content.finish_reason.as_deref() == Some("length") {
            continue;
        }
        let text = content.text.text()?;
        if let Repair::Repaired { json, .. } = repair(&text) {
            patch.replace(
                content.text.start..content.text.end(),
                literal(&json).as_bytes(),
            );
        }
    }
    if patch.is_empty() {
        return None;
    }
    patch.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_host::fake::Stream;

    fn healed(facts: &Facts, status: &str, body: &str) -> String {
        let mut stream: Stream<Healing> = Stream::new(&Rc::new(()));
        stream
            .host
            .properties
            .insert(property::FACTS.to_owned(), facts.encode());
        stream.headers(Direction::Request, &[], false);
        let headers = [(":status", status), ("content-type", "application/json")];
        stream.headers(Direction::Response, &headers, false);
        let (head, tail) = body.split_at(body.len() / 2);
        stream.body(Direction::Response, head.as_bytes(), false);
        stream.body(Direction::Response, tail.as_bytes(), true);
        stream.sent(Direction::Response)
    }

    fn wanted() -> Facts {
        Facts {
            heal: true,
            ..Facts::default()
        }
    }

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
        assert_eq!(healed(&wanted(), "200", BODY), expected);
    }

    #[test]
    fn nothing_happens_unasked() {
        assert_eq!(healed(&Facts::default(), "200", BODY), BODY);
        let streaming = Facts {
            stream: true,
            ..wanted()
        };
        assert_eq!(healed(&streaming, "200", BODY), BODY);
        assert_eq!(healed(&wanted(), "502", BODY), BODY);
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
            assert_eq!(healed(&wanted(), "200", body), body);
        }
    }
}
