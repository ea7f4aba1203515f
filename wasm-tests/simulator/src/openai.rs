//! OpenAI-shaped bodies: completions, chunks, errors, models, embeddings.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::action::{Action, Usage};

/// A chat completion as it was asked for.
pub(crate) struct Chat<'a> {
    pub(crate) request: &'a Value,
    pub(crate) provider: &'a str,
    pub(crate) action: &'a Action,
    /// The how-manieth answer of this provider it is.
    pub(crate) number: usize,
    pub(crate) form: Form,
}

/// The two forms of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of `messages`.
    Chat,
    /// Of a `prompt`: choices have a `text`.
    Legacy,
}

impl Chat<'_> {
    /// True if the answer is to be a stream.
    pub(crate) fn streams(&self) -> bool {
        self.request.get("stream") == Some(&Value::Bool(true))
    }

    /// The answer as one object.
    pub(crate) fn completion(&self) -> Value {
        let mut message = Map::from_iter([
            ("role".to_owned(), json!("assistant")),
            ("content".to_owned(), json!(self.content())),
            ("refusal".to_owned(), Value::Null),
        ]);
        message.extend(self.action.message.clone());
        let choice = |index| json!({"index": index, "message": message, "logprobs": null, "finish_reason": self.finish_reason()});
        let choices: Vec<Value> = (0..self.choices()).map(choice).collect();
        let mut completion = self.envelope("chat.completion", choices);
        if let (Some(usage), Some(fields)) = (self.usage(), completion.as_object_mut()) {
            fields.insert("usage".to_owned(), usage);
        }
        completion
    }

    /// The answer as chunks, and how many of them come before the second with content.
    pub(crate) fn chunks(&self) -> (Vec<Value>, usize) {
        let mut chunks = Vec::new();
        let mut all_choices = |delta: Value, finish_reason: Value| {
            for index in 0..self.choices() {
                let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
                chunks.push(self.envelope("chat.completion.chunk", vec![choice]));
            }
        };
        all_choices(
            json!({"role": "assistant", "content": "", "refusal": null}),
            Value::Null,
        );
        let mut before_content = self.choices();
        if let Some(delta) = self.scripted_delta() {
            all_choices(delta, Value::Null);
            before_content += self.choices();
        }
        for word in self.content().split_inclusive(char::is_whitespace) {
            all_choices(json!({"content": word}), Value::Null);
        }
        all_choices(json!({}), self.finish_reason());
        if let Some(usage) = self.usage().filter(|_| self.wants_usage()) {
            let mut last = self.envelope("chat.completion.chunk", Vec::new());
            if let Some(fields) = last.as_object_mut() {
                fields.insert("usage".to_owned(), usage);
            }
            chunks.push(last);
        }
        (chunks, before_content + 1)
    }

    fn envelope(&self, object: &str, mut choices: Vec<Value>) -> Value {
        let object = match self.form {
            Form::Chat => object,
            Form::Legacy => {
                choices.iter_mut().for_each(tell_as_text);
                "text_completion"
            }
        };
        json!({
            "id": format!("chatcmpl-{}-{}", self.provider, self.number),
            "object": object,
            "created": now(),
            "model": self.request.get("model"),
            "system_fingerprint": "fp_sim",
            "choices": choices,
        })
    }

    /// What the model says: scripted, or a greeting with the start of the last thing it was told.
    fn content(&self) -> String {
        if let Some(scripted) = self.action.message.get("content") {
            return scripted.as_str().unwrap_or_default().to_owned();
        }
        if let Some(scripted) = &self.action.content {
            return scripted.clone();
        }
        let said: String = self.last_user_text().chars().take(200).collect();
        format!("Hello from {}. You said: {said}", self.provider)
    }

    /// The scripted message's other fields as a delta; tool calls get the index that streaming needs.
    fn scripted_delta(&self) -> Option<Value> {
        let mut delta = self.action.message.clone();
        delta.retain(|name, _| name != "content" && name != "role");
        if let Some(Value::Array(calls)) = delta.get_mut("tool_calls") {
            for (index, call) in calls.iter_mut().enumerate() {
                if let Some(call) = call.as_object_mut() {
                    call.entry("index").or_insert(json!(index));
                }
            }
        }
        (!delta.is_empty()).then_some(Value::Object(delta))
    }

    fn finish_reason(&self) -> Value {
        self.action.finish_reason.clone().unwrap_or(json!("stop"))
    }

    fn choices(&self) -> usize {
        let asked = self.request.get("n").and_then(Value::as_u64).unwrap_or(1);
        usize::try_from(asked).unwrap_or(1).clamp(1, 128)
    }

    fn wants_usage(&self) -> bool {
        self.request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true))
    }

    fn usage(&self) -> Option<Value> {
        match &self.action.usage {
            Usage::Absent => None,
            Usage::Given(usage) => Some(usage.clone()),
            Usage::Counted => Some(self.counted_usage()),
        }
    }

    fn counted_usage(&self) -> Value {
        let prompt: usize = self.messages().map(|message| words(&text(message))).sum();
        let completion = words(&self.content()) * self.choices();
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        })
    }

    fn messages(&self) -> impl DoubleEndedIterator<Item = &Value> {
        let messages = self.request.get("messages").and_then(Value::as_array);
        messages.into_iter().flatten()
    }

    fn last_user_text(&self) -> String {
        let user = |message: &&Value| message.get("role") == Some(&json!("user"));
        self.messages()
            .rev()
            .find(user)
            .map(text)
            .unwrap_or_default()
    }
}

/// Turns a choice's message or delta into a text.
fn tell_as_text(choice: &mut Value) {
    let Some(choice) = choice.as_object_mut() else {
        return;
    };
    let said = choice.remove("message").or_else(|| choice.remove("delta"));
    let text = said.as_ref().and_then(|said| said.get("content"));
    choice.insert(
        "text".to_owned(),
        text.cloned().unwrap_or_else(|| json!("")),
    );
}

/// A request for a completion of a `prompt`, as one for a chat; nothing if it has no text.
pub(crate) fn chat_of_prompt(request: &Value) -> Option<Value> {
    let prompt = request.get("prompt")?;
    let text = prompt.as_str().or_else(|| prompt.get(0)?.as_str())?;
    let mut chat = request.clone();
    let messages = json!([{"role": "user", "content": text}]);
    chat.as_object_mut()?
        .insert("messages".to_owned(), messages);
    Some(chat)
}

/// What a request for a chat completion lacks.
pub(crate) fn missing(request: &Value) -> Option<&'static str> {
    let model = request.get("model").and_then(Value::as_str);
    let messages = request.get("messages").and_then(Value::as_array);
    if model.is_none_or(str::is_empty) {
        return Some("model");
    }
    messages.is_none_or(Vec::is_empty).then_some("messages")
}

/// An error body.
pub(crate) fn error(message: &str, kind: &str, code: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// The error body of a status that a script asked for.
pub(crate) fn scripted_error(provider: &str, status: u16) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", "invalid_api_key"),
        429 => ("requests", "rate_limit_exceeded"),
        400..500 => ("invalid_request_error", "bad_request"),
        _ => ("server_error", "server_error"),
    };
    error(
        &format!("{provider} was told to answer {status}"),
        kind,
        code,
    )
}

/// The list of models.
pub(crate) fn models(provider: &str) -> Value {
    let model = json!({"id": format!("{provider}-model"), "object": "model", "created": 0, "owned_by": provider});
    json!({"object": "list", "data": [model]})
}

/// One small fixed vector for each input.
pub(crate) fn embeddings(request: &Value) -> Value {
    let inputs = match request.get("input") {
        Some(Value::Array(inputs)) => inputs.clone(),
        Some(input) => vec![input.clone()],
        None => Vec::new(),
    };
    let tokens: usize = inputs
        .iter()
        .map(|input| words(input.as_str().unwrap_or_default()))
        .sum();
    let vector =
        |index| json!({"object": "embedding", "index": index, "embedding": [0.0, 0.25, 0.5]});
    let data: Vec<Value> = (0..inputs.len()).map(vector).collect();
    json!({"object": "list", "data": data, "model": request.get("model"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
}

/// The text of a message: its content, or the text parts of it.
fn text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
