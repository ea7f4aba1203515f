//! The prompt alone: what counts against a context length, without the rest of a request.

use meshrouter_core::tokens::Tally;

use super::{RequestError, Visit, messages, scan_object};
use crate::json::{Kind, Value};

/// Walks over the prompt of a request's body, its messages and tools, and counts it into `visit`'s tally, as
/// [`ChatRequest`](super::ChatRequest) does.
///
/// # Errors
/// What is wrong with the prompt: not JSON, of the wrong type, missing, twice. Other members are
/// only checked to be JSON.
pub fn prompt<'a>(body: &'a [u8], visit: &mut impl Visit<'a>) -> Result<(), RequestError> {
    let mut scanner = scan_object(body)?;
    let (mut has_messages, mut has_tools) = (false, false);
    let mut object = scanner.enter()?;
    while let Some(member) = scanner.member(&mut object)? {
        let name = &*member.name;
        let found = match name {
            b"messages" => &mut has_messages,
            b"tools" => &mut has_tools,
            _ => {
                scanner.value()?;
                continue;
            }
        };
        if std::mem::replace(found, true) {
            return Err(RequestError::Twice(member.text()?.into_owned()));
        }
        match name {
            b"messages" => messages::read(&mut scanner, visit)?,
            _ => tools(scanner.value()?, visit.tally()),
        }
    }
    scanner.end()?;
    match has_messages {
        true => Ok(()),
        false => Err(RequestError::Missing("messages", "an array of messages")),
    }
}

/// Counts `tools`: their JSON, as the provider's template would show it.
pub(super) fn tools(value: Value<'_>, tally: &mut impl Tally) {
    if value.kind != Kind::Null {
        tally.text(value.raw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ChatRequest;
    use meshrouter_core::route::Operation;
    use meshrouter_core::tokens::Count;

    /// Notes all that it is told.
    #[derive(Default)]
    struct Notes(Vec<String>, Count);

    fn counted(body: &str) -> Result<Count, RequestError> {
        let mut notes = Notes::default();
        prompt(body.as_bytes(), &mut notes).map(|()| notes.1)
    }

    impl<'a> Visit<'a> for Notes {
        type Tally = Count;

        fn tally(&mut self) -> &mut Count {
            &mut self.1
        }

        fn member(&mut self, name: &[u8], value: Value<'a>) {
            let [name, value] = [name, value.raw].map(String::from_utf8_lossy);
            self.0.push(format!("{name}={value}"));
        }

        fn begin(&mut self) {
            self.0.push("{".to_owned());
        }

        fn text(&mut self, text: Value<'a>) {
            self.1.text(text.inner());
            self.0.push(format!("{:?}", text.text().unwrap()));
        }

        fn message(&mut self, span: std::ops::Range<usize>) {
            self.0.push(format!("{span:?}"));
        }
    }

    const BODY: &str = r#"{"tools": [{"type": "function"}], "messages": [
        {"role": "user", "content": [
            {"text": "What is this?", "type": "text"},
            {"type": "thinking", "text": "signed", "signature": "x"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "x"}]},
        {"content": "42", "tool_call_id": "x", "role": "tool"}], "stream": true}"#;

    #[test]
    fn counts_as_the_request_reader_does() {
        let without = BODY.replace("[{\"type\": \"function\"}]", "null");
        for body in [BODY, &without] {
            let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap();
            assert_eq!(counted(body).unwrap(), *request.prompt.count());
        }
        assert_ne!(counted(BODY), counted(&without));
    }

    #[test]
    fn tells_what_it_passes() {
        let mut notes = Notes::default();
        prompt(BODY.as_bytes(), &mut notes).unwrap();
        let span = |from: &str, to: &str| {
            let (start, last) = (BODY.find(from).unwrap(), BODY.find(to).unwrap());
            format!("{:?}", start..last + to.len())
        };
        assert_eq!(
            notes.0,
            [
                "{",
                "role=\"user\"",
                "\"What is this?\"",
                &span("{\"role\": \"user\"", "AAAA\"}}]}"),
                "{",
                "role=\"assistant\"",
                "tool_calls=[{\"id\": \"x\"}]",
                &span("{\"role\": \"assistant\"", "\"x\"}]}"),
                "{",
                "\"42\"",
                "tool_call_id=\"x\"",
                "role=\"tool\"",
                &span("{\"content\": \"42\"", "\"tool\"}"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let refused = |body: &str| counted(body).unwrap_err();
        let message = r#""messages": [{"role": "user"}]"#;
        assert!(matches!(refused("[]"), RequestError::Wrong(..)));
        assert!(matches!(refused("{"), RequestError::Json(_)));
        assert!(matches!(refused("{} {}"), RequestError::Json(_)));
        assert!(matches!(refused("{}"), RequestError::Missing(..)));
        assert_eq!(
            refused(&format!("{{{message}, {message}}}")),
            RequestError::Twice("messages".to_owned())
        );
        assert_eq!(
            refused(&format!("{{\"tools\": null, \"tools\": [], {message}}}")),
            RequestError::Twice("tools".to_owned())
        );
        assert_eq!(
            prompt(b"{\"a\": \"\xff\"}", &mut Notes::default()),
            Err(RequestError::Encoding(7))
        );
    }
}
