//! The filter: compresses a request that is too long for its candidate, where it may.

use std::rc::Rc;

use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::{Attempt, Carried};
use meshrouter_core::names::property;
use meshrouter_core::{Catalog, Document, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};

use crate::fit::{Fit, fit};

/// The share of a context that is kept for a completion whose length the caller did not bound.
const COMPLETION_SHARE: u64 = 4;

/// Fits the messages to the context of the attempt's candidate.
#[derive(Debug)]
pub struct MiddleOut {
    catalog: Rc<Catalog>,
    /// Tokens that the prompt may have, where it has more.
    budget: Option<u64>,
}

impl Filter for MiddleOut {
    type Document = Document;
    type Settings = Catalog;

    const NAME: &'static str = "middle-out";

    fn configure(document: Document) -> Result<Catalog, DocumentError> {
        Catalog::compile(document)
    }

    fn new(catalog: Rc<Catalog>) -> Self {
        Self {
            catalog,
            budget: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let attempt = host.property(&[property::ATTEMPT]);
        let attempt = attempt.and_then(|bytes| Attempt::decode(&bytes));
        self.budget = attempt.and_then(|attempt| {
            let endpoint = self.catalog.endpoint(&attempt.candidate)?;
            exceeded_budget(&attempt, endpoint)
        });
        // The headers carry the body's length, which is about to change.
        if self.budget.is_some() {
            Flow::Pause
        } else {
            Flow::Continue
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(budget) = self.budget else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        if let Fit::Compressed { body, .. } = fit(&host.body(Direction::Request), budget) {
            send_whole(host, Direction::Request, &body);
        }
        Flow::Continue
    }
}

/// The tokens that the prompt may have, where it has more and may be compressed.
fn exceeded_budget(attempt: &Attempt, endpoint: &Endpoint) -> Option<u64> {
    let context = endpoint.context_length;
    let wanted = attempt.transforms.compresses(context);
    let share = context / COMPLETION_SHARE;
    let usual = endpoint
        .max_completion_tokens
        .map_or(share, |most| most.min(share));
    let budget = context.saturating_sub(attempt.max_tokens.unwrap_or(usual));
    (wanted && attempt.prompt_tokens > budget).then_some(budget)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::Candidate;
    use meshrouter_core::facts::Transforms;
    use meshrouter_host::fake::{Stream, settings};

    const DOCUMENT: &str = r#"{"providers": {"p": {"cluster": "p"}}, "models": [
        {"id": "a/small", "context_length": 400, "endpoints": [{"provider": "p", "pricing": {"prompt": "0", "completion": "0"}}]},
        {"id": "a/large", "context_length": 10000, "endpoints": [{"provider": "p", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

    /// What leaves of a request of 20 messages of 100 tokens each.
    fn messages_sent(model: &str, transforms: Transforms, max_tokens: Option<u64>) -> usize {
        let text = "word".repeat(96);
        let message = serde_json::json!({"role": "user", "content": text});
        let body = serde_json::json!({"model": "m", "messages": vec![message; 20]}).to_string();
        let attempt = Attempt {
            candidate: Candidate {
                own: None,
                model: model.to_owned(),
                endpoint: "p".to_owned(),
            },
            prompt_tokens: 2_000,
            max_tokens,
            transforms,
        };
        let mut stream: Stream<MiddleOut> = Stream::new(&settings::<MiddleOut>(DOCUMENT).unwrap());
        stream
            .host
            .properties
            .insert(property::ATTEMPT.to_owned(), attempt.encode());
        stream.headers(Direction::Request, &[("content-length", "0")], false);
        stream.body(Direction::Request, body.as_bytes(), true);
        let sent = stream.sent(Direction::Request);
        if sent != body {
            let length = stream.header(Direction::Request, "content-length");
            assert_eq!(length, Some(sent.len().to_string()));
        }
        let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
        sent["messages"].as_array().unwrap().len()
    }

    #[test]
    fn the_documented_defaults() {
        assert_eq!(
            messages_sent("a/large", Transforms::MiddleOut, None),
            20,
            "it fits"
        );
        assert_eq!(
            messages_sent("a/large", Transforms::MiddleOut, Some(9_500)),
            5
        );
        assert_eq!(
            messages_sent("a/large", Transforms::Default, Some(9_500)),
            20
        );
        assert_eq!(messages_sent("a/small", Transforms::Off, None), 20);
        assert!(messages_sent("a/small", Transforms::Default, None) < 20);
    }

    #[test]
    fn without_an_attempt_nothing_happens() {
        let mut stream: Stream<MiddleOut> = Stream::new(&settings::<MiddleOut>(DOCUMENT).unwrap());
        assert_eq!(
            stream.headers(Direction::Request, &[], false),
            Flow::Continue
        );
        assert_eq!(stream.body(Direction::Request, b"{}", true), Flow::Continue);
        assert_eq!(stream.sent(Direction::Request), "{}");
    }
}
