//! From a request and its scripted action to the answer that will be written.

use serde_json::Value;

use crate::action::Action;
use crate::openai::{self, Chat, Form};
use crate::record::{RecordedRequest, Shared, lock};
use crate::script;

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream; charset=utf-8";

/// An answer, before anything goes wrong with it on the wire.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Body {
    /// Sent with its length.
    Whole(Vec<u8>),
    /// Sent chunked.
    Events {
        /// The comments at the start; they do not count as events.
        preamble: Vec<Vec<u8>>,
        /// Each event with its blank line.
        events: Vec<Vec<u8>>,
        /// How many events there are up to the first with content, which included.
        first_content: usize,
    },
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self::new(status, JSON, Body::Whole(body.to_string().into_bytes()))
    }

    fn new(status: u16, content_type: &str, body: Body) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self {
            status,
            headers,
            body,
        }
    }

    fn set_header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// The answer to a request, and the action that says how to write it.
pub(crate) fn answer(shared: &Shared, request: &RecordedRequest) -> (Answer, Action) {
    if !authorized(shared, request) {
        let error = openai::error(
            "Incorrect API key provided.",
            "invalid_request_error",
            "invalid_api_key",
        );
        return (Answer::json(401, &error), Action::default());
    }
    let path = request.path.split('?').next().unwrap_or_default();
    match request.method.as_str() {
        "GET" if path.ends_with("/models") => plain(200, &openai::models(&shared.name)),
        "POST" if path.ends_with("/chat/completions") => scripted(shared, request, chat),
        "POST" if path.ends_with("/completions") => scripted(shared, request, legacy),
        "POST" if path.ends_with("/embeddings") => scripted(shared, request, embeddings),
        method => {
            let message = format!("Unknown request URL: {method} {path}");
            plain(
                404,
                &openai::error(&message, "invalid_request_error", "unknown_url"),
            )
        }
    }
}

fn plain(status: u16, body: &Value) -> (Answer, Action) {
    (Answer::json(status, body), Action::default())
}

fn refused(message: &str) -> (Answer, Action) {
    plain(
        400,
        &openai::error(message, "invalid_request_error", "bad_request"),
    )
}

fn authorized(shared: &Shared, request: &RecordedRequest) -> bool {
    let knows = |key: &str| shared.keys.iter().any(|known| known == key);
    if shared.keys.is_empty() {
        return true;
    }
    let bearer = request.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    bearer.is_some_and(knows) || request.header("api-key").is_some_and(knows)
}

/// Runs `ordinary` for the normal answer and lets the request's script change it.
fn scripted(
    shared: &Shared,
    request: &RecordedRequest,
    ordinary: fn(&Shared, &Value, &Action) -> Result<Answer, String>,
) -> (Answer, Action) {
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(error) => return refused(&format!("The body is not JSON: {error}")),
    };
    let action = match script::action(&body, &shared.name, &mut lock(&shared.turns)) {
        Ok(action) => action,
        Err(message) => return refused(&message),
    };
    match ordinary(shared, &body, &action) {
        Ok(answer) => (changed(answer, &action, &shared.name), action),
        Err(message) => refused(&message),
    }
}

fn embeddings(_: &Shared, request: &Value, _: &Action) -> Result<Answer, String> {
    Ok(Answer::json(200, &openai::embeddings(request)))
}

fn chat(shared: &Shared, request: &Value, action: &Action) -> Result<Answer, String> {
    if let Some(field) = openai::missing(request) {
        return Err(format!("Missing required parameter: '{field}'."));
    }
    complete(shared, request, action, Form::Chat)
}

/// A completion of a `prompt`: a chat of that one message, told in the older form.
fn legacy(shared: &Shared, request: &Value, action: &Action) -> Result<Answer, String> {
    let Some(request) = openai::chat_of_prompt(request) else {
        return Err("Missing required parameter: 'prompt'.".to_owned());
    };
    complete(shared, &request, action, Form::Legacy)
}

fn complete(
    shared: &Shared,
    request: &Value,
    action: &Action,
    form: Form,
) -> Result<Answer, String> {
    let number = shared
        .answers
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        + 1;
    let provider = shared.name.as_str();
    let chat = Chat {
        request,
        provider,
        action,
        number,
        form,
    };
    if chat.streams() || action.events.is_some() {
        return Ok(Answer::new(200, SSE, stream(&chat)));
    }
    Ok(Answer::json(200, &chat.completion()))
}

/// The generated stream, or the scripted one.
fn stream(chat: &Chat<'_>) -> Body {
    let (mut events, mut first_content) = match &chat.action.events {
        Some(events) => (
            events
                .iter()
                .map(|event| event.clone().into_bytes())
                .collect(),
            1,
        ),
        None => {
            let (chunks, first_content) = chat.chunks();
            let mut events: Vec<_> = chunks.iter().map(event).collect();
            events.push(b"data: [DONE]\n\n".to_vec());
            (events, first_content)
        }
    };
    if let Some((at, error)) = &chat.action.error_event {
        events.truncate(*at);
        events.push(event(&serde_json::json!({"error": error})));
        first_content = first_content.min(events.len());
    }
    let preamble = vec![b": OPENROUTER PROCESSING\n\n".to_vec(); chat.action.comments];
    Body::Events {
        preamble,
        events,
        first_content,
    }
}

fn event(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

/// The answer with the scripted status, headers and body.
fn changed(mut answer: Answer, action: &Action, provider: &str) -> Answer {
    if let (Some((_, error)), Body::Whole(_)) = (&action.error_event, &answer.body) {
        answer = Answer::json(200, &serde_json::json!({"error": error}));
    }
    match (action.status, &action.body) {
        (Some(status), None) if status >= 400 && action.events.is_none() => {
            answer = Answer::json(status, &openai::scripted_error(provider, status));
        }
        (_, Some(Value::String(text))) => {
            let body = Body::Whole(text.clone().into_bytes());
            answer = Answer::new(200, "text/plain; charset=utf-8", body);
        }
        (_, Some(json)) => answer = Answer::json(200, json),
        (_, None) => {}
    }
    answer.status = action.status.unwrap_or(answer.status);
    if action.empty {
        answer.body = Body::Whole(Vec::new());
    }
    if let Some(content_type) = &action.content_type {
        answer.set_header("content-type", content_type);
    }
    for (name, value) in &action.headers {
        answer.set_header(name, value);
    }
    answer
}
