//! Reads the usage out of a response on its way through, and writes the cost into it.

use meshrouter_core::document::Pricing;
use meshrouter_core::money::Usd;
use meshrouter_core::usage::Usage;
use meshrouter_wire::completion::Completion;
use meshrouter_wire::sse::{Decoder, Event};

/// Counts one response at one endpoint's prices.
#[derive(Debug)]
pub(crate) struct Meter {
    pricing: Pricing,
    /// Whether the caller wants a stream's usage chunk.
    include_usage: bool,
    decoder: Decoder,
    usage: Option<Usage>,
}

impl Meter {
    pub(crate) fn new(pricing: Pricing, include_usage: bool) -> Self {
        Self {
            pricing,
            include_usage,
            decoder: Decoder::default(),
            usage: None,
        }
    }

    /// The usage, as far as it is known; where a provider repeats it, the last one.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// What it costs.
    pub(crate) fn cost(&self) -> Usd {
        self.usage
            .map_or(Usd::default(), |usage| usage.cost(&self.pricing))
    }

    /// A whole completion: the body with its cost; `None` where there is nothing to change.
    pub(crate) fn completion(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let completion = Completion::read(body).ok()?;
        self.usage = Some(completion.usage()?);
        Some(completion.with_cost(&self.cost().to_string()))
    }

    /// A chunk of a stream: what is to leave in its place.
    pub(crate) fn chunk(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut out = Vec::with_capacity(chunk.len() + 32);
        decoder.feed(chunk, |event| self.event(&event, &mut out));
        if end {
            decoder.finish(|event| self.event(&event, &mut out));
        }
        self.decoder = decoder;
        out
    }

    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self.with_cost(event) {
            Some(Priced::Changed(bytes)) => out.extend_from_slice(&bytes),
            Some(Priced::Dropped) => {}
            None => out.extend_from_slice(event.raw()),
        }
    }

    /// What becomes of an event that carries usage; `None` for all others.
    fn with_cost(&mut self, event: &Event<'_>) -> Option<Priced> {
        let data = event.data()?;
        // Almost no event of a stream carries usage: the search costs less than a parse.
        memchr::memmem::find(data, b"\"usage\"")?;
        let completion = Completion::read(data).ok()?;
        self.usage = Some(completion.usage()?);
        if completion.is_usage_only() && !self.include_usage {
            return Some(Priced::Dropped);
        }
        let data = completion.with_cost(&self.cost().to_string());
        Some(Priced::Changed(event.with_data(&data).into_owned()))
    }
}

/// What becomes of an event that carries usage.
enum Priced {
    /// It leaves with its cost.
    Changed(Vec<u8>),
    /// The caller did not ask for it.
    Dropped,
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::money::Price;

    fn meter(include_usage: bool) -> Meter {
        let pricing = Pricing {
            prompt: Price::parse("0.000001").unwrap(),
            completion: Price::parse("0.000002").unwrap(),
            ..Pricing::default()
        };
        Meter::new(pricing, include_usage)
    }

    const STREAM: &str = concat!(
        ": PING\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"a \\\"usage\\\" of 世界\"}}],\"usage\":null}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n",
        "data: [DONE]\n\n",
    );

    fn streamed(include_usage: bool, cut: usize) -> (String, Meter) {
        let mut meter = meter(include_usage);
        let (head, tail) = STREAM.as_bytes().split_at(cut);
        let mut out = meter.chunk(head, false);
        out.extend(meter.chunk(tail, true));
        (String::from_utf8(out).unwrap(), meter)
    }

    #[test]
    fn streams_are_counted_however_they_are_cut() {
        let priced = STREAM
            .replace(
                r#"{"prompt_tokens":1}"#,
                r#"{"cost":0.000001,"prompt_tokens":1}"#,
            )
            .replace(
                r#"{"prompt_tokens":10,"#,
                r#"{"cost":0.00002,"prompt_tokens":10,"#,
            );
        for cut in 0..=STREAM.len() {
            let (out, meter) = streamed(true, cut);
            assert_eq!(out, priced, "cut at {cut}");
            assert_eq!(
                meter.usage().unwrap().prompt_tokens,
                10,
                "the last one counts"
            );
            assert_eq!(meter.cost().nano(), 20_000);
        }
    }

    #[test]
    fn the_usage_chunk_is_for_those_who_asked() {
        let (out, meter) = streamed(false, 100);
        assert!(!out.contains("\"choices\":[]") && out.contains("\"prompt_tokens\":1}"));
        assert!(out.ends_with("data: [DONE]\n\n"));
        assert_eq!(meter.cost().nano(), 20_000);
    }

    #[test]
    fn completions_get_their_cost() {
        let mut meter = meter(false);
        let out = meter.completion(br#"{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}"#);
        assert_eq!(
            String::from_utf8(out.unwrap()).unwrap(),
            r#"{"usage": {"cost":0.000003,"prompt_tokens": 1, "completion_tokens": 1}}"#
        );
    }

    #[test]
    fn without_usage_nothing_changes() {
        for body in ["", "null", "{}", r#"{"usage": null}"#, r#"{"usage": 3}"#] {
            let mut meter = meter(true);
            assert_eq!(meter.completion(body.as_bytes()), None);
            assert_eq!((meter.usage(), meter.cost().nano()), (None, 0));
        }
    }
}
