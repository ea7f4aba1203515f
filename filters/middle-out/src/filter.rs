//! The filter: compresses a request that is too long for its candidate, where it may.

use std::rc::Rc;

use meshrouter_core::carried::Carried;
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::Attempt;
use meshrouter_core::limits::Limits;
use meshrouter_core::names::{header, property};
use meshrouter_core::{ApiError, Catalog, Document, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply, send_whole};

use crate::fit::{Fit, Unfit, fit};

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    /// Whether a reply would be the caller's, and not lead on to the next candidate.
    native: bool,
}

/// Fits the messages to the context of the attempt's candidate.
#[derive(Debug)]
pub struct MiddleOut {
    settings: Rc<Settings>,
    /// The attempt, where its prompt is to be compressed, and to what.
    exceeded: Option<(Attempt, Limits)>,
}

impl Filter for MiddleOut {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "middle-out";

    fn configure(document: Document) -> Result<Settings, DocumentError> {
        Ok(Settings {
            native: document.native,
            catalog: Catalog::compile(document)?,
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            exceeded: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let attempt = host.property(&[property::ATTEMPT]);
        let attempt = attempt.and_then(|bytes| Attempt::decode(&bytes));
        self.exceeded = attempt.and_then(|attempt| {
            let endpoint = self.settings.catalog.endpoint(&attempt.candidate)?;
            let limits = attempt.prompt.exceeds(endpoint)?;
            Some((attempt, limits))
        });
        // The headers carry the body's length, which is about to change.
        if self.exceeded.is_some() {
            Flow::Pause
        } else {
            Flow::Continue
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some((attempt, limits)) = &self.exceeded else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let Some(endpoint) = self.settings.catalog.endpoint(&attempt.candidate) else {
            return Flow::Continue;
        };
        let tokenizer = endpoint.family.tokenizer();
        match fit(&host.body(Direction::Request), tokenizer, limits) {
            Fit::Fits => Flow::Continue,
            Fit::Compressed { body, .. } => {
                host.set_property(property::COMPRESSED, b"1");
                send_whole(host, Direction::Request, &body);
                Flow::Continue
            }
            // The provider will say so itself, and that leads on.
            Fit::Unfit(_) if self.settings.native => Flow::Continue,
            Fit::Unfit(unfit) => {
                let message = words(unfit, attempt, endpoint, limits);
                let reply = Reply::from(ApiError::new(400, message));
                host.reply(&reply.with(header::UNFIT, "1"));
                Flow::Replied
            }
        }
    }
}

/// What a caller reads whose prompt is too long even with its middle left out.
fn words(unfit: Unfit, attempt: &Attempt, endpoint: &Endpoint, limits: &Limits) -> String {
    let name = &attempt.candidate.model;
    match unfit {
        Unfit::TooLong { weight } => {
            let least = attempt.prompt.scale(endpoint).tokens(weight);
            let (context, completion) = (endpoint.context_length, limits.completion);
            format!(
                "Even with its middle left out, this prompt needs about {least} tokens, but the context of \
                 `{name}` holds {context}, of which {completion} are kept for the completion. Shorten the \
                 system prompt, the tools or the last message, or lower `max_tokens`."
            )
        }
        Unfit::TooMany { messages } => {
            let most = limits.messages.unwrap_or_default();
            format!(
                "Even with its middle left out, this prompt has {messages} messages, but `{name}` takes \
                 {most}. Join the system messages, or send fewer results of tools at once."
            )
        }
    }
}

#[cfg(test)]
mod tests;
