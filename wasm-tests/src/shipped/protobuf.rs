//! JSON as a serialised `google.protobuf.Struct`, which is what Envoy 1.40 gives a filter for its configuration.

use serde_json::Value;

/// The bytes of a `Struct` with these fields; of an empty one if `value` is no object.
pub fn struct_bytes(value: &Value) -> Vec<u8> {
    let fields = value.as_object().into_iter().flatten();
    let entry = |(name, value): (&String, &Value)| {
        let entry = [field(1, name.as_bytes()), field(2, &value_bytes(value))].concat();
        field(1, &entry)
    };
    fields.flat_map(entry).collect()
}

fn value_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => vec![0x08, 0],
        Value::Bool(flag) => vec![0x20, u8::from(*flag)],
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            [&[0x11][..], &number.to_le_bytes()].concat()
        }
        Value::String(text) => field(3, text.as_bytes()),
        Value::Object(_) => field(5, &struct_bytes(value)),
        Value::Array(items) => {
            let items: Vec<u8> = items
                .iter()
                .flat_map(|item| field(1, &value_bytes(item)))
                .collect();
            field(6, &items)
        }
    }
}

/// A field of bytes: tag, length, content.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}
