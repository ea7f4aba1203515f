//! Chunks of a stream are mostly like the one before, but for what is said: such are signed without being read.

use crate::json::Scanner;

/// A chunk's text, cut at the strings that may say anything, and the same signed.
#[derive(Debug, Clone, Default)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone)]
struct Piece {
    text: Vec<u8>,
    signed: Vec<u8>,
}

impl Pattern {
    /// Adds a piece: of two, one string stands between them.
    pub(super) fn push(&mut self, text: &[u8], signed: Vec<u8>) {
        let text = text.to_vec();
        self.0.push(Piece { text, signed });
    }

    /// Appends a chunk, signed; false, and nothing happens, where it differs in more than those strings.
    #[must_use]
    pub fn sign(&self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let fits = self.fill(chunk, out).is_some();
        if !fits {
            out.truncate(before);
        }
        fits
    }

    fn fill(&self, chunk: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (last, others) = self.0.split_last()?;
        let mut rest = chunk;
        for piece in others {
            rest = piece.strip(rest)?;
            out.extend_from_slice(&piece.signed);
            if rest.first() != Some(&b'"') {
                return None;
            }
            let string = Scanner::new(rest).value().ok()?;
            out.extend_from_slice(string.raw);
            rest = rest.get(string.end()..)?;
        }
        rest = last.strip(rest)?;
        out.extend_from_slice(&last.signed);
        rest.is_empty().then_some(())
    }
}

impl Piece {
    /// What follows the piece in a text that begins with it.
    fn strip<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        text.strip_prefix(self.text.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use meshrouter_core::route::Operation;

    use super::*;
    use crate::completion::{Completion, Signature};

    fn signature() -> Signature {
        Signature::new("gen-1-x", "a/b", "P", Operation::ChatCompletions).of_chunks()
    }

    fn pattern(chunk: &str) -> Option<Pattern> {
        let chunk = Completion::read(chunk.as_bytes()).unwrap();
        chunk.pattern(&signature())
    }

    const CHUNK: &str = r#" {"id":"1","odd":"x","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"model":"m","usage":null}"#;

    /// Whatever fits a pattern is signed as if it had been read.
    #[test]
    fn what_differs_in_what_is_said_is_signed_as_if_it_were_read() {
        let pattern = pattern(CHUNK).unwrap();
        let signed = |chunk: &str| {
            let mut out = b"before".to_vec();
            let fits = pattern.sign(chunk.as_bytes(), &mut out);
            (fits, String::from_utf8(out).unwrap())
        };
        for said in ["", "a", "wörld and more", r#"\" \u00e9 \n"#, "}],{ ,"] {
            let chunk = CHUNK.replace(r#""a""#, &format!("\"{said}\""));
            let chunk = chunk.replace(r#""x""#, &format!("\"{said}{said}\""));
            let read = Completion::read(chunk.as_bytes()).unwrap();
            let read = String::from_utf8(read.signed(&signature())).unwrap();
            assert_eq!(signed(&chunk), (true, format!("before{read}")), "{said}");
        }
        let others = [
            ("\"a\"", "1"),
            ("\"a\"", "\"\\x\""),
            ("\"a\"", "\"a"),
            ("\"a\"", "\"a\", \"b\":1"),
            (r#""id":"1""#, r#""id":"2""#),
            ("null}]", r#""stop"}]"#),
            (r#""usage":null}"#, r#""usage":null}}"#),
            (r#""usage":null}"#, r#""usage":null"#),
        ];
        for (from, to) in others {
            let chunk = CHUNK.replace(from, to);
            assert_eq!(signed(&chunk), (false, "before".to_owned()), "{chunk}");
        }
    }

    #[test]
    fn what_says_more_than_text_has_no_pattern() {
        for (from, to) in [
            ("null}]", r#""stop"}]"#),
            (r#""usage":null"#, r#""usage":{"prompt_tokens":1}"#),
            (r#""usage":null"#, r#""error":{"code":1}"#),
            (r#""content":"#, r#""reasoning":"#),
        ] {
            let chunk = CHUNK.replace(from, to);
            assert!(pattern(&chunk).is_none(), "{chunk}");
        }
        assert!(pattern(r#"{"choices":[{"delta":{"tool_calls":[]}}]}"#).is_none());
    }
}
