//! A provider's 200: judged by its first bytes, then made canonical on its way through.

use meshrouter_wire::completion::{Completion, Signature};
use meshrouter_wire::error_body::redact;
use meshrouter_wire::sse::{Decoder, Event};

use crate::response::Failure;

/// What the beginning of a stream says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// No event with data is whole yet.
    Unknown,
    /// The provider answers.
    Good,
    /// The first event is an error.
    Bad(Failure),
}

/// Judges all bytes of a stream that have arrived. Comments are not the beginning: the first event
/// with data is.
pub(crate) fn beginning(bytes: &[u8], end: bool) -> Beginning {
    let mut verdict = Beginning::Unknown;
    let mut look = |event: Event<'_>| {
        if let (Beginning::Unknown, Some(data)) = (&verdict, event.data()) {
            verdict = match Completion::read(data) {
                Ok(chunk) if chunk.error().is_some() => {
                    Beginning::Bad(Failure::inside_success(data))
                }
                _ => Beginning::Good,
            };
        }
    };
    let mut decoder = Decoder::default();
    decoder.feed(bytes, &mut look);
    if end {
        decoder.finish(&mut look);
        if verdict == Beginning::Unknown {
            return Beginning::Bad(Failure::inside_success(b""));
        }
    }
    verdict
}

/// A whole completion, signed.
///
/// # Errors
/// The failure that the body is: an error, or no completion at all.
pub(crate) fn completion(body: &[u8], signature: &Signature) -> Result<Vec<u8>, Failure> {
    match Completion::read(body) {
        Ok(completion) if completion.error().is_none() && completion.has_choices() => {
            Ok(completion.signed(signature))
        }
        _ => Err(Failure::inside_success(body)),
    }
}

/// Signs the events of a stream.
#[derive(Debug)]
pub(crate) struct Signer {
    decoder: Decoder,
    signature: Signature,
}

impl Signer {
    pub(crate) fn new(signature: Signature) -> Self {
        Self {
            decoder: Decoder::default(),
            signature,
        }
    }

    /// A chunk of the stream: what is to leave in its place. Events leave when they are whole.
    pub(crate) fn chunk(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len() + 128);
        let signature = &self.signature;
        let mut sign = |event: Event<'_>| match signed(&event, signature) {
            Some(bytes) => out.extend_from_slice(&bytes),
            None => out.extend_from_slice(event.raw()),
        };
        self.decoder.feed(chunk, &mut sign);
        if end {
            self.decoder.finish(&mut sign);
        }
        out
    }
}

/// An event with a chunk in it, signed; `None` for comments, `[DONE]` and what is no JSON.
///
/// An error in the midst of a stream loses its credentials, as one in a body does.
fn signed(event: &Event<'_>, signature: &Signature) -> Option<Vec<u8>> {
    let data = event.data()?;
    let chunk = Completion::read(data).ok()?;
    if chunk.error().is_none() {
        return Some(event.with_data(&chunk.signed(signature)).into_owned());
    }
    let safe = redact(&String::from_utf8_lossy(data));
    let data = match Completion::read(safe.as_bytes()) {
        Ok(chunk) => chunk.signed(signature),
        Err(_) => safe.into_bytes(),
    };
    Some(event.with_data(&data).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_with_data_decides() {
        let bad = |body: &[u8]| Beginning::Bad(Failure::inside_success(body));
        let error: &[u8] = br#"{"error":{"code":503,"message":"x"}}"#;
        let framed = |data: &[u8]| [b": ping\n\ndata: ", data, b"\n\n"].concat();
        assert_eq!(beginning(b"", false), Beginning::Unknown);
        assert_eq!(beginning(b": ping\n\n", false), Beginning::Unknown);
        assert_eq!(
            beginning(b"data: {\"choices\":[]}", false),
            Beginning::Unknown
        );
        assert_eq!(
            beginning(&framed(b"{\"choices\":[],\"error\":null}"), false),
            Beginning::Good
        );
        assert_eq!(beginning(&framed(b"[DONE]"), false), Beginning::Good);
        assert_eq!(beginning(&framed(error), false), bad(error));
        let later = [framed(b"{}"), framed(error)].concat();
        assert_eq!(beginning(&later, false), Beginning::Good);
        assert_eq!(beginning(b": ping\n\n", true), bad(b""));
        assert_eq!(beginning(b"data: {}", true), Beginning::Good);
    }

    #[test]
    fn streams_are_signed_however_they_are_cut() {
        let stream = concat!(
            ": ping\n\n",
            "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"世\"}}]}\r\n\r\n",
            "data: {\"choices\":[]}\n\ndata: [DONE]\n\n"
        );
        let expected = concat!(
            ": ping\n\n",
            "data: {\"provider\":\"P\",\"id\":\"g\",\"model\":\"a/b\",\"choices\":[{\"delta\":{\"content\":\"世\"}}]}\r\n\r\n",
            "data: {\"id\":\"g\",\"provider\":\"P\",\"model\":\"a/b\",\"choices\":[]}\n\ndata: [DONE]\n\n"
        );
        for cut in 0..=stream.len() {
            let mut signer = Signer::new(Signature::new("g", "a/b", "P"));
            let (head, tail) = stream.as_bytes().split_at(cut);
            let mut out = signer.chunk(head, false);
            out.extend(signer.chunk(tail, true));
            assert_eq!(String::from_utf8(out).unwrap(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn errors_in_the_midst_of_a_stream_lose_their_credentials() {
        let mut signer = Signer::new(Signature::new("g", "a/b", "P"));
        let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"sk-abcdefgh\"}}]}\n\n\
            data: {\"error\":{\"code\":401,\"message\":\"bad key sk-abcdefgh\"}}\n\n";
        let out = String::from_utf8(signer.chunk(stream, true)).unwrap();
        assert!(out.contains("\"content\":\"sk-abcdefgh\""), "{out}");
        assert!(out.contains("\"bad key [redacted]\""), "{out}");
        assert!(out.ends_with("}\n\n") && out.contains("\"id\":\"g\""));
    }

    #[test]
    fn what_is_no_completion_is_a_failure() {
        let signature = Signature::new("g", "a/b", "P");
        let odd = r#"{"message": "quota exceeded"}"#;
        let error = r#"{"error": {"message": "x"}}"#;
        for body in ["", "null", "<html>", "{}", odd, error] {
            assert!(completion(body.as_bytes(), &signature).is_err(), "{body}");
        }
        assert!(completion(b"{\"choices\": []}", &signature).is_ok());
    }
}
