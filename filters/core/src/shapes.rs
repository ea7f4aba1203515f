//! The shapes that an answer should have, on their way from `normalize` to `healing`.
//!
//! Schemas cross as they stand in the request, apart from the facts: only the filter that repairs reads
//! them, and only once there is an answer.

use serde::Serialize;

/// The most bytes of schemas that cross. What exceeds them is repaired without a schema.
pub const MAX_SHAPES: usize = 64 << 10;

/// What is to be repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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

/// Writes what is to be repaired and the schemas, without a parse: they are JSON already.
///
/// `{"repairs": {…}, "answer": {"schema", "strict"}, "tools": [{"name", "schema", "strict"}, …]}`, where `answer` may be
/// null.
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
    use serde_json::{Value, json};

    #[test]
    fn schemas_cross_as_they_stand() {
        let mut writer = Writer::default();
        writer.answer(br#"{"type": "object"}"#, true);
        writer.tool(br#""a""#, b"{}", false);
        writer.tool(br#""b""#, b"true", true);
        let repairs = Repairs {
            content: true,
            ..Repairs::default()
        };
        let shapes: Value = serde_json::from_slice(&writer.finish(repairs)).unwrap();
        assert_eq!(
            shapes,
            json!({
                "repairs": {"content": true, "calls": false, "stream": false, "structured": false},
                "answer": {"name": "", "schema": {"type": "object"}, "strict": true},
                "tools": [
                    {"name": "a", "schema": {}, "strict": false},
                    {"name": "b", "schema": true, "strict": true},
                ],
            })
        );
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
        let shapes: Value = serde_json::from_slice(&shapes).unwrap();
        assert!(shapes["answer"].is_null() && shapes["tools"].as_array().unwrap().len() == 1);
    }
}
