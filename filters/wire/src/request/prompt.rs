//! The prompt alone: what counts against a context length, without the rest of a request.

use meshrouter_core::tokens::Count;

use super::{RequestError, Visit, messages, scan_object};
use crate::json::{Kind, Value};

/// Walks over the prompt of a request's body, its messages and tools, and counts it as
/// [`ChatRequest`](super::ChatRequest) does.
///
/// # Errors
/// What is wrong with the prompt: not JSON, of the wrong type, missing, twice. Other members are
/// only checked to be JSON.
pub fn prompt<'a>(body: &'a [u8], visit: &mut impl Visit<'a>) -> Result<Count, RequestError> {
    let mut scanner = scan_object(body)?;
    let (mut in_messages, mut in_tools) = (None, None);
    let mut object = scanner.enter()?;
    while let Some(member) = scanner.member(&mut object)? {
        let name = &*member.name;
        let counted = match name {
            "messages" => &mut in_messages,
            "tools" => &mut in_tools,
            _ => {
                scanner.value()?;
                continue;
            }
        };
        if counted.is_some() {
            return Err(RequestError::Twice(name.to_owned()));
        }
        *counted = Some(match name {
            "messages" => messages::read(&mut scanner, visit)?,
            _ => tools(scanner.value()?),
        });
    }
    scanner.end()?;
    let missing = RequestError::Missing("messages", "an array of messages");
    let mut total: Count = in_messages.ok_or(missing)?;
    total.and(&in_tools.unwrap_or_default());
    Ok(total)
}

/// Counts `tools`: their JSON, as the provider's template would show it.
pub(super) fn tools(value: Value<'_>) -> Count {
    if value.kind == Kind::Null {
        return Count::default();
    }
    Count::of(value.raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ChatRequest;
    use meshrouter_core::route::Operation;

    /// Notes all that it is told.
    #[derive(Default)]
    struct Notes(Vec<String>, Count);

    impl<'a> Visit<'a> for Notes {
        fn member(&mut self, name: &str, value: Value<'a>) {
            let value = String::from_utf8_lossy(value.raw);
            self.0.push(format!("{name}={value}"));
        }

        fn text(&mut self, text: Value<'a>, count: &Count) {
            assert_eq!(*count, Count::of(text.inner()));
            self.0.push(format!("{:?}", text.text().unwrap()));
        }

        fn message(&mut self, span: std::ops::Range<usize>, count: &Count) {
            self.0.push(format!("{span:?}"));
            self.1.and(count);
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
            assert_eq!(prompt(body.as_bytes(), &mut ()).unwrap(), request.count);
        }
        assert_ne!(
            prompt(BODY.as_bytes(), &mut ()),
            prompt(without.as_bytes(), &mut ())
        );
    }

    #[test]
    fn tells_what_it_passes() {
        let mut notes = Notes::default();
        let mut whole = prompt(BODY.as_bytes(), &mut notes).unwrap();
        let span = |from: &str, to: &str| {
            let (start, last) = (BODY.find(from).unwrap(), BODY.find(to).unwrap());
            format!("{:?}", start..last + to.len())
        };
        // The messages count together what the prompt does, but for its tools.
        notes.1.text(br#"[{"type": "function"}]"#);
        assert_eq!(notes.1, whole);
        whole.tokens(1);
        assert_ne!(notes.1, whole);
        assert_eq!(
            notes.0,
            [
                "role=\"user\"",
                "\"What is this?\"",
                &span("{\"role\": \"user\"", "AAAA\"}}]}"),
                "role=\"assistant\"",
                "tool_calls=[{\"id\": \"x\"}]",
                &span("{\"role\": \"assistant\"", "\"x\"}]}"),
                "\"42\"",
                "tool_call_id=\"x\"",
                "role=\"tool\"",
                &span("{\"content\": \"42\"", "\"tool\"}"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let refused = |body: &str| prompt(body.as_bytes(), &mut ()).unwrap_err();
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
            prompt(b"{\"a\": \"\xff\"}", &mut ()),
            Err(RequestError::Encoding(7))
        );
    }
}
