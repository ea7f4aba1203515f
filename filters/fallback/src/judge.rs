//! The beginning of a provider's stream: whether it answers, held until that is known.

use meshrouter_core::document::{Hold, HoldUntil};
use meshrouter_wire::completion::Completion;
use meshrouter_wire::sse::{Decoder, Event};

use crate::cause::Cause;
use crate::failure::Failure;

/// What the beginning of a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// Nothing yet.
    Unknown,
    /// The provider answers.
    Good,
    /// An error, or no answer at all.
    Bad(Failure),
}

/// Judges a stream by its first events, and holds them. Comments are not the beginning.
#[derive(Debug)]
pub(crate) struct Judge {
    until: HoldUntil,
    max_bytes: usize,
    decoder: Decoder,
    held: Vec<u8>,
    /// Whether the time is over for which it may hold.
    expired: bool,
}

impl Judge {
    pub(crate) fn new(hold: Hold) -> Self {
        Self {
            until: hold.until,
            max_bytes: hold.max_bytes,
            decoder: Decoder::default(),
            held: Vec::new(),
            expired: false,
        }
    }

    /// Holds a piece of the stream and judges by all that has come so far.
    pub(crate) fn look(&mut self, piece: &[u8], end: bool) -> Beginning {
        let mut verdict = Beginning::Unknown;
        let until = self.until;
        let mut look = |event: Event<'_>| {
            if let (Beginning::Unknown, Some(data)) = (&verdict, event.data()) {
                verdict = judge(data, event.is_done(), until);
            }
        };
        self.held.extend_from_slice(piece);
        self.decoder.feed(piece, &mut look);
        if end {
            self.decoder.finish(&mut look);
            if verdict == Beginning::Unknown {
                return Beginning::Bad(Cause::NoCompletion.into());
            }
        }
        verdict
    }

    /// Whether it holds more than it may, or for longer.
    pub(crate) fn is_over(&self) -> bool {
        self.expired || self.held.len() > self.max_bytes
    }

    /// The time is over for which it may hold. True where nothing is held.
    pub(crate) fn expire(&mut self) -> bool {
        self.expired = true;
        self.held.is_empty()
    }

    /// What is held, which is to leave now.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// What one event with data says.
fn judge(data: &[u8], done: bool, until: HoldUntil) -> Beginning {
    let chunk = match Completion::read(data) {
        Ok(chunk) if chunk.error().is_some() => {
            return Beginning::Bad(Failure::inside_success(data, true));
        }
        Ok(chunk) if chunk.has_answer() => chunk,
        // An end without a beginning says nothing.
        _ if done => return Beginning::Bad(Cause::NoCompletion.into()),
        _ => return Beginning::Bad(Failure::inside_success(data, false)),
    };
    if until == HoldUntil::Event || chunk.has_token() {
        Beginning::Good
    } else {
        Beginning::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(until: HoldUntil) -> Judge {
        Judge::new(Hold {
            until,
            ..Hold::default()
        })
    }

    const ERROR: &str = r#"{"error":{"code":503,"message":"x"}}"#;
    const ROLE: &str = r#"{"choices":[{"delta":{"role":"assistant","content":""}}],"error":null}"#;
    const WORD: &str = r#"{"choices":[{"delta":{"content":"Hi"}}]}"#;

    fn framed(events: &[&str]) -> Vec<u8> {
        let events = events.iter().map(|data| format!("data: {data}\n\n"));
        format!(": ping\n\n{}", events.collect::<String>()).into_bytes()
    }

    #[test]
    fn the_first_token_decides() {
        let beginning = |bytes: &[u8], end| of(HoldUntil::Token).look(bytes, end);
        let nothing = Beginning::Bad(Cause::NoCompletion.into());
        let error = Beginning::Bad(Failure::inside_success(ERROR.as_bytes(), true));
        for (events, expected) in [
            (&[][..], Beginning::Unknown),
            (&[ROLE], Beginning::Unknown),
            (&[ROLE, r#"{"choices":[]}"#], Beginning::Unknown),
            (&[WORD], Beginning::Good),
            (&[ROLE, WORD], Beginning::Good),
            (&[WORD, ERROR], Beginning::Good),
            (&[ERROR], error.clone()),
            (&[ROLE, ERROR], error),
            (&["[DONE]"], nothing.clone()),
            (&[ROLE, "[DONE]"], nothing.clone()),
        ] {
            assert_eq!(beginning(&framed(events), false), expected, "{events:?}");
        }
        for first in ["{}", "<html>"] {
            let bad = Beginning::Bad(Failure::inside_success(first.as_bytes(), false));
            assert_eq!(beginning(&framed(&[first]), false), bad);
        }
        assert_eq!(beginning(&framed(&[ROLE]), true), nothing);
        let cut = format!("data: {WORD}");
        assert_eq!(beginning(cut.as_bytes(), false), Beginning::Unknown);
        assert_eq!(beginning(cut.as_bytes(), true), Beginning::Good);
    }

    #[test]
    fn any_event_decides_where_that_is_configured() {
        let beginning = |events: &[&str]| of(HoldUntil::Event).look(&framed(events), false);
        assert_eq!(beginning(&[ROLE]), Beginning::Good);
        assert!(matches!(beginning(&[ERROR]), Beginning::Bad(_)));
        assert_eq!(beginning(&[]), Beginning::Unknown);
    }

    #[test]
    fn a_beginning_in_pieces_is_held_whole() {
        let stream = framed(&[ROLE, WORD]);
        let mut judge = of(HoldUntil::Token);
        let (last, head) = stream.split_last().unwrap();
        for byte in head {
            assert_eq!(judge.look(&[*byte], false), Beginning::Unknown);
        }
        assert_eq!(judge.look(&[*last], false), Beginning::Good);
        assert!(!judge.is_over());
        assert!(!judge.expire() && judge.is_over());
        assert_eq!(judge.release(), stream);
    }
}
