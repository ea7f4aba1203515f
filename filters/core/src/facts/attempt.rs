//! [`AttemptRequest`] as a header's value: every attempt reads one, so it is read without serde.

use super::{AttemptRequest, MemberSpan, Transforms};
use crate::carried::text::{Reader, Writer};
use crate::reasoning::{EFFORTS, Reasoning};
use crate::route::Operation;
use crate::tokens::Estimate;

/// What is written as a place in a list, in the order of the declarations.
const OPERATIONS: [Operation; 3] = [
    Operation::ChatCompletions,
    Operation::Completions,
    Operation::Embeddings,
];
const TRANSFORMS: [Transforms; 3] = [Transforms::Default, Transforms::Off, Transforms::MiddleOut];
const NO_AND_YES: [bool; 2] = [false, true];
const MAYBE_NO_OR_YES: [Option<bool>; 3] = [None, Some(false), Some(true)];

impl AttemptRequest {
    /// As a header's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::with_capacity(256);
        to.text(&self.generation);
        to.number(self.operation as u64);
        to.number(self.stream.into());
        for weight in self.estimate.weights() {
            to.number(*weight);
        }
        to.number(self.message_count);
        to.number(self.has_media.into());
        to.maybe(self.max_tokens);
        to.number(self.transforms as u64);
        write_reasoning(&mut to, &self.reasoning);
        to.maybe(self.conversation);
        to.text(&self.key);
        to.number(self.started);
        to.list(&self.thinking, |to, model| to.text(model));
        to.list(&self.online, |to, model| to.text(model));
        to.list(&self.members, write_span);
        to.size(self.body_length);
        to.finish()
    }

    /// Reads the header's value; `None` where [`encode`](Self::encode) did not write it.
    #[must_use]
    pub fn decode(text: &[u8]) -> Option<Self> {
        let mut from = Reader(text);
        Some(Self {
            generation: from.text()?,
            operation: from.one_of(&OPERATIONS)?,
            stream: from.one_of(&NO_AND_YES)?,
            estimate: Estimate::read(|| from.number())?,
            message_count: from.number()?,
            has_media: from.one_of(&NO_AND_YES)?,
            max_tokens: from.maybe()?,
            transforms: from.one_of(&TRANSFORMS)?,
            reasoning: read_reasoning(&mut from)?,
            conversation: from.maybe()?,
            key: from.text()?,
            started: from.number()?,
            thinking: from.list(Reader::text)?,
            online: from.list(Reader::text)?,
            members: from.list(read_span)?,
            body_length: from.size()?,
        })
    }
}

fn write_reasoning(to: &mut Writer, reasoning: &Reasoning) {
    to.maybe(reasoning.effort.map(|effort| effort as u64));
    to.maybe(reasoning.max_tokens);
    let enabled = reasoning.enabled;
    to.number(enabled.map_or(0, |enabled| u64::from(enabled) + 1));
    to.number(reasoning.exclude.into());
}

fn read_reasoning(from: &mut Reader<'_>) -> Option<Reasoning> {
    let effort = match from.one_of(&NO_AND_YES)? {
        true => Some(from.one_of(&EFFORTS)?),
        false => None,
    };
    Some(Reasoning {
        effort,
        max_tokens: from.maybe()?,
        enabled: from.one_of(&MAYBE_NO_OR_YES)?,
        exclude: from.one_of(&NO_AND_YES)?,
    })
}

fn write_span(to: &mut Writer, span: &MemberSpan) {
    to.text(&span.name);
    for offset in [span.start, span.value, span.end] {
        to.size(offset);
    }
}

fn read_span(from: &mut Reader<'_>) -> Option<MemberSpan> {
    Some(MemberSpan {
        name: from.text()?,
        start: from.size()?,
        value: from.size()?,
        end: from.size()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(request: &AttemptRequest) {
        let header = request.encode();
        assert!(header.iter().all(|byte| matches!(byte, b' '..=b'~')));
        assert_eq!(AttemptRequest::decode(&header).as_ref(), Some(request));
        for length in 0..header.len() {
            assert_eq!(AttemptRequest::decode(&header[..length]), None);
        }
    }

    #[test]
    fn attempt_requests_round_trip() {
        round_trip(&AttemptRequest::default());
        round_trip(&AttemptRequest {
            generation: "gen-1".to_owned(),
            operation: Operation::Embeddings,
            stream: true,
            estimate: Estimate::of_tokens(1 << 40),
            message_count: 1_000,
            has_media: true,
            max_tokens: Some(u64::MAX),
            transforms: Transforms::MiddleOut,
            reasoning: Reasoning::default(),
            conversation: Some(u64::MAX),
            key: "Zoë's \"🔑\"".to_owned(),
            started: u64::MAX,
            thinking: vec!["a/b".to_owned()],
            online: vec!["a/b".to_owned(), "c/d:free".to_owned()],
            members: vec![MemberSpan {
                name: "model".to_owned(),
                start: 0,
                value: 9,
                end: 14,
            }],
            body_length: usize::MAX,
        });
    }

    #[test]
    fn all_that_is_a_place_in_a_list_round_trips() {
        for operation in OPERATIONS {
            round_trip(&AttemptRequest {
                operation,
                ..AttemptRequest::default()
            });
        }
        for transforms in TRANSFORMS {
            round_trip(&AttemptRequest {
                transforms,
                ..AttemptRequest::default()
            });
        }
        let efforts = EFFORTS.into_iter().map(Some).chain([None]);
        for (effort, enabled) in efforts.zip(MAYBE_NO_OR_YES.into_iter().cycle()) {
            let reasoning = Reasoning {
                effort,
                max_tokens: Some(5),
                enabled,
                exclude: effort.is_none(),
            };
            round_trip(&AttemptRequest {
                reasoning,
                ..AttemptRequest::default()
            });
        }
    }
}
