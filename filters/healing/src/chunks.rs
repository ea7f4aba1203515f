//! Streams of chunks: the content of every choice, rewritten event by event.

use std::borrow::Cow;

use meshrouter_wire::completion::{Delta, deltas};
use meshrouter_wire::json::{Kind, Patch, literal};
use meshrouter_wire::sse::{Decoder, Event};

use crate::report::{Report, Verdict};
use crate::stream::{Emitter, Roots};

/// The most choices that are repaired; of more, the rest pass as they are.
const MAX_CHOICES: usize = 128;

/// Repairs a stream of server-sent events.
#[derive(Debug)]
pub(crate) struct Chunks {
    decoder: Decoder,
    choices: Choices,
}

#[derive(Debug)]
struct Choices {
    roots: Roots,
    open: Vec<Choice>,
    report: Report,
    /// The last chunk that had choices: what says the rest where a stream ends without a last word.
    last: Vec<u8>,
}

#[derive(Debug)]
struct Choice {
    index: u64,
    emitter: Emitter,
    finished: bool,
}

impl Chunks {
    pub(crate) fn new(roots: Roots) -> Self {
        Self {
            decoder: Decoder::default(),
            choices: Choices {
                roots,
                open: Vec::new(),
                report: Report::default(),
                last: Vec::new(),
            },
        }
    }

    /// A piece of the stream: what is to leave in its place.
    pub(crate) fn chunk(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len());
        let choices = &mut self.choices;
        self.decoder
            .feed(chunk, |event| choices.event(&event, &mut out));
        if end {
            self.decoder.finish(|event| choices.event(&event, &mut out));
            choices.close(&mut out);
        }
        out
    }

    /// What became of the choices that are finished.
    pub(crate) fn report(&self) -> Report {
        self.choices.report
    }
}

impl Choices {
    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if event.is_done() {
            self.close(out);
        }
        let healed = event.data().and_then(|data| self.data(data));
        match healed {
            Some(data) => out.extend_from_slice(&event.with_data(&data)),
            None => out.extend_from_slice(event.raw()),
        }
    }

    /// A chunk with its contents rewritten; `None` where there are none.
    fn data(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let (deltas, list) = deltas(data).ok()?;
        let mut patch = Patch::of(data);
        for delta in &deltas {
            self.delta(delta, &mut patch);
        }
        if list.is_some() && !deltas.is_empty() {
            data.clone_into(&mut self.last);
        }
        (!patch.is_empty()).then(|| patch.finish()).flatten()
    }

    fn delta(&mut self, delta: &Delta<'_>, patch: &mut Patch<'_>) {
        let content = delta.content.filter(|content| content.kind == Kind::String);
        // Half a surrogate pair is no text: the other half may come with the next chunk, and be lost, too.
        let text = content.map(|content| content.text().unwrap_or(Cow::Borrowed("\u{fffd}")));
        if text.is_none() && !self.open.iter().any(|choice| choice.index == delta.index) {
            return;
        }
        let Some(choice) = self.choice(delta.index) else {
            return;
        };
        if choice.finished {
            // Nothing belongs behind the end of a document.
            if text.is_some() {
                delta.say("", patch);
            }
            return;
        }
        let mut said = choice.emitter.push(text.as_deref().unwrap_or_default());
        if let Some(reason) = delta.finish_reason.as_deref() {
            choice.finished = true;
            let (verdict, kinds) = match reason {
                // What the token limit cut off is not there to be repaired, nor what an error did.
                "length" => (Verdict::Truncated, choice.emitter.kinds()),
                "error" => (Verdict::Failed, choice.emitter.kinds()),
                _ => {
                    said.push_str(&choice.emitter.finish());
                    choice.emitter.verdict()
                }
            };
            self.report.add(verdict, kinds);
        }
        if text.is_some() || !said.is_empty() {
            delta.say(&said, patch);
        }
    }

    fn choice(&mut self, index: u64) -> Option<&mut Choice> {
        let known = self.open.iter().position(|choice| choice.index == index);
        let place = match known {
            Some(place) => place,
            None if self.open.len() < MAX_CHOICES => {
                self.open.push(Choice {
                    index,
                    emitter: Emitter::new(self.roots),
                    finished: false,
                });
                self.open.len().saturating_sub(1)
            }
            None => return None,
        };
        self.open.get_mut(place)
    }

    /// Ends the choices that have not said that they are finished, in a chunk of their own.
    fn close(&mut self, out: &mut Vec<u8>) {
        for choice in self.open.iter_mut().filter(|choice| !choice.finished) {
            choice.finished = true;
            let said = choice.emitter.finish();
            let (verdict, kinds) = choice.emitter.verdict();
            self.report.add(verdict, kinds);
            let list = deltas(&self.last).ok().and_then(|(_, list)| list);
            let Some(list) = list.filter(|_| !said.is_empty()) else {
                continue;
            };
            let choices = format!(
                r#"[{{"index":{},"delta":{{"content":{}}},"finish_reason":null}}]"#,
                choice.index,
                literal(&said)
            );
            let mut patch = Patch::of(&self.last);
            patch.replace(list.start..list.end(), choices.as_bytes());
            if let Some(data) = patch.finish() {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(&data);
                out.extend_from_slice(b"\n\n");
            }
        }
    }
}
