//! The shapes that an answer should have, on their way from `normalize` to `healing`.
//!
//! Schemas cross as they stand in the request, apart from the facts: only the filter that repairs reads
//! them, and only once there is an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most bytes of schemas that cross. What exceeds them is repaired without a schema.
pub const MAX_SHAPES: usize = 64 << 10;

/// What is to be repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// The content of every choice.
    pub content: bool,
    /// The arguments of tool calls; not in streams.
    pub calls: bool,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Whether the content must follow a schema; else it is an object.
    pub structured: bool,
}

/// What was asked of the answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Shapes {
    /// What is to be repaired.
    pub repairs: Repairs,
    /// Of the answer itself; `None` where there is none, or a larger one than crosses.
    pub answer: Option<Shape>,
    /// Of the arguments of each tool that has any.
    pub tools: Vec<Shape>,
}

/// One schema.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Shape {
    /// The tool; empty for the answer's own.
    pub name: String,
    /// The JSON schema.
    pub schema: Value,
    /// Whether the request says `strict`.
    pub strict: bool,
}

impl Shapes {
    /// Reads what [`Writer`] wrote; `None` where it did not. Schemas that cannot be read, because of a
    /// number that is too large or because they are too deep, count as none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Rest {
            repairs: Repairs,
        }
        let all = serde_json::from_slice(bytes).ok();
        all.or_else(|| {
            let Rest { repairs } = serde_json::from_slice(bytes).ok()?;
            Some(Self {
                repairs,
                ..Self::default()
            })
        })
    }
}

/// Writes [`Shapes`] without a parse: schemas are JSON already.
#[derive(Debug, Default)]
pub struct Writer {
    answer: Vec<u8>,
    tools: Vec<u8>,
}

impl Writer {
    /// The answer's own schema.
    pub fn answer(&mut self, schema: &[u8], strict: bool) {
        if self.answer.is_empty() && self.fits(schema, b"") {
            self.answer = shape(b"\"\"", schema, strict);
        }
    }

    /// A tool's schema; `name` is a JSON string with its quotes.
    pub fn tool(&mut self, name: &[u8], schema: &[u8], strict: bool) {
        if !self.fits(schema, name) {
            return;
        }
        if !self.tools.is_empty() {
            self.tools.push(b',');
        }
        self.tools.extend(shape(name, schema, strict));
    }

    fn fits(&self, schema: &[u8], name: &[u8]) -> bool {
        let sizes = [&self.answer, &self.tools].map(Vec::len);
        let size = sizes.into_iter().chain([schema.len(), name.len()]);
        size.fold(0, usize::saturating_add) <= MAX_SHAPES
    }

    /// The property's bytes.
    #[must_use]
    pub fn finish(self, repairs: Repairs) -> Vec<u8> {
        // Booleans: serialisation cannot fail.
        let repairs = serde_json::to_vec(&repairs).unwrap_or_default();
        let answer: &[u8] = match self.answer.is_empty() {
            true => b"null",
            false => &self.answer,
        };
        [
            b"{\"repairs\":",
            &*repairs,
            b",\"answer\":",
            answer,
            b",\"tools\":[",
            &self.tools,
            b"]}",
        ]
        .concat()
    }
}

fn shape(name: &[u8], schema: &[u8], strict: bool) -> Vec<u8> {
    let strict = strict.to_string();
    [
        b"{\"name\":",
        name,
        b",\"schema\":",
        schema,
        b",\"strict\":",
        strict.as_bytes(),
        b"}",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.answer(br#"{"type": "object"}"#, true);
        writer.tool(br#""a""#, b"{}", false);
        writer.tool(br#""b""#, b"true", true);
        let repairs = Repairs {
            content: true,
            ..Repairs::default()
        };
        let shapes = Shapes::decode(&writer.finish(repairs)).unwrap();
        assert_eq!(shapes.repairs, repairs);
        let answer = shapes.answer.unwrap();
        assert_eq!(
            (answer.schema, answer.strict),
            (json!({"type": "object"}), true)
        );
        let names: Vec<_> = shapes.tools.iter().map(|shape| &*shape.name).collect();
        assert_eq!(names, ["a", "b"]);
        let nothing = Writer::default().finish(Repairs::default());
        assert_eq!(Shapes::decode(&nothing), Some(Shapes::default()));
    }

    #[test]
    fn schemas_that_cannot_be_read_are_none() {
        let mut writer = Writer::default();
        writer.answer(br#"{"maximum": 1e999}"#, true);
        let shapes = Shapes::decode(&writer.finish(Repairs::default()));
        assert_eq!(shapes, Some(Shapes::default()));
        assert!(Shapes::decode(b"{}").is_none());
    }

    #[test]
    fn too_much_does_not_cross() {
        let mut writer = Writer::default();
        let schema = |size: usize| [b"true", &*b" ".repeat(size - 4)].concat();
        writer.answer(&schema(MAX_SHAPES + 1), true);
        writer.tool(br#""a""#, &schema(MAX_SHAPES / 2), false);
        writer.tool(br#""b""#, &schema(MAX_SHAPES / 2), false);
        let shapes = writer.finish(Repairs::default());
        assert!(shapes.len() < MAX_SHAPES);
        let shapes = Shapes::decode(&shapes).unwrap();
        assert!(shapes.answer.is_none() && shapes.tools.len() == 1);
    }
}
