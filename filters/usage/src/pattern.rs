//! What most chunks of a stream have in common.
//!
//! A provider sends one event after the other that differs from the one before in a string alone: the next word. What
//! was found in the one holds for the other, so that nothing else of it has to be read.

/// The longest pattern that is kept.
const LONGEST: usize = 4 << 10;

/// An event with one string that is said, and nothing else that matters.
#[derive(Debug, Default)]
pub(crate) struct Pattern {
    /// What stands before the string and behind it.
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Pattern {
    /// Learns the pattern of a chunk in which this was the only string that is said: a part of it.
    pub(crate) fn learn(&mut self, chunk: &[u8], said: &[u8]) {
        let start = said.as_ptr().addr().saturating_sub(chunk.as_ptr().addr());
        let Some((head, rest)) = chunk.split_at_checked(start) else {
            return;
        };
        let Some(tail) = rest.strip_prefix(said) else {
            return;
        };
        if head.len().saturating_add(tail.len()) > LONGEST {
            return;
        }
        self.head.clear();
        self.head.extend_from_slice(head);
        self.tail.clear();
        self.tail.extend_from_slice(tail);
    }

    /// The inside of the string that a chunk has where the pattern's was; `None` where it differs in anything else.
    pub(crate) fn said<'a>(&self, chunk: &'a [u8]) -> Option<&'a [u8]> {
        let (head, rest) = chunk.split_at_checked(self.head.len())?;
        let end = rest.len().checked_sub(self.tail.len())?;
        let (said, tail) = rest.split_at_checked(end)?;
        // A quote would end the string, unless a backslash is before it; a line's end would end the event.
        let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | b'\n' | b'\r');
        let is_string = !self.head.is_empty() && said.iter().all(is_plain);
        (is_string && head == self.head && tail == self.tail).then_some(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"data: {"id":"gen-1","choices":[{"delta":{"content":""#;
    const TAIL: &str = "\"},\"finish_reason\":null}]}\n\n";

    fn pattern() -> Pattern {
        let chunk = format!("{HEAD}word{TAIL}");
        let mut pattern = Pattern::default();
        pattern.learn(chunk.as_bytes(), &chunk.as_bytes()[HEAD.len()..][..4]);
        pattern
    }

    #[test]
    fn the_string_alone_may_differ() {
        let pattern = pattern();
        for said in ["", "word", "a much longer text", "\u{e9}"] {
            let chunk = format!("{HEAD}{said}{TAIL}");
            assert_eq!(pattern.said(chunk.as_bytes()), Some(said.as_bytes()));
            // Whichever byte of the rest differs.
            for at in
                (0..chunk.len()).filter(|at| !(HEAD.len()..HEAD.len() + said.len()).contains(at))
            {
                let mut other = chunk.clone().into_bytes();
                other[at] ^= 1;
                let found = pattern.said(&other);
                assert!(found.is_none(), "{at} of {chunk}");
            }
            for end in 0..chunk.len() {
                assert_eq!(pattern.said(&chunk.as_bytes()[..end]), None);
            }
        }
        for said in ["a\"b", "a\\", "a\\\"b", "a\nb", "\r"] {
            let chunk = format!("{HEAD}{said}{TAIL}");
            assert_eq!(pattern.said(chunk.as_bytes()), None, "{said}");
        }
        assert_eq!(Pattern::default().said(b""), None);
        assert_eq!(Pattern::default().said(b"data: "), None);
    }
}
