//! Header maps with Envoy's semantics: lower-case names, byte values, pseudo headers first.

use super::status::Status;

/// Names that Envoy keeps in one slot each: a second value is joined to the first.
/// Other names keep one entry per value.
const INLINE: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    ":status",
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expect",
    "grpc-status",
    "host",
    "keep-alive",
    "location",
    "origin",
    "proxy-connection",
    "referer",
    "server",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-max-retries",
    "x-envoy-retry-on",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// An ordered multi-map of headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<(Vec<u8>, Vec<u8>)>);

impl HeaderMap {
    /// The first value of a name: what the ABI hands a plugin that asks for one header.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_slice())
    }

    /// The first value of a name, for assertions; bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(|v| String::from_utf8_lossy(v).into_owned())
    }

    /// Every value of a name, in order.
    pub fn all(&self, name: impl AsRef<[u8]>) -> Vec<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        self.0
            .iter()
            .filter(|(n, _)| *n == name)
            .map(|(_, v)| v.as_slice())
            .collect()
    }

    /// Adds a value; joins it with a comma to the one that is there if Envoy keeps the name inline.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref().to_ascii_lowercase(), value.as_ref());
        let inline = INLINE.iter().any(|i| i.as_bytes() == name);
        if let Some((_, held)) = self.0.iter_mut().find(|(n, _)| inline && *n == name) {
            if !held.is_empty() && !value.is_empty() {
                held.push(b',');
            }
            held.extend_from_slice(value);
            return;
        }
        let at = if name.starts_with(b":") {
            self.0
                .iter()
                .take_while(|(n, _)| n.starts_with(b":"))
                .count()
        } else {
            self.0.len()
        };
        self.0.insert(at, (name, value.to_vec()));
    }

    /// Replaces every value of a name by one.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.remove(name.as_ref());
        self.add(name, value);
    }

    /// Removes every value of a name.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        self.0.retain(|(n, _)| *n != name);
    }

    /// The headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(n, v)| (n.as_slice(), v.as_slice()))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `:status` as a number, or 0.
    pub fn status(&self) -> u16 {
        self.text(":status")
            .and_then(|s| s.parse().ok())
            .unwrap_or(0)
    }

    /// The ABI's wire form: count, then the sizes, then names and values with a NUL after each.
    pub(super) fn serialize(&self) -> Vec<u8> {
        let mut bytes = size(self.0.len()).to_vec();
        for (name, value) in &self.0 {
            bytes.extend(size(name.len()));
            bytes.extend(size(value.len()));
        }
        for part in self.0.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(part);
            bytes.push(0);
        }
        bytes
    }

    /// The reverse of [`Self::serialize`].
    pub(super) fn deserialize(bytes: &[u8]) -> Result<Self, Status> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let count = number(bytes, 0)?;
        let mut at = count
            .checked_mul(8)
            .and_then(|n| n.checked_add(4))
            .ok_or(Status::BadArgument)?;
        let mut map = Self::default();
        for index in 0..count {
            let name = part(bytes, &mut at, number(bytes, 4 + index * 8)?)?;
            let value = part(bytes, &mut at, number(bytes, 8 + index * 8)?)?;
            map.add(name, value);
        }
        Ok(map)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for HeaderMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut map = Self::default();
        for (name, value) in pairs {
            map.add(name, value);
        }
        map
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const L: usize> From<[(N, V); L]> for HeaderMap {
    fn from(pairs: [(N, V); L]) -> Self {
        pairs.into_iter().collect()
    }
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn number(bytes: &[u8], at: usize) -> Result<usize, Status> {
    let word = bytes
        .get(at..)
        .and_then(|b| b.first_chunk::<4>())
        .ok_or(Status::BadArgument)?;
    Ok(u32::from_le_bytes(*word) as usize)
}

fn part<'a>(bytes: &'a [u8], at: &mut usize, length: usize) -> Result<&'a [u8], Status> {
    let end = at.checked_add(length).ok_or(Status::BadArgument)?;
    let found = bytes.get(*at..end).ok_or(Status::BadArgument)?;
    *at = end + 1;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_insensitive_and_values_are_bytes() {
        let mut map = HeaderMap::from([("X-Thing", &b"\xff\x00"[..]), (":path", b"/")]);
        assert_eq!(map.get("x-thing"), Some(&b"\xff\x00"[..]));
        assert_eq!(
            map.iter().next(),
            Some((&b":path"[..], &b"/"[..])),
            "pseudo headers first"
        );
        map.set("X-THING", "b");
        assert_eq!(map.all("x-thing"), [b"b"]);
        map.remove("x-Thing");
        assert_eq!(map.len(), 1);
    }

    #[test]
    fn several_values_are_joined_only_for_names_that_envoy_keeps_inline() {
        let map = HeaderMap::from([
            ("content-type", "a"),
            ("content-type", "b"),
            ("x-k", "1"),
            ("x-k", "2"),
        ]);
        assert_eq!(map.text("content-type").as_deref(), Some("a,b"));
        assert_eq!(map.all("x-k"), [b"1", b"2"]);
        assert_eq!(map.text("x-k").as_deref(), Some("1"));
    }

    #[test]
    fn the_wire_form_round_trips_and_garbage_is_refused() {
        let map = HeaderMap::from([(":method", "GET"), ("a", ""), ("b", "x")]);
        let bytes = map.serialize();
        assert_eq!(HeaderMap::deserialize(&bytes), Ok(map));
        for cut in 1..bytes.len() - 1 {
            assert_eq!(
                HeaderMap::deserialize(&bytes[..cut]),
                Err(Status::BadArgument),
                "{cut}"
            );
        }
    }
}
