//! Requests to etcd's JSON gateway, and its answers. Keys and values are base64, numbers are strings: nothing that would
//! have to be escaped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};

/// Where ranges are asked for.
pub(crate) const RANGE: &str = "/v3/kv/range";
/// Where transactions are asked for.
pub(crate) const TXN: &str = "/v3/kv/txn";

/// The most entries of one answer.
const PAGE: u32 = 500;

/// The body of a request for the entries from a key on, up to the end of a prefix, that changed after a revision.
/// `at` pins the revision at which all pages are read.
pub(crate) fn range(from: &str, prefix: &str, changed_after: u64, at: Option<u64>) -> Vec<u8> {
    let (key, end) = (STANDARD.encode(from), STANDARD.encode(end_of(prefix)));
    let (least, at) = (changed_after.saturating_add(1), at.unwrap_or_default());
    let body = format!(
        r#"{{"key":"{key}","range_end":"{end}","limit":{PAGE},"sort_order":"ASCEND","sort_target":"KEY","min_mod_revision":"{least}","revision":"{at}"}}"#
    );
    body.into_bytes()
}

/// The key behind all that begin with a prefix, whose last byte is ASCII.
fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// A change of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// The revision that it replaces, 0 for none; `None` where it replaces whatever is there.
    pub(crate) replaces: Option<u64>,
}

/// The body of a transaction that makes all of these changes, or none, and then tells what is there instead.
pub(crate) fn txn(writes: &[Write]) -> Vec<u8> {
    let key = |write: &Write| STANDARD.encode(&write.key);
    let bound = || {
        let bound = writes.iter();
        bound.filter_map(|write| Some((key(write), write.replaces?)))
    };
    let compare = list(bound().map(|(key, revision)| {
        format!(r#"{{"key":"{key}","target":"MOD","result":"EQUAL","mod_revision":"{revision}"}}"#)
    }));
    let success = list(writes.iter().map(|write| {
        let (key, value) = (key(write), STANDARD.encode(&write.value));
        format!(r#"{{"requestPut":{{"key":"{key}","value":"{value}"}}}}"#)
    }));
    let failure = list(bound().map(|(key, _)| format!(r#"{{"requestRange":{{"key":"{key}"}}}}"#)));
    let txn = format!(r#"{{"compare":{compare},"success":{success},"failure":{failure}}}"#);
    txn.into_bytes()
}

/// A JSON array of what is JSON already.
fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// An entry of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// The revision at which it was last changed.
    pub(crate) revision: u64,
}

/// The answer to a [range].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The store's revision.
    pub(crate) revision: u64,
    pub(crate) entries: Vec<Entry>,
    /// Whether there are more behind these.
    pub(crate) more: bool,
}

/// The answer to a [transaction](txn).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was changed, at this revision.
    Written(u64),
    /// Nothing was; what is there, as far as anything is.
    Conflict(Vec<Entry>),
}

/// Reads the answer to a range; `None` where it is none.
pub(crate) fn read_page(body: &[u8]) -> Option<Page> {
    let range: Range = serde_json::from_slice(body).ok()?;
    Some(Page {
        revision: range.header?.revision,
        entries: entries(range.kvs)?,
        more: range.more,
    })
}

/// Reads the answer to a transaction; `None` where it is none.
pub(crate) fn read_txn(body: &[u8]) -> Option<Outcome> {
    let txn: Response = serde_json::from_slice(body).ok()?;
    if txn.succeeded {
        return Some(Outcome::Written(txn.header.revision));
    }
    let ranges = txn
        .responses
        .into_iter()
        .filter_map(|each| each.response_range);
    let kvs = ranges.flat_map(|range| range.kvs).collect();
    entries(kvs).map(Outcome::Conflict)
}

fn entries(kvs: Vec<Kv>) -> Option<Vec<Entry>> {
    let entry = |kv: Kv| {
        let key = STANDARD.decode(kv.key).ok()?;
        Some(Entry {
            key: String::from_utf8(key).ok()?,
            value: STANDARD.decode(kv.value).ok()?,
            revision: kv.mod_revision,
        })
    };
    kvs.into_iter().map(entry).collect()
}

#[derive(Deserialize)]
struct Header {
    #[serde(deserialize_with = "number")]
    revision: u64,
}

#[derive(Deserialize)]
struct Range {
    header: Option<Header>,
    #[serde(default)]
    kvs: Vec<Kv>,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Kv {
    key: String,
    #[serde(default)]
    value: String,
    #[serde(deserialize_with = "number")]
    mod_revision: u64,
}

#[derive(Deserialize)]
struct Response {
    header: Header,
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: Vec<Each>,
}

#[derive(Deserialize)]
struct Each {
    response_range: Option<Range>,
}

/// A number in a string.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pages() {
        let body = br#"{"header":{"cluster_id":"1","revision":"12","raft_term":"2"},
            "kvs":[{"key":"YS9i","create_revision":"3","mod_revision":"7","version":"1","value":"eA=="},
                   {"key":"YS9j","mod_revision":"8"}],"more":true,"count":"9"}"#;
        let page = read_page(body).unwrap();
        assert_eq!((page.revision, page.more), (12, true));
        let [first, second] = &page.entries[..] else {
            panic!("{page:?}");
        };
        assert_eq!(
            (first.key.as_str(), first.value.as_slice(), first.revision),
            ("a/b", &b"x"[..], 7)
        );
        assert_eq!((second.key.as_str(), second.value.len()), ("a/c", 0));
        let empty = read_page(br#"{"header":{"revision":"1"}}"#).unwrap();
        assert_eq!((empty.entries.len(), empty.more), (0, false));
        for body in [
            &b""[..],
            b"{}",
            b"null",
            br#"{"error":"etcdserver: mvcc: required revision has been compacted"}"#,
        ] {
            assert_eq!(read_page(body), None);
            assert_eq!(read_txn(body), None);
        }
    }

    #[test]
    fn reads_transactions() {
        let written = br#"{"header":{"revision":"5"},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"5"}}}]}"#;
        assert_eq!(read_txn(written), Some(Outcome::Written(5)));
        let conflict = br#"{"header":{"revision":"6"},"responses":[
            {"response_range":{"header":{"revision":"6"},"kvs":[{"key":"YQ==","mod_revision":"4","value":"eA=="}],"count":"1"}},
            {"response_range":{"header":{"revision":"6"}}}]}"#;
        let Some(Outcome::Conflict(entries)) = read_txn(conflict) else {
            panic!();
        };
        assert_eq!((entries.len(), entries[0].revision), (1, 4));
    }

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(end_of("meshrouter/"), b"meshrouter0");
        let body: serde_json::Value =
            serde_json::from_slice(&range("p/x", "p/", 7, Some(9))).unwrap();
        assert_eq!(body["min_mod_revision"], "8");
        assert_eq!(body["revision"], "9");
    }
}
