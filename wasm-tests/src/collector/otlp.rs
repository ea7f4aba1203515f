//! `ExportTraceServiceRequest` from its wire form, as far as tests look at it.
//!
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>.

use std::collections::BTreeMap;

/// The kind of a span that answers a request.
pub const SERVER: u64 = 2;
/// The kind of a span that makes one.
pub const CLIENT: u64 = 3;

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The trace's id, in hexadecimal digits like the next two.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of the span above; empty for a trace's first.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// When it began, in nanoseconds since the epoch.
    pub start: u64,
    /// What it is to the one above.
    pub kind: u64,
    /// The attributes that are strings, by name.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute, if the span has it.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The spans of a request; `None` where it is not one.
pub(super) fn spans(request: &[u8]) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    // Resources, their scopes, the spans of these.
    for resource in messages(&fields(request)?, 1) {
        for scope in messages(&fields(resource)?, 2) {
            for span in messages(&fields(scope)?, 2) {
                spans.push(self::span(span)?);
            }
        }
    }
    Some(spans)
}

fn span(bytes: &[u8]) -> Option<Span> {
    let mut span = Span::default();
    for field in fields(bytes)? {
        match field {
            (1, Field::Bytes(bytes)) => span.trace = hex(bytes),
            (2, Field::Bytes(bytes)) => span.id = hex(bytes),
            (4, Field::Bytes(bytes)) => span.parent = hex(bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes)?,
            (6, Field::Number(number)) => span.kind = number,
            (7, Field::Bytes(bytes)) => span.start = u64::from_le_bytes(bytes.try_into().ok()?),
            (9, Field::Bytes(bytes)) => span.attributes.extend(attribute(bytes)?),
            _ => {}
        }
    }
    Some(span)
}

/// A name, and a value where that is a string.
fn attribute(bytes: &[u8]) -> Option<Option<(String, String)>> {
    let attribute = fields(bytes)?;
    let name = text(messages(&attribute, 1).next()?)?;
    let value = fields(messages(&attribute, 2).next()?)?;
    let string = messages(&value, 1).next();
    Some(string.and_then(text).map(|value| (name, value)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

/// What a field holds.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of this number that hold bytes.
fn messages<'a>(fields: &[(u64, Field<'a>)], number: u64) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter_map(move |(found, field)| match field {
        Field::Bytes(bytes) if *found == number => Some(*bytes),
        _ => None,
    })
}

fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)?),
            1 => Field::Bytes(bytes.split_off(..8)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Field::Bytes(bytes.split_off(..length)?)
            }
            5 => Field::Bytes(bytes.split_off(..4)?),
            _ => return None,
        };
        fields.push((key >> 3, field));
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
