//! What caller, providers and operator saw of one request, without what is another each time.
//!
//! Left out as known differences: the provider's credential, which an upstream filter of Envoy injects and our host does
//! not have; the connection's own headers (`date`, `server`, `connection`, `transfer-encoding`); the request's id and
//! the generation's, and the second in it that answers get as `created`; times.

use serde_json::Value;

/// Headers as `name: value`, sorted by name; values of one name stay in their order.
pub(crate) type Lines = Vec<String>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Lines,
    pub(crate) body: String,
    /// The body came to its end.
    pub(crate) whole: bool,
    pub(crate) upstream: Vec<Sent>,
    /// The access log's record; null where there is none.
    pub(crate) record: Value,
}

/// A request as a provider got it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) provider: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Lines,
    pub(crate) body: String,
}

const IGNORED: &[&str] = &[
    "authorization",
    "connection",
    "date",
    "server",
    "transfer-encoding",
    "x-request-id",
];

/// The headers that count. `host` and `:authority` are one; other pseudo headers are not on the wire.
pub(crate) fn lines<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Lines {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<(String, String)> = headers
        .map(|(name, value)| (text(name).to_ascii_lowercase(), text(value)))
        .map(|(name, value)| (name.replace(":authority", "host"), value))
        .filter(|(name, _)| !name.starts_with(':') && !IGNORED.contains(&name.as_str()))
        .collect();
    lines.sort_by(|(left, _), (right, _)| left.cmp(right));
    lines
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

/// The text with each generation's id as `GEN`, and as `NOW` the second in it where it is `created`. Another second
/// stays and is a difference.
pub(crate) fn stable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut parts = text.split("\"gen-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut seconds = Vec::new();
    for part in parts {
        let end = part.find('"').expect("the id's end");
        seconds.extend(part.split_once('-').map(|(second, _)| second));
        out.push_str("\"GEN");
        out.push_str(&part[end..]);
    }
    for second in seconds {
        out = out.replace(&format!("\"created\":{second},"), "\"created\":NOW,");
    }
    out
}

/// The record without id and times.
pub(crate) fn record(mut record: Value) -> Value {
    if let Some(fields) = record.as_object_mut() {
        fields.remove("id");
        let failed = fields.get_mut("failed").and_then(Value::as_array_mut);
        for failed in failed.into_iter().flatten() {
            failed["ms"].take();
        }
        for time in ["first_byte_ms", "latency_ms", "throughput"] {
            fields.remove(time);
        }
    }
    record
}
