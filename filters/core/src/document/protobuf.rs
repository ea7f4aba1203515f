//! `google.protobuf.Struct` in its wire form, turned into JSON.
//!
//! The one message that the router reads: five kinds of value, so reading it takes less than a
//! protobuf library would. Wire format: <https://protobuf.dev/programming-guides/encoding/>.

use std::fmt::Write;

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;

/// A field of a message: its number and what it holds.
enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
}

/// The JSON of a serialised `Struct`; `None` where the bytes are not one.
pub(super) fn struct_to_json(bytes: &[u8]) -> Option<String> {
    let mut json = String::with_capacity(bytes.len());
    object(bytes, &mut json, 0)?;
    Some(json)
}

/// `Struct`: `map<string, Value> fields = 1`.
fn object(mut bytes: &[u8], json: &mut String, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    json.push('{');
    let mut first = true;
    while !bytes.is_empty() {
        let (1, Field::Bytes(mut entry)) = field(&mut bytes)? else {
            return None;
        };
        let (mut key, mut content): (&[u8], &[u8]) = (b"", b"");
        while !entry.is_empty() {
            match field(&mut entry)? {
                (1, Field::Bytes(bytes)) => key = bytes,
                (2, Field::Bytes(bytes)) => content = bytes,
                _ => return None,
            }
        }
        if !std::mem::replace(&mut first, false) {
            json.push(',');
        }
        string(key, json)?;
        json.push(':');
        value(content, json, depth)?;
    }
    json.push('}');
    Some(())
}

/// `Value`: one of null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6.
fn value(mut bytes: &[u8], json: &mut String, depth: usize) -> Option<()> {
    if bytes.is_empty() {
        json.push_str("null");
        return Some(());
    }
    match field(&mut bytes)? {
        (1, Field::Varint(_)) => json.push_str("null"),
        (2, Field::Fixed64(bytes)) => number(f64::from_le_bytes(bytes), json)?,
        (3, Field::Bytes(bytes)) => string(bytes, json)?,
        (4, Field::Varint(flag)) => json.push_str(if flag == 0 { "false" } else { "true" }),
        (5, Field::Bytes(bytes)) => object(bytes, json, depth.saturating_add(1))?,
        (6, Field::Bytes(bytes)) => list(bytes, json, depth.saturating_add(1))?,
        _ => return None,
    }
    bytes.is_empty().then_some(())
}

/// `ListValue`: `repeated Value values = 1`.
fn list(mut bytes: &[u8], json: &mut String, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    json.push('[');
    let mut first = true;
    while !bytes.is_empty() {
        let (1, Field::Bytes(element)) = field(&mut bytes)? else {
            return None;
        };
        if !std::mem::replace(&mut first, false) {
            json.push(',');
        }
        value(element, json, depth)?;
    }
    json.push(']');
    Some(())
}

/// Numbers are doubles; whole ones are written as integers, which is what most fields are.
fn number(number: f64, json: &mut String) -> Option<()> {
    if !number.is_finite() {
        return None;
    }
    // `{}` of a double never has an exponent, and no fraction where there is none.
    write!(json, "{number}").ok()
}

fn string(bytes: &[u8], json: &mut String) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = |byte: &u8| *byte >= b' ' && !matches!(byte, b'"' | b'\\');
    if bytes.iter().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(text).ok()?);
    }
    Some(())
}

/// Takes the next field off `bytes`.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(bytes)?;
    let field = match tag & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => {
            let (number, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Field::Fixed64(*number)
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Field::Bytes(content)
        }
        _ => return None,
    };
    Some((tag >> 3, field))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes. Lengths here stay below 2¹⁴: a varint of two bytes does.
    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let low = u8::try_from(content.len() & 0x7f).unwrap() | 0x80;
        let high = u8::try_from(content.len() >> 7).unwrap();
        [&[tag, low, high], content].concat()
    }

    fn entry(key: &str, value: &[u8]) -> Vec<u8> {
        let entry = [tagged(0x0a, key.as_bytes()), tagged(0x12, value)].concat();
        tagged(0x0a, &entry)
    }

    fn double(number: f64) -> Vec<u8> {
        [&[0x11][..], &number.to_le_bytes()].concat()
    }

    #[test]
    fn every_kind_of_value() {
        let list = [tagged(0x0a, &double(-1.5)), tagged(0x0a, &[0x08, 0x00])].concat();
        let bytes = [
            entry("a\"b", &tagged(0x1a, "é".as_bytes())),
            entry("n", &double(1_721_260_800.0)),
            entry("l", &tagged(0x32, &list)),
            entry("o", &tagged(0x2a, &entry("t", &[0x20, 0x01]))),
            entry("e", &tagged(0x2a, b"")),
        ]
        .concat();
        assert_eq!(
            struct_to_json(&bytes).unwrap(),
            r#"{"a\"b":"é","n":1721260800,"l":[-1.5,null],"o":{"t":true},"e":{}}"#
        );
        assert_eq!(struct_to_json(b"").unwrap(), "{}");
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = entry("key", &tagged(0x1a, b"value"));
        for end in 1..good.len() {
            assert_eq!(struct_to_json(&good[..end]), None, "{end}");
        }
        for text in [
            &b"{}"[..],
            b" {\"a\": 1}",
            b"\n{}",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(struct_to_json(text), None, "{text:?}");
        }
        assert_eq!(struct_to_json(&entry("n", &double(f64::NAN))), None);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            let inside = |bytes: Vec<u8>, _| entry("", &tagged(0x2a, &bytes));
            struct_to_json(&(0..levels).fold(Vec::new(), inside))
        };
        assert!(nested(MAX_DEPTH).is_some());
        assert_eq!(nested(MAX_DEPTH + 2), None);
    }
}
