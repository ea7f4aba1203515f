//! Reads what a response took on its way through, and writes the bill into it.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use meshrouter_core::tokens::Family;
use meshrouter_core::usage::Usage;
use meshrouter_wire::completion::{Completion, Reported, Signature, said};
use meshrouter_wire::sse::{Decoder, Event};

use crate::bill::{Bill, Terms};
use crate::pattern::Pattern;
use crate::transcript::Transcript;

/// What there is to know of a response before it comes.
#[derive(Debug)]
pub(crate) struct Metering {
    pub(crate) terms: Terms,
    /// How the model counts, and what the prompt is to it: where the provider does not say.
    pub(crate) family: Family,
    pub(crate) prompt_tokens: u64,
    /// Of a stream's usage chunk, where the caller wants it and the router has to write it.
    pub(crate) usage_chunk: Option<Signature>,
}

/// Almost no event of a stream carries usage: the search costs less than a parse.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));

/// Counts one response at one endpoint.
#[derive(Debug)]
pub(crate) struct Meter {
    known: Metering,
    decoder: Decoder,
    /// Bytes of the stream that wait for the end of their event.
    held: usize,
    transcript: Transcript,
    pattern: Pattern,
    seen: Seen,
}

/// What was seen of the response.
#[derive(Debug, Default)]
struct Seen {
    /// Where a provider repeats it, the last one.
    usage: Option<Usage>,
    /// There was an answer, whatever it said.
    answer: bool,
    /// How it ended: an error before all others.
    finish: Option<&'static str>,
}

impl Meter {
    pub(crate) fn new(known: Metering) -> Self {
        Self {
            known,
            decoder: Decoder::default(),
            held: 0,
            transcript: Transcript::default(),
            pattern: Pattern::default(),
            seen: Seen::default(),
        }
    }

    /// What is to be paid for what came so far; `None` where nothing came.
    pub(crate) fn bill(&self) -> Option<Bill> {
        let terms = &self.known.terms;
        if let Some(usage) = self.seen.usage {
            return Some(terms.bill(usage, false, self.seen.finish));
        }
        self.seen.answer.then(|| {
            let completion = self.transcript.tokens(self.known.family);
            let usage = Usage::estimated(self.known.prompt_tokens, completion);
            terms.bill(usage, true, self.seen.finish)
        })
    }

    /// The stream was cut off, and not by its caller: an error, unless the answer had ended by then.
    pub(crate) fn broke_off(&mut self) {
        self.seen.finish.get_or_insert("error");
    }

    /// How the answer ended, where it has.
    pub(crate) fn finish(&self) -> Option<&'static str> {
        self.seen.finish
    }

    /// A whole completion: the body with its bill; `None` where there is nothing to change.
    pub(crate) fn completion(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        // Attempts let nothing pass that is no completion.
        if let Some(reported) = Reported::find(body) {
            let before = self.seen.usage.replace(reported.usage());
            self.hear(body);
            if let Some(priced) = reported.with(&Bill::MEMBERS, &self.bill()?.json()) {
                return Some(priced);
            }
            self.seen.usage = before;
        }
        let completion = Completion::read(body).ok()?;
        self.seen.usage = completion.usage();
        self.hear(body);
        self.seen.answer = completion.has_answer();
        Some(with_bill(&completion, &self.bill()?))
    }

    /// A chunk of a stream: what is to leave in its place; `None` for the chunk itself.
    pub(crate) fn chunk(&mut self, chunk: &[u8], end: bool) -> Option<Vec<u8>> {
        if let Some(said) = self
            .pattern
            .said(chunk)
            .filter(|_| !end && !self.decoder.waits())
        {
            if self.seen.usage.is_none() {
                self.transcript.add(said);
            }
            return None;
        }
        if let Some(data) = self.decoder.only_data(chunk).filter(|_| !end)
            && is_plain(data)
        {
            if let Some(said) = self.hear(data) {
                self.pattern.learn(chunk, said);
            }
            return None;
        }
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut out = Leaving::with_capacity(chunk.len() + 32);
        decoder.feed(chunk, |event| self.event(&event, &mut out));
        if end {
            decoder.finish(|event| self.event(&event, &mut out));
        }
        self.decoder = decoder;
        let held = self.held.saturating_add(chunk.len());
        let was_held = std::mem::replace(&mut self.held, held.saturating_sub(out.passed));
        let is_chunk = was_held == 0 && self.held == 0 && !out.is_changed;
        (!is_chunk).then_some(out.bytes)
    }

    fn event(&mut self, event: &Event<'_>, out: &mut Leaving) {
        out.passed = out.passed.saturating_add(event.raw().len());
        let Some(data) = event.data() else {
            out.bytes.extend_from_slice(event.raw());
            return;
        };
        match self.data(data) {
            None if event.is_done() => self.done(event, out),
            None => out.bytes.extend_from_slice(event.raw()),
            Some(Priced::Changed(data)) => out.change(&event.with_data(&data)),
            Some(Priced::Dropped) => out.change(b""),
        }
    }

    /// What becomes of the data of an event that carries usage; `None` for all others.
    fn data(&mut self, data: &[u8]) -> Option<Priced> {
        self.hear(data);
        USAGE.find(data)?;
        let completion = Completion::read(data).ok()?;
        self.seen.usage = Some(completion.usage()?);
        if completion.is_usage_only() && self.known.usage_chunk.is_none() {
            return Some(Priced::Dropped);
        }
        let bill = self.bill()?;
        Some(Priced::Changed(with_bill(&completion, &bill)))
    }

    /// The end of a stream, behind the usage chunk that the caller asked for, if the provider did not send it.
    fn done(&self, event: &Event<'_>, out: &mut Leaving) {
        let bill = self.bill().filter(|bill| bill.estimated);
        let Some((bill, signature)) = bill.zip(self.known.usage_chunk.as_ref()) else {
            out.bytes.extend_from_slice(event.raw());
            return;
        };
        let chunk = signature.usage_chunk(&borrowed(&bill.members()));
        // What is left of the line before it comes first: the LF of a CRLF that was cut in two.
        let done = event.raw().trim_ascii_start();
        let line = event.raw().strip_suffix(done).unwrap_or_default();
        out.change(&[line, b"data: ", &chunk, b"\n\n", done].concat());
    }

    /// Takes note of what is said, and tells it where it is one string of an answer that goes on.
    fn hear<'a>(&mut self, data: &'a [u8]) -> Option<&'a [u8]> {
        let is_counted = self.seen.usage.is_none();
        let (mut strings, mut last) = (0_u32, None);
        let said = said(data, |text| {
            strings = strings.saturating_add(1);
            last = Some(text);
            if is_counted {
                self.transcript.add(text);
            }
        });
        self.seen.answer |= said.answers;
        if self.seen.finish != Some("error") {
            self.seen.finish = said.finish.or(self.seen.finish);
        }
        last.filter(|_| strings == 1 && said.finish.is_none())
    }
}

/// Whether an event with this data leaves as it is.
fn is_plain(data: &[u8]) -> bool {
    USAGE.find(data).is_none() && data.trim_ascii() != b"[DONE]"
}

/// The completion with what the bill adds to its usage.
fn with_bill(completion: &Completion<'_>, bill: &Bill) -> Vec<u8> {
    completion.with_usage(&borrowed(&bill.members()))
}

fn borrowed<'a>(members: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let members = members.iter();
    members.map(|(name, json)| (*name, json.as_str())).collect()
}

/// What leaves in the place of a chunk.
struct Leaving {
    bytes: Vec<u8>,
    /// How many bytes of the stream it stands for.
    passed: usize,
    /// It is not these bytes.
    is_changed: bool,
}

impl Leaving {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            passed: 0,
            is_changed: false,
        }
    }

    fn change(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.is_changed = true;
    }
}

/// What becomes of an event that carries usage.
enum Priced {
    /// It leaves with its bill.
    Changed(Vec<u8>),
    /// The caller did not ask for it.
    Dropped,
}

#[cfg(test)]
mod tests;
