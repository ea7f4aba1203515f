//! The filter: repairs what every choice of a completion says, and reports it.

use std::rc::Rc;

use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, property};
use meshrouter_core::{DocumentError, Facts};
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};
use serde::de::IgnoredAny;

use crate::whole::{Wanted, heal};

/// Repairs completions whose request asked for JSON and for healing.
///
/// Streams pass unless the request asks for them, too: the Response Healing page has none.
#[derive(Debug)]
pub struct Healing {
    /// Of a request whose answer is to be repaired.
    facts: Option<Facts>,
    active: bool,
}

impl Filter for Healing {
    /// What the document says of plugins is in the request's facts.
    type Document = IgnoredAny;
    type Settings = ();

    const NAME: &'static str = "healing";

    fn configure(_document: IgnoredAny) -> Result<(), DocumentError> {
        Ok(())
    }

    fn new(_settings: Rc<()>) -> Self {
        Self {
            facts: None,
            active: false,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        let facts = facts.and_then(|bytes| Facts::decode(&bytes));
        self.facts = facts.filter(|facts| (facts.heal || facts.heal_tools) && !facts.stream);
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if self.facts.is_none() || end {
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
        let Some(facts) = self.facts.as_ref().filter(|_| self.active) else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let shapes = host.property(&[property::SHAPES]);
        let wanted = Wanted::new(facts, shapes.as_deref());
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
