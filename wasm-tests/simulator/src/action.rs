//! One scripted action: what a provider does with one request. Parsing refuses what it does not know.

use std::time::Duration;

use serde_json::{Map, Value};

/// Where in an answer something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Instead of any answer.
    BeforeHeaders,
    /// After the headers and this many events.
    AfterEvents(usize),
}

/// What happens to the usage of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Usage {
    /// The words counted.
    #[default]
    Counted,
    /// None is reported.
    Absent,
    /// Exactly this.
    Given(Value),
}

/// What a provider does with one request; the default is a plain answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Action {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) content_type: Option<String>,
    pub(crate) empty: bool,
    pub(crate) delay: Duration,
    pub(crate) reset: Option<Moment>,
    pub(crate) cut: Option<usize>,
    pub(crate) error_event: Option<(usize, Value)>,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) comments: usize,
    pub(crate) chunk_bytes: Option<usize>,
    pub(crate) chunk_delay: Duration,
    pub(crate) hold_after_headers: Duration,
    pub(crate) hold_after_first: Duration,
    pub(crate) content: Option<String>,
    pub(crate) message: Map<String, Value>,
    pub(crate) finish_reason: Option<Value>,
    pub(crate) usage: Usage,
}

impl Action {
    /// The action that `value` describes, or which part of it is wrong. `path` is where it stands.
    pub(crate) fn parse(value: &Value, path: &str) -> Result<Self, String> {
        let fields = object(value).map_err(|wanted| format!("{path} must be {wanted}"))?;
        let mut action = Self::default();
        for (name, value) in fields {
            action.set(name, value).map_err(|wanted| match wanted {
                Fault::Unknown => format!("{path}.{name} is not a field of an action"),
                Fault::Wanted(wanted) => format!("{path}.{name} must be {wanted}"),
            })?;
        }
        Ok(action)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), Fault> {
        match name {
            "status" => self.status = Some(status(value)?),
            "headers" => self.headers = headers(value)?,
            "body" => self.body = Some(value.clone()),
            "content_type" => self.content_type = Some(string(value)?),
            "empty" => self.empty = value.as_bool().ok_or("a boolean")?,
            "delay_ms" => self.delay = millis(value)?,
            "reset" => self.reset = Some(reset(value)?),
            "cut" => self.cut = Some(after_events(value).ok_or("{\"after_events\": n}")?),
            "error_event" => self.error_event = Some(error_event(value)?),
            "events" => self.events = Some(strings(value)?),
            "comments" => self.comments = count(value)?,
            "chunk_bytes" => self.chunk_bytes = Some(positive(value)?),
            "chunk_delay_ms" => self.chunk_delay = millis(value)?,
            "hold_ms_after_headers" => self.hold_after_headers = millis(value)?,
            "hold_ms_after_first" => self.hold_after_first = millis(value)?,
            "content" => self.content = Some(string(value)?),
            "message" => self.message = object(value)?.clone(),
            "finish_reason" if value.is_string() || value.is_null() => {
                self.finish_reason = Some(value.clone());
            }
            "finish_reason" => return Err(Fault::Wanted("a string or null")),
            "usage" => self.usage = usage(value)?,
            _ => return Err(Fault::Unknown),
        }
        Ok(())
    }
}

/// Why a field was refused.
enum Fault {
    Unknown,
    Wanted(&'static str),
}

impl From<&'static str> for Fault {
    fn from(wanted: &'static str) -> Self {
        Self::Wanted(wanted)
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, &'static str> {
    value.as_object().ok_or("an object")
}

fn string(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("a string")
}

fn strings(value: &Value) -> Result<Vec<String>, &'static str> {
    let items = value.as_array().ok_or("a list of strings")?;
    items
        .iter()
        .map(|item| string(item).map_err(|_| "a list of strings"))
        .collect()
}

fn count(value: &Value) -> Result<usize, &'static str> {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .ok_or("an integer from 0")
}

fn positive(value: &Value) -> Result<usize, &'static str> {
    count(value)
        .ok()
        .filter(|number| *number > 0)
        .ok_or("an integer from 1")
}

fn millis(value: &Value) -> Result<Duration, &'static str> {
    value
        .as_u64()
        .map(Duration::from_millis)
        .ok_or("milliseconds, an integer from 0")
}

fn status(value: &Value) -> Result<u16, &'static str> {
    value
        .as_u64()
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| (200..600).contains(number))
        .ok_or("an integer from 200 to 599")
}

fn headers(value: &Value) -> Result<Vec<(String, String)>, &'static str> {
    object(value)?
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(number) => Ok((name.clone(), number.to_string())),
            _ => Err("an object of strings"),
        })
        .collect()
}

/// The `n` of `{"after_events": n}`, which must stand alone.
fn after_events(value: &Value) -> Option<usize> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    count(fields.get("after_events")?).ok()
}

fn reset(value: &Value) -> Result<Moment, &'static str> {
    match value.as_str() {
        Some("before_headers") => Ok(Moment::BeforeHeaders),
        Some("after_headers") => Ok(Moment::AfterEvents(0)),
        _ => after_events(value)
            .map(Moment::AfterEvents)
            .ok_or("\"before_headers\", \"after_headers\" or {\"after_events\": n}"),
    }
}

fn error_event(value: &Value) -> Result<(usize, Value), &'static str> {
    const WANTED: &str = "{\"at\": n, \"error\": {…}}";
    let fields = value.as_object().filter(|fields| fields.len() == 2);
    let field = |name| fields.and_then(|fields| fields.get(name)).ok_or(WANTED);
    let at = count(field("at")?).map_err(|_| WANTED)?;
    Ok((at, field("error")?.clone()))
}

fn usage(value: &Value) -> Result<Usage, &'static str> {
    match value {
        Value::Bool(false) => Ok(Usage::Absent),
        Value::Object(_) => Ok(Usage::Given(value.clone())),
        _ => Err("false or an object"),
    }
}
