//! What crosses as a header's value: printable ASCII, written and read field by field, without serde.

/// The digit 0. Digits have five bits; from `MORE` on, another one follows. All of them print.
const ZERO: u8 = b'0';
const MORE: u8 = 32;

/// Writes a value.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// A number, its lowest digit first.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= u64::from(MORE) {
            self.0.push(ZERO + MORE + (number as u8 & (MORE - 1)));
            number >>= 5;
        }
        self.0.push(ZERO + number as u8);
    }

    pub(crate) fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    /// A number, where there is one.
    pub(crate) fn maybe(&mut self, number: Option<u64>) {
        self.number(number.is_some().into());
        if let Some(number) = number {
            self.number(number);
        }
    }

    /// Any text; such as does not print, as numbers.
    pub(crate) fn text(&mut self, text: &str) {
        let prints = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        self.number(((text.len() as u64) << 1) | u64::from(!prints));
        if prints {
            self.0.extend_from_slice(text.as_bytes());
        } else {
            text.bytes().for_each(|byte| self.number(byte.into()));
        }
    }

    pub(crate) fn list<T>(&mut self, list: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.size(list.len());
        list.iter().for_each(|item| write(self, item));
    }
}

/// Reads what a [`Writer`] wrote; `None` where none did.
pub(crate) struct Reader<'t>(pub(crate) &'t [u8]);

impl Reader<'_> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0_u32);
        let mut digits = self.0.iter();
        loop {
            let digit = digits.next()?.wrapping_sub(ZERO);
            number |= u64::from(digit % MORE).checked_shl(shift)?;
            match digit / MORE {
                0 => break,
                1 => shift = shift.wrapping_add(5),
                _ => return None,
            }
        }
        self.0 = digits.as_slice();
        Some(number)
    }

    pub(crate) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(crate) fn maybe(&mut self) -> Option<Option<u64>> {
        match self.number()? {
            0 => Some(None),
            _ => self.number().map(Some),
        }
    }

    /// One of these, by its place.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.size()?).copied()
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let head = self.size()?;
        let length = head >> 1;
        if head & 1 == 0 {
            let (text, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            return std::str::from_utf8(text).ok().map(str::to_owned);
        }
        let bytes = (0..length).map(|_| u8::try_from(self.number()?).ok());
        String::from_utf8(bytes.collect::<Option<_>>()?).ok()
    }

    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.number()?;
        (0..count).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_round_trip() {
        let numbers = [0, 1, 31, 32, 1_023, 1_024, 1 << 60, u64::MAX];
        let texts = ["", "gen-1", " a~", "Zoë", "\n", "\u{7f}"];
        let mut writer = Writer::with_capacity(0);
        writer.list(&numbers, |writer, number| writer.number(*number));
        writer.list(&texts, |writer, text| writer.text(text));
        writer.maybe(None);
        writer.maybe(Some(7));
        let bytes = writer.finish();
        assert!(bytes.iter().all(|byte| matches!(byte, b' '..=b'~')));
        let mut reader = Reader(&bytes);
        assert_eq!(reader.list(Reader::number).unwrap(), numbers);
        assert_eq!(reader.list(Reader::text).unwrap(), texts);
        assert_eq!(reader.maybe(), Some(None));
        assert_eq!(reader.maybe(), Some(Some(7)));
        assert_eq!((reader.0, reader.number()), (&b""[..], None));
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        for text in ["", "P", "PPPPPPPPPPPPPP0", "p", "/", "\u{e9}"] {
            assert_eq!(Reader(text.as_bytes()).number(), None, "{text}");
        }
        // Longer than what follows; no byte; no UTF-8.
        for text in [&b"4a"[..], b"oooooooooooo0", b"3P:", b"3_7", b"2\xff"] {
            assert_eq!(Reader(text).text(), None, "{text:?}");
        }
        assert_eq!(Reader(b"oooooooooooo0").list(Reader::number), None);
        assert_eq!(Reader(b"2").one_of(&[0, 1]), None);
    }
}
