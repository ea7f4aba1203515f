//! Several filters in one module: they behave as if each stood in Envoy's chain.

use std::rc::Rc;

use meshrouter_core::DocumentError;
use serde::Deserialize;

use crate::relay::{Relay, Request, Response};
use crate::{Answer, Background, Backstage, Direction, Filter, Flow, Host, Refusal};

/// Two filters, the first of which may be a chain's and the second a chain: [`chain!`](crate::chain) nests them.
///
/// Requests pass the first and then the second, responses the other way round. Their headers leave the module with the
/// word of the filter that is the last to hold anything.
#[derive(Debug)]
pub struct Chain<A, B> {
    first: A,
    second: B,
    request: Relay,
    response: Relay,
}

/// What a chain itself reads of the gateway document, which is nothing: its parts do.
#[derive(Debug, Clone, Copy, Deserialize)]
pub enum Nothing {}

impl<A: Filter, B: Filter> Filter for Chain<A, B> {
    type Document = Nothing;
    type Settings = (Rc<A::Settings>, Rc<B::Settings>);

    const NAME: &'static str = "chain";
    const HAS_DEADLINES: bool = A::HAS_DEADLINES;

    fn configure(document: Nothing) -> Result<Self::Settings, DocumentError> {
        match document {}
    }

    fn settings(document: &[u8]) -> Result<Self::Settings, Refusal> {
        Ok((
            Rc::new(A::settings(document)?),
            Rc::new(B::settings(document)?),
        ))
    }

    fn new(settings: Rc<Self::Settings>) -> Self {
        const {
            assert!(
                !B::HAS_DEADLINES,
                "only the first filter of a module may have deadlines: no other sees the response after it"
            );
        }
        Self {
            first: A::new(Rc::clone(&settings.0)),
            second: B::new(Rc::clone(&settings.1)),
            request: Relay::default(),
            response: Relay::default(),
        }
    }

    fn background(settings: &Rc<Self::Settings>) -> Option<Box<dyn Background>> {
        match (A::background(&settings.0), B::background(&settings.1)) {
            (Some(first), Some(second)) => Some(Box::new(Both(first, second))),
            (first, second) => first.or(second),
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let parts = (Some(Request(&mut self.first)), Request(&mut self.second));
        self.request.headers(host, parts, end)
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let parts = (Some(Request(&mut self.first)), Request(&mut self.second));
        self.request.body((host, Direction::Request), parts, end)
    }

    fn on_request_trailers(&mut self, host: &mut impl Host) -> Flow {
        let parts = (Some(Request(&mut self.first)), Request(&mut self.second));
        self.request.trailers((host, Direction::Request), parts)
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let second = self.request.has_passed();
        let second = second.then_some(Response(&mut self.second));
        let parts = (second, Response(&mut self.first));
        self.response.headers(host, parts, end)
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let second = self.request.has_passed();
        let second = second.then_some(Response(&mut self.second));
        let parts = (second, Response(&mut self.first));
        self.response.body((host, Direction::Response), parts, end)
    }

    fn on_response_trailers(&mut self, host: &mut impl Host) -> Flow {
        let second = self.request.has_passed();
        let second = second.then_some(Response(&mut self.second));
        let parts = (second, Response(&mut self.first));
        self.response.trailers((host, Direction::Response), parts)
    }

    fn is_late(&mut self, now: u64) -> bool {
        self.first.is_late(now)
    }

    fn on_deadline(&mut self, host: &mut impl Host) -> Flow {
        match self.first.on_deadline(host) {
            Flow::Continue if self.response.resume() => Flow::Continue,
            // What the first filter has not seen is not its to let go.
            Flow::Continue | Flow::Pause => Flow::Pause,
            Flow::Replied => Flow::Replied,
        }
    }

    /// Also for a filter that the request has not reached: Envoy, too, makes one for the log.
    fn on_log(&mut self, host: &mut impl Host) {
        self.first.on_log(host);
        self.second.on_log(host);
    }
}

/// The work of two filters. A call's number is unique in a VM, and whoever did not make it leaves its answer alone.
struct Both(Box<dyn Background>, Box<dyn Background>);

impl Background for Both {
    fn on_tick(&mut self, host: &mut dyn Backstage) {
        self.0.on_tick(host);
        self.1.on_tick(host);
    }

    fn on_answer(&mut self, host: &mut dyn Backstage, call: u32, answer: &Answer) {
        self.0.on_answer(host, call, answer);
        self.1.on_answer(host, call, answer);
    }

    fn on_end(&mut self, host: &mut dyn Backstage) {
        self.0.on_end(host);
        self.1.on_end(host);
    }
}

/// The type of a chain of these filters, in request order.
#[macro_export]
macro_rules! chain {
    ($last:ty) => { $last };
    ($first:ty, $($rest:ty),+) => { $crate::Chain<$first, $crate::chain!($($rest),+)> };
}

#[cfg(test)]
mod tests;
