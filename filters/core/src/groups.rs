//! The plan as Envoy's router reads it in the native shape: which cluster each attempt goes to.
//!
//! The cluster specifier `priority_group` takes a list of groups from dynamic metadata, where
//! `header_to_metadata` puts it: a `google.protobuf.Value` in Base64. The n-th attempt goes to the n-th
//! group; each of ours has one cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The field numbers of `google.protobuf.Value`, `ListValue`, `Struct` and its map's entries.
const STRING_VALUE: u8 = 3;
const STRUCT_VALUE: u8 = 5;
const LIST_VALUE: u8 = 6;
const LIST_VALUES: u8 = 1;
const STRUCT_FIELDS: u8 = 1;
const ENTRY_KEY: u8 = 1;
const ENTRY_VALUE: u8 = 2;

/// A `Value` that is the number 1: tag of `number_value`, then a double.
const ONE: &[u8] = &[0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];

/// The header's text for attempts at these clusters, one after the other.
#[must_use]
pub fn encode<'a>(clusters: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = Vec::with_capacity(512);
    for (n, cluster) in clusters.into_iter().enumerate() {
        field(&mut list, LIST_VALUES, &group(n, cluster));
    }
    text(&list)
}

/// The header's text with those groups only whose number, from 0, is wanted; `None` where it is not ours.
#[must_use]
pub fn retain(header: &[u8], wanted: impl Fn(usize) -> bool) -> Option<String> {
    let bytes = STANDARD.decode(header).ok()?;
    let (list, rest) = take(&bytes, LIST_VALUE)?;
    let (mut left, mut kept, mut n) = (list, Vec::with_capacity(list.len()), 0_usize);
    while !left.is_empty() {
        let (group, rest) = take(left, LIST_VALUES)?;
        if wanted(n) {
            field(&mut kept, LIST_VALUES, group);
        }
        (left, n) = (rest, n.saturating_add(1));
    }
    rest.is_empty().then(|| text(&kept))
}

fn text(list: &[u8]) -> String {
    let mut value = Vec::with_capacity(list.len().saturating_add(4));
    field(&mut value, LIST_VALUE, list);
    STANDARD.encode(value)
}

/// The `Value` `{name: "<n>", clusters: [{cluster_name: <cluster>, weight: 1}]}`.
fn group(n: usize, cluster: &str) -> Vec<u8> {
    let mut target = Vec::with_capacity(64);
    entry(&mut target, "cluster_name", &string(cluster));
    entry(&mut target, "weight", ONE);
    let mut list = Vec::with_capacity(64);
    field(&mut list, LIST_VALUES, &wrapped(STRUCT_VALUE, &target));
    let mut group = Vec::with_capacity(96);
    entry(&mut group, "name", &string(&n.to_string()));
    entry(&mut group, "clusters", &wrapped(LIST_VALUE, &list));
    wrapped(STRUCT_VALUE, &group)
}

fn string(text: &str) -> Vec<u8> {
    wrapped(STRING_VALUE, text.as_bytes())
}

fn wrapped(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len().saturating_add(4));
    field(&mut bytes, number, content);
    bytes
}

/// Adds a field to a struct.
fn entry(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut entry = Vec::with_capacity(64);
    field(&mut entry, ENTRY_KEY, key.as_bytes());
    field(&mut entry, ENTRY_VALUE, value);
    field(out, STRUCT_FIELDS, &entry);
}

/// Appends a field of bytes: tag, length, content.
fn field(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    out.push(number << 3 | 2);
    let mut length = content.len();
    while let Some(low) = (length > 0x7f).then_some(length & 0x7f) {
        out.push(u8::try_from(low).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(content);
}

/// The content of the field that stands first, and what stands behind it.
fn take(bytes: &[u8], number: u8) -> Option<(&[u8], &[u8])> {
    let (tag, mut bytes) = bytes.split_first()?;
    if *tag != number << 3 | 2 {
        return None;
    }
    let (mut length, mut shift) = (0_usize, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        bytes = rest;
        if byte & 0x80 == 0 {
            return bytes.split_at_checked(length);
        }
        shift = shift.checked_add(7).filter(|shift| *shift < 28)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_protobuf() {
        let bytes = STANDARD.decode(encode(["c"])).unwrap();
        let cluster = b"\n\x13\n\x0ccluster_name\x12\x03\x1a\x01c";
        let weight = b"\n\x13\n\x06weight\x12\x09\x11\0\0\0\0\0\0\xf0?";
        let target = [&b"\x0a\x2c\x2a\x2a"[..], cluster, weight].concat();
        let clusters = [&b"\n\x3c\n\x08clusters\x12\x30\x32\x2e"[..], &target].concat();
        let name = b"\n\x0b\n\x04name\x12\x03\x1a\x010";
        let group = [&b"\x2a\x4b"[..], name, &clusters].concat();
        let wanted = [&b"\x32\x4f\x0a\x4d"[..], &group].concat();
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn some_can_be_taken_out() {
        let long = "x".repeat(300);
        let all = encode(["a", &long, "b"]);
        assert_eq!(retain(all.as_bytes(), |_| true).as_deref(), Some(&*all));
        assert_eq!(retain(all.as_bytes(), |n| n == 0), Some(encode(["a"])));
        for wrong in ["", "x", "AAAA", "Mg=="] {
            assert_eq!(retain(wrong.as_bytes(), |_| true), None, "{wrong}");
        }
    }
}
