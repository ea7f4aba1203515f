//! JSON written straight into bytes: what every request writes, without a tree or a text for each value.

use meshrouter_core::money::{Decimal, Usd};
use meshrouter_core::timestamp::Timestamp;
use meshrouter_wire::json::literal;

/// A member's name as it stands in JSON, behind the comma of the member before; it needs no escape.
macro_rules! name {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(crate) use name;

/// An object that is being written.
#[derive(Debug)]
pub(crate) struct Object {
    bytes: Vec<u8>,
    /// Where it begins: in the place of the first member's comma.
    start: usize,
}

impl Object {
    /// An empty object behind what `bytes` has already.
    pub(crate) fn behind(bytes: Vec<u8>) -> Self {
        let start = bytes.len();
        Self { bytes, start }
    }

    /// Adds a member, by its [`name`](name!).
    pub(crate) fn member(&mut self, name: &str, value: impl Json) -> &mut Self {
        self.bytes.extend_from_slice(name.as_bytes());
        value.write(&mut self.bytes);
        self
    }

    /// Adds an object.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.bytes.extend_from_slice(name.as_bytes());
        let mut inner = Self::behind(std::mem::take(&mut self.bytes));
        fill(&mut inner);
        self.bytes = inner.finish();
        self
    }

    /// The members without the braces, where nothing was before the object.
    pub(crate) fn inside(mut self) -> Vec<u8> {
        if !self.bytes.is_empty() {
            self.bytes.remove(0);
        }
        self.bytes
    }

    /// The object's text, behind what was there.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        match self.bytes.get_mut(self.start) {
            Some(first) => *first = b'{',
            None => self.bytes.push(b'{'),
        }
        self.bytes.push(b'}');
        self.bytes
    }
}

/// What a member can be.
pub(crate) trait Json {
    /// Writes it behind what is there.
    fn write(&self, out: &mut Vec<u8>);
}

impl Json for str {
    fn write(&self, out: &mut Vec<u8>) {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        // All of them, whatever is found: so they are looked at sixteen at a time.
        if !self.bytes().fold(true, |all, byte| all & is_plain(byte)) {
            out.extend_from_slice(literal(self).as_bytes());
            return;
        }
        out.push(b'"');
        out.extend_from_slice(self.as_bytes());
        out.push(b'"');
    }
}

impl Json for bool {
    fn write(&self, out: &mut Vec<u8>) {
        let text: &[u8] = if *self { b"true" } else { b"false" };
        out.extend_from_slice(text);
    }
}

impl Json for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Decimal::from(*self).bytes());
    }
}

impl Json for Usd {
    /// A number with all its digits.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Decimal::from(*self).bytes());
    }
}

/// JSON already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a>(pub(crate) &'a [u8]);

impl Json for Written<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

impl Json for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(&self.text());
        out.push(b'"');
    }
}

impl<T: Json> Json for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// A list.
impl<T: Json> Json for [T] {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (number, item) in self.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_writes() {
        let texts = ["", "a", "é\u{7f}", "\"\\\n\r\t\u{8}\u{c}\u{1}", "</x>"];
        for text in texts {
            let mut written = Object::behind(Vec::new());
            written
                .member(name!("x"), text)
                .member(name!("list"), &[text, "b"][..]);
            written.member(name!("y"), Written(b"null"));
            written.object(name!("z"), |z| {
                z.member(name!("n"), 0_u64).member(name!("m"), u64::MAX);
            });
            written.object(name!("none"), |_| ());
            written
                .member(name!("at"), Timestamp::default())
                .member(name!("some"), Some(true))
                .member(name!("no"), None::<u64>);
            let written = String::from_utf8(written.finish()).unwrap();
            let quoted = serde_json::to_string(text).unwrap();
            let expected = format!(
                r#"{{"x":{quoted},"list":[{quoted},"b"],"y":null,"z":{{"n":0,"m":18446744073709551615}},"none":{{}},"at":"1970-01-01T00:00:00Z","some":true,"no":null}}"#
            );
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn amounts_keep_their_digits() {
        let written = |nano| {
            let mut out = b"x".to_vec();
            Usd::from_nano(nano).write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(0), "x0");
        assert_eq!(written(1), "x0.000000001");
        assert_eq!(written(1_500_000_000), "x1.5");
        assert_eq!(written(u64::MAX), "x18446744073.709551615");
    }
}
