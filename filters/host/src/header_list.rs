//! All headers of one half of a stream, in the bytes in which the host hands them over.

use std::rc::Rc;

/// Headers as they were when they were read: one call of the host and one buffer, however many are looked at.
///
/// The bytes are proxy-wasm's: how many there are, for each the lengths of its name and its value, and then the names
/// and values in turn, each with a NUL behind it. Numbers are of 32 bits, little-endian.
#[derive(Clone, Default)]
pub struct HeaderList(Rc<Vec<u8>>);

/// The bytes of one header's two lengths.
const LENGTHS: usize = 8;

impl HeaderList {
    /// The headers in the host's bytes. Of bytes that break the form those that can be read.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Rc::new(bytes))
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let Entries { lengths, texts } = self.entries();
        let (mut at, name) = (0_usize, name.as_bytes());
        for lengths in lengths.as_chunks::<LENGTHS>().0 {
            let (long, value) = both(*lengths);
            let end = at.saturating_add(long);
            // Most names are told apart by their lengths.
            if long == name.len() && texts.get(at..end) == Some(name) {
                let start = end.saturating_add(1);
                return texts.get(start..start.saturating_add(value));
            }
            at = end.saturating_add(value).saturating_add(2);
        }
        None
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries().filter_map(Entry::pair)
    }

    /// All of them, in order, whose names are compared only.
    pub fn bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries().map(|entry| (entry.name(), entry.value()))
    }

    /// The same with one header of this name, which has this value, or with none.
    #[must_use]
    pub fn with(&self, name: &str, value: Option<&[u8]>) -> Self {
        let added = value.map_or(0, |value| name.len().saturating_add(value.len()));
        let mut writer = Writer::with_capacity(self.0.len().saturating_add(added));
        if self.get(name).is_none() {
            writer.copy_all(self.entries());
        } else {
            let others = self.entries();
            let others = others.filter(|entry| entry.name() != name.as_bytes());
            others.for_each(|entry| writer.copy(entry));
        }
        if let Some(value) = value {
            writer.push(name.as_bytes(), value);
        }
        writer.finish()
    }

    fn entries(&self) -> Entries<'_> {
        let (count, rest) = self.0.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let lengths = number(*count).saturating_mul(LENGTHS);
        let (lengths, texts) = rest.split_at_checked(lengths).unwrap_or_default();
        Entries { lengths, texts }
    }
}

/// One header in the host's bytes.
#[derive(Clone, Copy)]
struct Entry<'a> {
    lengths: [u8; LENGTHS],
    /// The name and the value, each with its NUL.
    texts: &'a [u8],
    /// Bytes of the name.
    name: usize,
}

impl<'a> Entry<'a> {
    /// Envoy lets no name pass that is no token of ASCII.
    fn pair(self) -> Option<(&'a str, &'a [u8])> {
        Some((std::str::from_utf8(self.name()).ok()?, self.value()))
    }

    fn name(self) -> &'a [u8] {
        self.texts.get(..self.name).unwrap_or_default()
    }

    fn value(self) -> &'a [u8] {
        let end = self.texts.len().saturating_sub(1);
        let value = self.texts.get(self.name.saturating_add(1)..end);
        value.unwrap_or_default()
    }
}

/// The headers that are left.
struct Entries<'a> {
    lengths: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (lengths, rest) = self.lengths.split_first_chunk::<LENGTHS>()?;
        let (name, value) = both(*lengths);
        let length = name.checked_add(value)?.checked_add(2)?;
        let (texts, others) = self.texts.split_at_checked(length)?;
        *self = Self {
            lengths: rest,
            texts: others,
        };
        Some(Entry {
            lengths: *lengths,
            texts,
            name,
        })
    }
}

/// How long a name and its value are.
fn both(lengths: [u8; LENGTHS]) -> (usize, usize) {
    let [n0, n1, n2, n3, v0, v1, v2, v3] = lengths;
    (number([n0, n1, n2, n3]), number([v0, v1, v2, v3]))
}

fn number(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
}

/// Writes the host's bytes.
struct Writer {
    /// The count, and the lengths.
    lengths: Vec<u8>,
    texts: Vec<u8>,
    count: u32,
}

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        let mut lengths = Vec::with_capacity(bytes.saturating_add(16 * LENGTHS));
        lengths.extend_from_slice(&[0; 4]);
        Self {
            lengths,
            texts: Vec::with_capacity(bytes),
            count: 0,
        }
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        for text in [name, value] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.lengths.extend_from_slice(&length.to_le_bytes());
            self.texts.extend_from_slice(text);
            self.texts.push(0);
        }
        self.count = self.count.saturating_add(1);
    }

    fn copy_all(&mut self, entries: Entries<'_>) {
        self.lengths.extend_from_slice(entries.lengths);
        self.texts.extend_from_slice(entries.texts);
        let count = u32::try_from(entries.lengths.len() / LENGTHS);
        self.count = self.count.saturating_add(count.unwrap_or(u32::MAX));
    }

    fn copy(&mut self, entry: Entry<'_>) {
        self.lengths.extend_from_slice(&entry.lengths);
        self.texts.extend_from_slice(entry.texts);
        self.count = self.count.saturating_add(1);
    }

    fn finish(mut self) -> HeaderList {
        if let Some(first) = self.lengths.first_chunk_mut() {
            *first = self.count.to_le_bytes();
        }
        self.lengths.append(&mut self.texts);
        HeaderList::of(self.lengths)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for HeaderList {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
        let mut writer = Writer::with_capacity(1_024);
        for (name, value) in headers {
            writer.push(name.as_ref(), value.as_ref());
        }
        writer.finish()
    }
}

/// Names alone: values may be anybody's secret.
impl std::fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: [(&str, &str); 4] = [
        (":status", "200"),
        ("x-none", ""),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ];

    fn texts(list: &HeaderList) -> Vec<(&str, &str)> {
        let text = |(name, value)| (name, std::str::from_utf8(value).unwrap());
        list.iter().map(text).collect()
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let list: HeaderList = SOME.into_iter().collect();
        assert_eq!(texts(&list), SOME);
        let bytes = SOME.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        assert!(list.bytes().eq(bytes));
        assert_eq!(list.get("set-cookie"), Some(&b"a=1"[..]));
        assert_eq!(list.get("x-none"), Some(&b""[..]));
        assert_eq!(list.get("x"), None);
        assert_eq!(HeaderList::default().get("x"), None);
    }

    #[test]
    fn a_change_leaves_one_header_or_none() {
        let list: HeaderList = SOME.into_iter().collect();
        let without = list.with("set-cookie", None);
        assert_eq!(texts(&without), SOME[..2]);
        let with = list.with("set-cookie", Some(b"c=3"));
        assert_eq!(texts(&with)[2..], [("set-cookie", "c=3")]);
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        let list: HeaderList = SOME.into_iter().collect();
        for length in 0..list.0.len() {
            let cut = HeaderList::of(list.0[..length].to_vec());
            assert!(SOME.starts_with(&texts(&cut)), "{length}");
        }
        let mut many = list.0.to_vec();
        many[..4].fill(0xff);
        assert_eq!(texts(&HeaderList::of(many)), []);
    }

    #[test]
    fn no_value_is_shown() {
        let list: HeaderList = [("authorization", "Bearer secret")].into_iter().collect();
        assert_eq!(format!("{list:?}"), r#"["authorization"]"#);
    }
}
