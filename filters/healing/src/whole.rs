//! Whole completions: the content of every choice, and the arguments of its tool calls.

use meshrouter_wire::completion::contents;
use meshrouter_wire::json::{Kind, Patch, Scanner, Value, literal};

use crate::repair::{Kinds, Repair, repair, repair_to};
use crate::report::{Report, Verdict};
use crate::schema::Schema;
use crate::stream::Roots;

/// What the answer to a request should look like.
#[derive(Debug)]
pub(crate) struct Wanted {
    content: bool,
    calls: bool,
    stream: bool,
    /// `None` where there is one that is not known.
    answer: Option<Schema>,
    tools: Vec<(String, Schema)>,
}

impl Wanted {
    /// Reads what `normalize` left ([`shapes`](meshrouter_core::shapes)); `None` where it did not.
    pub(crate) fn read(shapes: &[u8]) -> Option<Self> {
        let shapes = Scanner::document(shapes).ok()?;
        let repairs = shapes.member("repairs")?;
        let asks = |name: &str| repairs.member(name).is_some_and(|flag| flag.is_true());
        let answer = shapes
            .member("answer")
            .filter(|answer| answer.kind == Kind::Object);
        let tools = shapes.member("tools")?.elements().into_iter();
        Some(Self {
            content: asks("content"),
            calls: asks("calls"),
            stream: asks("stream"),
            answer: match asks("structured") {
                true => answer.and_then(compile),
                false => Some(Schema::object()),
            },
            tools: tools
                .filter_map(|tool| {
                    Some((tool.member("name")?.text()?.into_owned(), compile(tool)?))
                })
                .collect(),
        })
    }

    /// Whether the answer is a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.stream
    }

    /// What the answer may begin with.
    pub(crate) fn roots(&self) -> Roots {
        let (object, array) = self.answer.as_ref().map_or((true, true), Schema::roots);
        match object || array {
            true => Roots { object, array },
            // A scalar or a contradiction: nothing is known of what comes.
            false => Roots {
                object: true,
                array: true,
            },
        }
    }

    fn content(&self, text: &str) -> Repair {
        match &self.answer {
            Some(schema) => repair_to(text, schema),
            None => repair(text),
        }
    }

    fn arguments(&self, tool: &str, text: &str) -> Repair {
        match self.tools.iter().find(|(name, _)| name == tool) {
            Some((_, schema)) => repair_to(text, schema),
            None => repair_to(text, &Schema::object()),
        }
    }
}

/// The schema in what `normalize` wrote of a tool or of the answer.
fn compile(shape: Value<'_>) -> Option<Schema> {
    let strict = shape
        .member("strict")
        .is_some_and(|strict| strict.is_true());
    Some(Schema::compile(shape.member("schema")?, strict))
}

/// The completion with its texts repaired, `None` where it stays as it is, and what became of them.
pub(crate) fn heal(body: &[u8], wanted: &Wanted) -> (Option<Vec<u8>>, Report) {
    let mut report = Report::default();
    let mut patch = Patch::of(body);
    for content in contents(body).unwrap_or_default() {
        let cut = content.finish_reason.as_deref() == Some("length");
        let mut heal = |value: Value<'_>, repair: &dyn Fn(&str) -> Repair| {
            // What the token limit cut off is not there to be repaired.
            if cut {
                report.add(Verdict::Truncated, Kinds::default());
            } else if let Some(json) = value.text().and_then(|text| report.take(repair(&text))) {
                patch.replace(value.start..value.end(), literal(&json));
            }
        };
        if let Some(text) = content.text.filter(|_| wanted.content) {
            heal(text, &|text| wanted.content(text));
        }
        for call in content.calls.iter().filter(|_| wanted.calls) {
            // A function without parameters needs no arguments.
            if !call.arguments.inner().is_empty() {
                heal(call.arguments, &|text| wanted.arguments(&call.name, text));
            }
        }
    }
    let healed = (!patch.is_empty()).then(|| patch.finish()).flatten();
    (healed, report)
}
