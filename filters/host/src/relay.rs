//! Between two filters of a module, in one direction: what Envoy's filter manager would do there.

use crate::{Direction, Filter, Flow, Host};

/// What has passed from the earlier filter to the later.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    /// The headers have.
    passed: bool,
    /// The earlier filter holds bytes.
    holds: bool,
    /// The later filter holds so many bytes, at the front of the buffer: the earlier one is done with them.
    held: Option<usize>,
}

impl Relay {
    /// Whether the later filter has seen the headers.
    pub(crate) fn has_passed(&self) -> bool {
        self.passed
    }

    /// Headers are here. An earlier filter that is not there lets everything pass.
    pub(crate) fn headers<P: Part, Q: Part>(
        &mut self,
        host: &mut impl Host,
        (earlier, mut later): (Option<P>, Q),
        end: bool,
    ) -> Flow {
        let flow = earlier.map_or(Flow::Continue, |mut earlier| earlier.headers(host, end));
        if flow != Flow::Continue {
            return flow;
        }
        self.passed = true;
        later.headers(host, end)
    }

    /// Bytes of the body are here.
    pub(crate) fn body<P: Part, Q: Part>(
        &mut self,
        (host, of): (&mut impl Host, Direction),
        (earlier, mut later): (Option<P>, Q),
        end: bool,
    ) -> Flow {
        if let Some(mut earlier) = earlier {
            let flow = self.behind_held(host, |host| earlier.body(host, end));
            if flow != Flow::Continue {
                return flow;
            }
        }
        self.pass((host, of), &mut later, end)
    }

    /// Trailers are here: the end of the body for whoever holds some of it, and nothing to whoever does not.
    pub(crate) fn trailers<P: Part, Q: Part>(
        &mut self,
        (host, of): (&mut impl Host, Direction),
        (earlier, mut later): (Option<P>, Q),
    ) -> Flow {
        let earlier = earlier.filter(|_| self.holds);
        let flow = match earlier {
            Some(mut earlier) => match self.behind_held(host, |host| earlier.trailers(host)) {
                Flow::Continue => self.pass((host, of), &mut later, false),
                flow => return flow,
            },
            None => self.pass_headers(host, &mut later),
        };
        if flow == Flow::Replied || self.held.is_none() {
            return flow;
        }
        let flow = later.trailers(host);
        self.note((host, of), flow)
    }

    /// The later filter lets go what it holds, from outside of a callback. False where it has had nothing yet.
    pub(crate) fn resume(&mut self) -> bool {
        self.held = None;
        self.passed
    }

    /// The earlier filter's turn: it sees none of the bytes that the later one holds.
    fn behind_held<H: Host>(&mut self, host: &mut H, turn: impl FnOnce(&mut H) -> Flow) -> Flow {
        let before = host.left_out();
        host.leave_out(before.saturating_add(self.held.unwrap_or(0)));
        let flow = turn(host);
        host.leave_out(before);
        self.holds = flow == Flow::Pause;
        flow
    }

    /// The later filter's turn: where the earlier one held the headers, they come first.
    fn pass(
        &mut self,
        (host, of): (&mut impl Host, Direction),
        later: &mut impl Part,
        end: bool,
    ) -> Flow {
        if self.pass_headers(host, later) == Flow::Replied {
            return Flow::Replied;
        }
        let flow = later.body(host, end);
        self.note((host, of), flow)
    }

    /// The headers, unless they have passed: whether the later filter holds them does not matter to what follows.
    fn pass_headers(&mut self, host: &mut impl Host, later: &mut impl Part) -> Flow {
        if !std::mem::replace(&mut self.passed, true) && later.headers(host, false) == Flow::Replied
        {
            return Flow::Replied;
        }
        Flow::Continue
    }

    /// Remembers what the later filter holds.
    fn note(&mut self, (host, of): (&mut impl Host, Direction), flow: Flow) -> Flow {
        self.held = (flow == Flow::Pause).then(|| host.body_size(of));
        flow
    }
}

/// A filter's callbacks in one direction.
pub(crate) trait Part {
    /// The headers are here.
    fn headers(&mut self, host: &mut impl Host, end: bool) -> Flow;
    /// Bytes of the body are here.
    fn body(&mut self, host: &mut impl Host, end: bool) -> Flow;
    /// The end of a body that is held.
    fn trailers(&mut self, host: &mut impl Host) -> Flow;
}

/// The callbacks for a request.
pub(crate) struct Request<'a, F>(pub(crate) &'a mut F);

impl<F: Filter> Part for Request<'_, F> {
    fn headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.0.on_request_headers(host, end)
    }

    fn body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.0.on_request_body(host, end)
    }

    fn trailers(&mut self, host: &mut impl Host) -> Flow {
        self.0.on_request_trailers(host)
    }
}

/// The callbacks for a response.
pub(crate) struct Response<'a, F>(pub(crate) &'a mut F);

impl<F: Filter> Part for Response<'_, F> {
    fn headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.0.on_response_headers(host, end)
    }

    fn body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.0.on_response_body(host, end)
    }

    fn trailers(&mut self, host: &mut impl Host) -> Flow {
        self.0.on_response_trailers(host)
    }
}
