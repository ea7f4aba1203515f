//! The shapes that an answer should have: JSON schemas on their way from `normalize` to `healing`.
//!
//! They cross as they stand in the request, apart from the facts: only the filter that repairs reads
//! them, and only once there is an answer.

use serde::Deserialize;
use serde_json::Value;

/// The most bytes of schemas that cross. What exceeds them is repaired without a schema.
pub const MAX_SHAPES: usize = 64 << 10;

/// What was asked of the answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Shapes {
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
    /// Reads what [`Writer`] wrote; `None` where it did not.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
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

    /// The property's bytes; `None` where no schema crosses.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        if self.answer.is_empty() && self.tools.is_empty() {
            return None;
        }
        let answer: &[u8] = match self.answer.is_empty() {
            true => b"null",
            false => &self.answer,
        };
        Some([b"{\"answer\":", answer, b",\"tools\":[", &self.tools, b"]}"].concat())
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
        let shapes = Shapes::decode(&writer.finish().unwrap()).unwrap();
        let answer = shapes.answer.unwrap();
        assert_eq!(
            (answer.schema, answer.strict),
            (json!({"type": "object"}), true)
        );
        let names: Vec<_> = shapes.tools.iter().map(|shape| &*shape.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(Writer::default().finish().is_none());
    }

    #[test]
    fn too_much_does_not_cross() {
        let mut writer = Writer::default();
        writer.answer(&b"1".repeat(MAX_SHAPES + 1), true);
        writer.tool(br#""a""#, &b"1".repeat(MAX_SHAPES / 2), false);
        writer.tool(br#""b""#, &b"1".repeat(MAX_SHAPES / 2), false);
        let shapes = writer.finish().unwrap();
        assert!(shapes.starts_with(br#"{"answer":null"#) && shapes.len() < MAX_SHAPES);
    }
}
