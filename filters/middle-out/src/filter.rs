//! The filter: compresses a request that is too long for its candidate, where it may.

use std::rc::Rc;

use meshrouter_core::carried::Carried;
use meshrouter_core::facts::Attempt;
use meshrouter_core::names::{header, property};
use meshrouter_core::{ApiError, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply, send_whole};
use serde::Deserialize;

use crate::fit::{Fit, Unfit, fit};

/// What it reads of the document. Of models and endpoints `fallback` tells it what it needs.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// Whether a reply would be the caller's, and not lead on to the next candidate.
    #[serde(default)]
    native: bool,
}

/// Fits the messages to the context of the attempt's candidate.
#[derive(Debug)]
pub struct MiddleOut {
    settings: Rc<Settings>,
    /// The attempt, where its prompt is to be compressed.
    attempt: Option<Attempt>,
}

impl Filter for MiddleOut {
    type Document = Settings;
    type Settings = Settings;

    const NAME: &'static str = "middle-out";

    fn configure(document: Settings) -> Result<Settings, DocumentError> {
        Ok(document)
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            attempt: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let attempt = host.property(&[property::ATTEMPT]);
        self.attempt = attempt.and_then(|bytes| Attempt::decode(&bytes));
        // The headers carry the body's length, which is about to change.
        match self.attempt {
            Some(_) => Flow::Pause,
            None => Flow::Continue,
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(attempt) = &self.attempt else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let body = host.body(Direction::Request);
        match fit(&body, attempt.scale.tokenizer(), &attempt.limits) {
            Fit::Fits => Flow::Continue,
            Fit::Compressed { body, .. } => {
                host.set_property(property::COMPRESSED, b"1");
                send_whole(host, Direction::Request, &body);
                Flow::Continue
            }
            // The provider will say so itself, and that leads on.
            Fit::Unfit(_) if self.settings.native => Flow::Continue,
            Fit::Unfit(unfit) => {
                let message = words(unfit, attempt);
                let reply = Reply::from(ApiError::new(400, message));
                host.reply(&reply.with(header::UNFIT, "1"));
                Flow::Replied
            }
        }
    }
}

/// What a caller reads whose prompt is too long even with its middle left out.
fn words(unfit: Unfit, attempt: &Attempt) -> String {
    let Attempt {
        model: name,
        scale,
        context,
        limits,
    } = attempt;
    match unfit {
        Unfit::TooLong { weight } => {
            let (least, completion) = (scale.tokens(weight), limits.completion);
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
