//! A provider's success, made canonical on its way through.

use meshrouter_core::ApiError;
use meshrouter_core::document::Secret;
use meshrouter_wire::completion::{Completion, Pattern, Signature, Tokens};
use meshrouter_wire::sse::{Decoder, Event};

use crate::failure::Failure;

/// A whole completion, signed.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) body: Vec<u8>,
    /// The tokens, where the provider says.
    pub(crate) tokens: Option<Tokens>,
}

/// Signs a whole completion.
///
/// # Errors
/// The failure that the body is: an error, or no completion at all.
pub(crate) fn completion(body: &[u8], signature: &Signature) -> Result<Whole, Failure> {
    match Completion::read(body) {
        Ok(completion) if completion.error().is_none() && completion.has_answer() => Ok(Whole {
            body: completion.signed(signature),
            tokens: completion.tokens(),
        }),
        Ok(completion) => Err(Failure::inside_success(body, completion.error().is_some())),
        Err(_) => Err(Failure::inside_success(body, false)),
    }
}

/// Makes the events of a stream canonical, and sees to its end: one `[DONE]` after an answer that
/// finished, an error the caller can see after one that did not.
#[derive(Debug)]
pub(crate) struct Signer {
    decoder: Decoder,
    state: State,
}

/// What was seen of the stream.
#[derive(Debug)]
struct State {
    signature: Signature,
    provider: String,
    /// The caller's own credential that the provider was sent, if it was one.
    secret: Option<Secret>,
    finished: bool,
    done: bool,
    /// An error ended the answer: nothing of what follows is passed on.
    failed: bool,
    /// The tokens, where the provider says.
    tokens: Option<Tokens>,
    /// What the chunks look like at the moment.
    pattern: Option<Pattern>,
}

impl Signer {
    /// `provider` is the name that errors give, `secret` what they must not repeat.
    pub(crate) fn new(signature: Signature, provider: &str, secret: Option<&Secret>) -> Self {
        Self {
            decoder: Decoder::default(),
            state: State {
                signature: signature.of_chunks(),
                provider: provider.to_owned(),
                secret: secret.cloned(),
                finished: false,
                done: false,
                failed: false,
                tokens: None,
                pattern: None,
            },
        }
    }

    /// The tokens, as far as the provider has said.
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        self.state.tokens
    }

    /// Whether the answer ended in an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.failed
    }

    /// A chunk of the stream: what is to leave in its place. Events leave when they are whole.
    pub(crate) fn chunk(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len().saturating_add(256));
        let state = &mut self.state;
        self.decoder
            .feed(chunk, |event| state.event(&event, &mut out));
        if end {
            self.decoder.finish(|event| state.event(&event, &mut out));
            state.end(&mut out);
        }
        out
    }
}

impl State {
    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.failed {
            return;
        }
        if event.is_done() {
            if !std::mem::replace(&mut self.done, true) {
                out.extend_from_slice(event.raw());
            }
            return;
        }
        if self.repeats(event, out) {
            return;
        }
        let chunk = event.data().and_then(|data| Completion::read(data).ok());
        let Some(chunk) = chunk else {
            // Comments, pings, and what is no JSON.
            out.extend_from_slice(event.raw());
            return;
        };
        if let (Some(_), Some(data)) = (chunk.error(), event.data()) {
            let failure = Failure::inside_success(data, true);
            let error = failure.api_error(&self.provider, self.secret.as_ref());
            self.fail(&error, out);
            return;
        }
        self.finished |= chunk.is_finished();
        if let Some(tokens) = chunk.tokens() {
            self.tokens = Some(tokens);
        }
        event.rewrite(out, |out| chunk.sign(&self.signature, out));
        self.pattern = chunk.pattern(&self.signature);
    }

    /// Signs a chunk that is like the one before, but for what it says: nothing else is to be learned from it.
    fn repeats(&self, event: &Event<'_>, out: &mut Vec<u8>) -> bool {
        let (Some(pattern), Some(data)) = (&self.pattern, event.data()) else {
            return false;
        };
        let before = out.len();
        let mut fits = false;
        event.rewrite(out, |out| fits = pattern.sign(data, out));
        if !fits {
            out.truncate(before);
        }
        fits
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.failed || self.done {
            return;
        }
        if !out.is_empty() && !out.ends_with(b"\n\n") && !out.ends_with(b"\r\n\r\n") {
            // The last event lacked the blank line that ends it.
            out.extend_from_slice(b"\n\n");
        }
        if self.finished {
            out.extend_from_slice(b"data: [DONE]\n\n");
            return;
        }
        let message = format!("The provider {} broke off its answer.", self.provider);
        let mut error = ApiError::new(502, message);
        error.metadata.provider_name = Some(self.provider.clone());
        self.fail(&error, out);
    }

    /// The documented end of a stream in which something went wrong.
    fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        self.failed = true;
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.signature.error_chunk(&error.object()));
        out.extend_from_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::route::Operation;

    /// What leaves of a stream that is cut in two.
    fn streamed(stream: &str, cut: usize) -> String {
        let mut signer = Signer::new(
            Signature::new("gen-1-x", "a/b", "P", Operation::ChatCompletions),
            "P",
            Some(&Secret::from("own-secret")),
        );
        let (head, tail) = stream.as_bytes().split_at(cut);
        let mut out = signer.chunk(head, false);
        out.extend(signer.chunk(tail, false));
        out.extend(signer.chunk(b"", true));
        String::from_utf8(out).unwrap()
    }

    /// The members that every event gets in front.
    const SIGNED: &str = r#""id":"gen-1-x","provider":"P","model":"a/b","object":"chat.completion.chunk","created":1"#;
    const WORD: &str = r#""choices":[{"delta":{"content":"世"}}]"#;
    const LAST: &str = r#""choices":[{"native_finish_reason":"stop","finish_reason":"stop"}]"#;

    #[test]
    fn streams_are_signed_however_they_are_cut() {
        let last = LAST.replace(r#""native_finish_reason":"stop","#, "");
        let stream =
            format!(": ping\n\ndata: {{{WORD}}}\r\n\r\ndata: {{{last}}}\n\ndata: [DONE]\n\n");
        let expected = format!(
            ": ping\n\ndata: {{{SIGNED},{WORD}}}\r\n\r\ndata: {{{SIGNED},{LAST}}}\n\ndata: [DONE]\n\n"
        );
        for cut in 0..=stream.len() {
            assert_eq!(streamed(&stream, cut), expected, "cut at {cut}");
        }
    }

    #[test]
    fn words_like_the_one_before_are_signed_as_that_one() {
        let words = ["a", "", r#"\" }]"#, "wörd"].map(|said| WORD.replace("世", said));
        let other = r#""choices":[{"delta":{"tool_calls":[]}}]"#.to_owned();
        let chunks = [&words[..], &[other], &words[..]].concat();
        let data = |prefix: &str| -> String {
            let each = chunks
                .iter()
                .map(|chunk| format!("event: x\ndata: {{{prefix}{chunk}}}\n\n"));
            each.collect()
        };
        let last = format!("data: {{{SIGNED},{LAST}}}\n\ndata: [DONE]\n\n");
        let stream = format!("{}data: {{{LAST}}}\n\n", data(""));
        let expected = format!("{}{last}", data(&format!("{SIGNED},")));
        assert_eq!(streamed(&stream, 5), expected);
    }

    #[test]
    fn every_stream_ends_once() {
        let (word, last) = (
            format!("data: {{{WORD}}}\n\n"),
            format!("data: {{{LAST}}}\n\n"),
        );
        let (done, signed_word) = ("data: [DONE]\n\n", format!("data: {{{SIGNED},{WORD}}}\n\n"));
        let finished = format!("{signed_word}data: {{{SIGNED},{LAST}}}\n\ndata: [DONE]\n\n");
        assert_eq!(
            streamed(&format!("{word}{last}"), 5),
            finished,
            "a missing end"
        );
        assert_eq!(
            streamed(&format!("{word}{last}{done}{done}"), 5),
            finished,
            "a doubled end"
        );
        assert_eq!(
            streamed(&format!("{word}{}", last.trim_end()), 5),
            finished,
            "a missing blank line"
        );
        assert_eq!(
            streamed(&format!("{word}{done}"), 5),
            format!("{signed_word}{done}")
        );
    }

    #[test]
    fn what_goes_wrong_after_content_is_visible_and_the_end() {
        let error = |code: u16, message: &str, raw: &str| {
            let metadata = format!(r#"{{"provider_name":"P"{raw}}}"#);
            format!(
                r#"data: {{{SIGNED},"error":{{"code":{code},"message":"{message}","metadata":{metadata}}},"choices":[{{"index":0,"delta":{{"content":""}},"finish_reason":"error"}}]}}"#
            ) + "\n\n"
        };
        let (word, signed_word) = (
            format!("data: {{{WORD}}}\n\n"),
            format!("data: {{{SIGNED},{WORD}}}\n\n"),
        );
        let broke_off = error(502, "The provider P broke off its answer.", "");
        assert_eq!(streamed(&word, 5), format!("{signed_word}{broke_off}"));
        let event = r#"{"error":{"code":429,"message":"Slow"}}"#;
        let raw = format!(r#","raw":{}"#, meshrouter_wire::json::literal(event));
        let stream = format!("{word}data: {event}\n\n{word}data: [DONE]\n\n");
        assert_eq!(
            streamed(&stream, 5),
            format!("{signed_word}{}", error(429, "Slow", &raw))
        );
        let stream = format!("{word}data: {}\n\n", event.replace("Slow", "own-secret"));
        let found = streamed(&stream, 5);
        assert!(found.contains(r#""message":"[redacted]""#), "{found}");
        assert!(!found.contains("own-secret"), "{found}");
    }

    #[test]
    fn what_is_no_completion_is_a_failure() {
        let signature = Signature::new("g", "a/b", "P", Operation::ChatCompletions);
        let odd = r#"{"message": "quota exceeded"}"#;
        let error = r#"{"error": {"message": "x"}}"#;
        for body in ["", "null", "<html>", "{}", odd, error] {
            assert!(completion(body.as_bytes(), &signature).is_err(), "{body}");
        }
        assert!(completion(b"{\"choices\": []}", &signature).is_ok());
    }
}
