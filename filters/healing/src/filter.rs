//! The filter: repairs what every choice of a completion says, and reports it.

use std::rc::Rc;

use meshrouter_core::DocumentError;
use meshrouter_core::names::{header, property};
use meshrouter_core::shapes::Shapes;
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};
use serde::de::IgnoredAny;

use crate::whole::{Wanted, heal};

/// Repairs completions whose request asked for JSON and for healing.
///
/// Streams pass unless the request asks for them, too: the Response Healing page has none.
#[derive(Debug, Default)]
pub struct Healing {
    /// Of a request whose answer is to be repaired.
    shapes: Option<Shapes>,
    active: bool,
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
        let shapes = host.property(&[property::SHAPES]);
        self.shapes = shapes.and_then(|bytes| Shapes::decode(&bytes));
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if self.shapes.is_none() || end {
            return Flow::Continue;
        }
        let status = host.header(Direction::Response, ":status");
        self.active = status.as_deref() == Some(b"200");
        if self.active {
            Flow::Pause
        } else {
            Flow::Continue
        }
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(shapes) = self.shapes.as_ref().filter(|_| self.active) else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let wanted = Wanted::new(shapes);
        let body = host.body(Direction::Response);
        let (healed, report) = heal(&body, &wanted);
        if let Some(healed) = healed {
            send_whole(host, Direction::Response, &healed);
        }
        if !report.is_empty() {
            let report = report.to_string();
            host.set_header(Direction::Response, header::HEALING, report.as_bytes());
            host.set_property(property::HEALING, report.as_bytes());
        }
        Flow::Continue
    }
}

#[cfg(test)]
mod tests;
