//! The filter: repairs what every choice of a completion says, and reports it.

use std::rc::Rc;

use meshrouter_core::DocumentError;
use meshrouter_core::names::{header, property};
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};
use serde::de::IgnoredAny;

use crate::chunks::Chunks;
use crate::whole::{Wanted, heal};

/// What the header says of a stream, whose end is not known yet. The record has the rest.
const STREAMED: &[u8] = b"streamed";

/// Repairs completions whose request asked for JSON and for healing.
///
/// Streams pass unless the request asks for them, too: the Response Healing page has none.
#[derive(Debug, Default)]
pub struct Healing {
    /// Of a request whose answer is to be repaired.
    shapes: Option<Vec<u8>>,
    body: Body,
}

/// What the response's body is to the filter.
#[derive(Debug, Default)]
enum Body {
    /// None of its business.
    #[default]
    Other,
    /// A completion in one piece.
    Whole(Box<Wanted>),
    /// A stream of chunks.
    Stream(Box<Chunks>),
}

impl Filter for Healing {
    /// What the document says of plugins is in the request's shapes.
    type Document = IgnoredAny;
    type Settings = ();

    const NAME: &'static str = "healing";

    fn configure(_document: IgnoredAny) -> Result<(), DocumentError> {
        Ok(())
    }

    fn new(_settings: Rc<()>) -> Self {
        Self::default()
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        self.shapes = host.property(&[property::SHAPES]);
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(shapes) = self.shapes.take().filter(|_| !end) else {
            return Flow::Continue;
        };
        let status = host.header(Direction::Response, ":status");
        if status.as_deref() != Some(b"200") {
            return Flow::Continue;
        }
        let Some(wanted) = Wanted::read(&shapes) else {
            return Flow::Continue;
        };
        if !wanted.is_stream() {
            self.body = Body::Whole(Box::new(wanted));
            return Flow::Pause;
        }
        let content_type = host.header(Direction::Response, "content-type");
        if content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            self.body = Body::Stream(Box::new(Chunks::new(wanted.roots())));
            host.remove_header(Direction::Response, "content-length");
            host.set_header(Direction::Response, header::HEALING, STREAMED);
        }
        Flow::Continue
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        match &mut self.body {
            Body::Other => Flow::Continue,
            Body::Whole(_) if !end => Flow::Pause,
            Body::Whole(wanted) => {
                let body = host.body(Direction::Response);
                let (healed, report) = heal(&body, wanted);
                if let Some(healed) = healed {
                    send_whole(host, Direction::Response, &healed);
                }
                if !report.is_empty() {
                    let said = report.to_string();
                    host.set_header(Direction::Response, header::HEALING, said.as_bytes());
                    host.set_property(property::HEALING, said.as_bytes());
                }
                Flow::Continue
            }
            Body::Stream(chunks) => {
                let before = chunks.report();
                let chunk = host.body(Direction::Response);
                let healed = chunks.chunk(&chunk, end);
                if healed != chunk {
                    host.set_body(Direction::Response, &healed);
                }
                let report = chunks.report();
                if report != before {
                    host.set_property(property::HEALING, report.to_string().as_bytes());
                }
                Flow::Continue
            }
        }
    }
}

#[cfg(test)]
mod tests;
