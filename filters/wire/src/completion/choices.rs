//! The choices of a completion: how they ended, and their reasoning under each of its names.

use std::borrow::Cow;
use std::ops::Range;

use super::{Edit, string};
use crate::json::{JsonError, Kind, Scanner, Value, literal, push_literal};

/// The names under which providers and callers know the reasoning's text.
const TEXTS: [&str; 2] = ["reasoning", "reasoning_content"];

/// What is to be changed in the choices of one completion.
#[derive(Debug, Clone, Default)]
pub(super) struct Choices {
    count: usize,
    present: bool,
    /// Some choice has its last word.
    pub(super) finished: bool,
    /// Some choice says something: a word, a thought, a tool call.
    pub(super) speaks: bool,
    changes: Vec<Change>,
}

/// One change: what is to stand at a range, and for which callers.
#[derive(Debug, Clone)]
struct Change {
    range: Range<usize>,
    with: Vec<u8>,
    callers: Callers,
}

/// Callers differ in whether they want to see the reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Callers {
    All,
    WithReasoning,
    WithoutReasoning,
}

impl Choices {
    /// Whether there is a list of choices: embeddings have none.
    pub(super) fn are_present(&self) -> bool {
        self.present
    }

    /// Whether nothing is to be changed in them, whatever their texts say, and none is finished.
    pub(super) fn are_canonical(&self) -> bool {
        self.changes.is_empty() && !self.finished
    }

    /// Whether there is a list of choices, and nothing in it.
    pub(super) fn are_empty(&self) -> bool {
        self.present && self.count == 0
    }

    /// Adds the changes to the edits of the text that was read.
    pub(super) fn canonicalise<'a>(&'a self, edits: &mut Vec<Edit<'a>>, exclude_reasoning: bool) {
        let others = match exclude_reasoning {
            true => Callers::WithReasoning,
            false => Callers::WithoutReasoning,
        };
        let changes = self.changes.iter();
        let changes = changes.filter(|change| change.callers != others);
        edits.extend(changes.map(|change| (change.range.clone(), Cow::Borrowed(&*change.with))));
    }

    fn replace(&mut self, callers: Callers, value: Value<'_>, with: &[u8]) {
        self.changes.push(Change {
            range: value.start..value.end(),
            with: with.to_vec(),
            callers,
        });
    }

    /// Adds members to an object that is not empty and opens at `open`. Each ends in a comma.
    fn insert(&mut self, callers: Callers, open: usize, members: Vec<u8>) {
        let at = open.saturating_add(1);
        self.changes.push(Change {
            range: at..at,
            with: members,
            callers,
        });
    }
}

/// Reads the array that comes next. `free` is told where strings stand that may say anything.
pub(super) fn read(
    scanner: &mut Scanner<'_>,
    free: &mut Vec<Range<usize>>,
) -> Result<Choices, JsonError> {
    let mut choices = Choices {
        present: true,
        ..Choices::default()
    };
    let mut array = scanner.enter()?;
    while scanner.element(&mut array)? {
        choices.count = choices.count.saturating_add(1);
        if scanner.peek()? == Kind::Object {
            choice(scanner, &mut choices, free)?;
        } else {
            scanner.value()?;
        }
    }
    Ok(choices)
}

fn choice(
    scanner: &mut Scanner<'_>,
    choices: &mut Choices,
    free: &mut Vec<Range<usize>>,
) -> Result<(), JsonError> {
    let open = scanner.offset();
    let mut choice = scanner.enter()?;
    let (mut reason, mut has_native) = (None, false);
    while let Some(member) = scanner.member(&mut choice)? {
        match &*member.name {
            b"message" | b"delta" if scanner.peek()? == Kind::Object => {
                message(scanner, choices, free)?;
            }
            b"finish_reason" => reason = Some(scanner.value()?),
            name => {
                has_native |= name == b"native_finish_reason";
                let value = scanner.value()?;
                if name == b"text" {
                    choices.speaks |= is_something(value);
                    free.extend(string(value));
                }
            }
        }
    }
    let Some(reason) = reason else {
        return Ok(());
    };
    let Some(native) = reason.text() else {
        return Ok(());
    };
    let canonical = finish_reason(&native);
    choices.finished |= canonical.is_some();
    if canonical.map(str::as_bytes) != Some(reason.inner()) {
        let canonical = canonical.map_or_else(|| "null".to_owned(), literal);
        choices.replace(Callers::All, reason, canonical.as_bytes());
    }
    if !has_native {
        // The object is not empty: the reason is in it.
        let member = [br#""native_finish_reason":"#, reason.raw, b","].concat();
        choices.insert(Callers::All, open, member);
    }
    Ok(())
}

/// The canonical name of a provider's reason to end; `None` for the empty one, which is no end.
pub(super) fn finish_reason(native: &str) -> Option<&'static str> {
    let is_lower = !native.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = match is_lower {
        true => Cow::Borrowed(native),
        false => Cow::Owned(native.to_ascii_lowercase()),
    };
    let reason = match &*lower {
        "" => return None,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" | "incomplete" => "length",
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => "tool_calls",
        "content_filter" | "content_filtered" | "safety" | "recitation" | "refusal"
        | "blocklist" | "prohibited_content" | "spii" | "sensitive" => "content_filter",
        "error" | "failed" | "network_error" => "error",
        // `stop`, `end_turn`, `stop_sequence`, `eos`, … and whatever comes to be called so.
        _ => "stop",
    };
    Some(reason)
}

/// A message or a delta: gives its reasoning all names.
fn message(
    scanner: &mut Scanner<'_>,
    choices: &mut Choices,
    free: &mut Vec<Range<usize>>,
) -> Result<(), JsonError> {
    let open = scanner.offset();
    let mut message = scanner.enter()?;
    let mut texts: [Option<Value<'_>>; 2] = [None; 2];
    let mut details = None;
    while let Some(member) = scanner.member(&mut message)? {
        let value = scanner.value()?;
        choices.speaks |= *member.name != *b"role" && is_something(value);
        if *member.name == *b"content" {
            free.extend(string(value));
        }
        if *member.name == *b"reasoning_details" {
            details = Some(value);
        }
        for (name, text) in TEXTS.iter().zip(&mut texts) {
            if *member.name == *name.as_bytes() {
                *text = Some(value);
            }
        }
    }
    for value in texts.into_iter().chain([details]).flatten() {
        choices.replace(Callers::WithoutReasoning, value, b"null");
    }
    let Some(text) = text(texts, details) else {
        return Ok(());
    };
    let mut members = Vec::new();
    for (name, value) in TEXTS.iter().zip(texts) {
        match value {
            None => add(&mut members, name, &text),
            Some(value) if value.kind == Kind::Null => {
                choices.replace(Callers::WithReasoning, value, &text);
            }
            Some(_) => {}
        }
    }
    if details.is_none() {
        let detail = [
            br#"[{"type":"reasoning.text","text":"#,
            text.as_slice(),
            b"}]",
        ]
        .concat();
        add(&mut members, "reasoning_details", &detail);
    }
    if !members.is_empty() {
        choices.insert(Callers::WithReasoning, open, members);
    }
    Ok(())
}

/// Whether a member of a message says anything: providers begin with empty ones.
fn is_something(value: Value<'_>) -> bool {
    value.kind != Kind::Null && !matches!(value.raw, b"\"\"" | b"[]" | b"{}")
}

fn add(members: &mut Vec<u8>, name: &str, value: &[u8]) {
    push_literal(members, name);
    members.push(b':');
    members.extend_from_slice(value);
    members.push(b',');
}

/// The reasoning's text as JSON, wherever the provider put it.
fn text(texts: [Option<Value<'_>>; 2], details: Option<Value<'_>>) -> Option<Vec<u8>> {
    let mut said = texts.into_iter().flatten();
    if let Some(text) = said.find(|value| value.kind == Kind::String) {
        return Some(text.raw.to_vec());
    }
    text_of(details?).map(|text| literal(&text).into_bytes())
}

/// The text in `reasoning_details`: that of its `text` and `summary` entries.
fn text_of(details: Value<'_>) -> Option<String> {
    let entries: serde_json::Value = serde_json::from_slice(details.raw).ok()?;
    let texts = entries.as_array()?.iter().filter_map(|entry| {
        ["text", "summary"]
            .into_iter()
            .find_map(|name| entry.get(name)?.as_str())
    });
    let text: String = texts.collect();
    (!text.is_empty()).then_some(text)
}
