//! What a prompt consists of: where its messages stand, what they weigh, and which of them go
//! together.

use std::cell::OnceCell;
use std::ops::Range;

use meshrouter_core::tokens::{Scales, Tally, Tokenizer};
use meshrouter_wire::json::{Kind, Scanner, Value};
use meshrouter_wire::request::{self, Visit};

use super::cut::MARKER;

/// Who speaks, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Role {
    System,
    User,
    Tool,
    #[default]
    Other,
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    /// Where it stands in the body.
    pub(super) span: Range<usize>,
    /// The unit that it belongs to.
    pub(super) unit: usize,
    role: Role,
}

/// A text in a message.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// Its message.
    pub(super) message: usize,
    /// The JSON string.
    pub(super) value: Value<'a>,
    /// What it weighs.
    pub(super) weight: u64,
    /// Whether it is JSON, once that was asked: texts are long.
    json: OnceCell<bool>,
}

impl Text<'_> {
    /// Whether it is an object, array or other value in JSON. A text that cannot be unescaped,
    /// because of half a surrogate pair, may be.
    fn is_json(&self) -> bool {
        *self.json.get_or_init(|| {
            let text = self.value.text();
            text.is_none_or(|text| Scanner::document(text.as_bytes()).is_ok())
        })
    }
}

/// Messages that stay or go together: one, or a tool call and its results.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// What its messages weigh.
    pub(super) weight: u64,
    /// How many they are.
    pub(super) messages: u64,
    /// Whether one of its messages must stay.
    pub(super) pinned: bool,
}

/// A prompt's measures, in the order of the text.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    scales: Scales<'a>,
    pub(super) messages: Vec<Message>,
    pub(super) texts: Vec<Text<'a>>,
    pub(super) units: Vec<Unit>,
    /// The unit of the first message that is not the system's.
    pub(super) first: Option<usize>,
    /// What weighs beside the messages: tools.
    pub(super) beside: u64,
    last_user: Option<usize>,
    reader: Reader,
}

/// What is known while the outline is made.
#[derive(Debug, Default)]
struct Reader {
    /// The current message's role.
    role: Role,
    /// Whether the current message calls tools.
    calls: bool,
    /// The unit that a tool's result belongs to.
    open: Option<usize>,
    /// Whether that unit has a result already.
    answered: bool,
    /// What weighed before the current message.
    before: u64,
}

impl<'a> Outline<'a> {
    /// Measures the prompt of `body`; `None` where it is no chat completion request.
    pub(super) fn of(body: &'a [u8], tokenizer: &'a Tokenizer) -> Option<Self> {
        let mut outline = Self {
            scales: Scales::new(tokenizer),
            messages: Vec::new(),
            texts: Vec::new(),
            units: Vec::new(),
            first: None,
            beside: 0,
            last_user: None,
            reader: Reader::default(),
        };
        request::prompt(body, &mut outline).ok()?;
        let units: u64 = outline.units.iter().map(|unit| unit.weight).sum();
        outline.beside = outline.weight().saturating_sub(units);
        // Only now is it known which user message is the last.
        let last = outline.last_user.and_then(|n| outline.messages.get(n));
        if let Some(unit) = last.and_then(|last| outline.units.get_mut(last.unit)) {
            unit.pinned = true;
        }
        Some(outline)
    }

    /// What the whole prompt weighs.
    pub(super) fn weight(&self) -> u64 {
        self.scales.weight()
    }

    /// What marks a cut weighs.
    pub(super) fn marker(&self) -> u64 {
        let mut scales = Scales::new(self.tokenizer());
        scales.text(MARKER.as_bytes());
        scales.weight()
    }

    /// The tokenizer by which it weighs.
    pub(super) fn tokenizer(&self) -> &'a Tokenizer {
        self.scales.tokenizer()
    }

    /// Whether `text` may be shortened: not what the system or the user asks for, and not a tool's
    /// result in JSON, which its reader could no longer parse.
    pub(super) fn may_cut(&self, text: &Text<'a>) -> bool {
        let Some(message) = self.messages.get(text.message) else {
            return false;
        };
        match message.role {
            Role::System => false,
            Role::User => self.last_user != Some(text.message),
            Role::Tool => !text.is_json(),
            Role::Other => true,
        }
    }

    /// The unit of the current message, which is made if need be.
    fn unit(&mut self) -> usize {
        let reader = &mut self.reader;
        let joined = match (reader.role, reader.calls) {
            // Results follow their calls. Were another message in between, they would still be the
            // last call's.
            (Role::Tool, _) => reader.open.inspect(|_| reader.answered = true),
            // Parallel calls may be spread over several messages, all before the first result.
            (_, true) => reader.open.filter(|_| !reader.answered),
            (_, false) => None,
        };
        if let Some(unit) = joined {
            return unit;
        }
        let unit = self.units.len();
        self.units.push(Unit::default());
        if reader.calls {
            reader.open = Some(unit);
            reader.answered = false;
        }
        unit
    }
}

impl<'a> Visit<'a> for Outline<'a> {
    type Tally = Scales<'a>;

    fn tally(&mut self) -> &mut Scales<'a> {
        &mut self.scales
    }

    fn begin(&mut self) {
        self.reader.before = self.weight();
    }

    fn member(&mut self, name: &[u8], value: Value<'a>) {
        match name {
            // A role given twice is the system's if either is: whichever the provider reads.
            b"role" if self.reader.role != Role::System => {
                self.reader.role = match &*value.text().unwrap_or_default() {
                    "system" | "developer" => Role::System,
                    "user" => Role::User,
                    "tool" | "function" => Role::Tool,
                    _ => Role::Other,
                };
            }
            b"tool_calls" => {
                let calls = value.inner().iter().any(|b| !b.is_ascii_whitespace());
                self.reader.calls |= value.kind == Kind::Array && calls;
            }
            // What calls were before they were `tool_calls`.
            b"function_call" => self.reader.calls |= value.kind == Kind::Object,
            _ => {}
        }
    }

    fn text(&mut self, text: Value<'a>) {
        let before = self.weight();
        self.scales.text(text.inner());
        self.texts.push(Text {
            message: self.messages.len(),
            value: text,
            weight: self.weight().saturating_sub(before),
            json: OnceCell::new(),
        });
    }

    fn message(&mut self, span: Range<usize>) {
        let number = self.unit();
        let weight = self.weight().saturating_sub(self.reader.before);
        let role = self.reader.role;
        if let Some(unit) = self.units.get_mut(number) {
            unit.weight = unit.weight.saturating_add(weight);
            unit.messages = unit.messages.saturating_add(1);
            unit.pinned |= role == Role::System;
        }
        if role == Role::User {
            self.last_user = Some(self.messages.len());
        }
        if role != Role::System {
            self.first.get_or_insert(number);
        }
        self.messages.push(Message {
            span,
            unit: number,
            role,
        });
        self.reader.role = Role::default();
        self.reader.calls = false;
    }
}
