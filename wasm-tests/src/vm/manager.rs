//! Envoy's filter manager: in which order callbacks run, and what is held where.
//!
//! Both ways work alike. Each filter has a flow state per way; all filters of one way share *one* buffer, into
//! which whoever stops puts the bytes that it was given. A filter that continues after a stop sends on the headers,
//! if it held them, and then the whole buffer as one piece. Bytes that pass a filter which never stopped are
//! only ever the current piece.

use super::callbacks::{DataVerdict, HeadersVerdict};
use super::headers::HeaderMap;
use super::host::Way;
use super::local_reply::LocalReply;
use super::out::Event;
use super::stream::Stream;

/// Whether a filter lets things pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Continue,
    /// Headers are held; body callbacks still come.
    StopOne,
    /// Nothing comes any more until the filter continues.
    StopAll,
}

/// One filter's flow on one way.
#[derive(Debug, Clone)]
struct Flow {
    state: State,
    headers_continued: bool,
    /// The filter stopped everything, so on continuing it is itself the next to see the body.
    from_current: bool,
    ended: bool,
}

/// One way through the chain.
#[derive(Debug)]
pub(super) struct Side {
    flows: Vec<Flow>,
    pub(super) buffer: Option<Vec<u8>>,
    /// A local reply was sent from a callback of this way.
    pub(super) aborted: bool,
    /// What has left at the far end.
    pub(super) events: Vec<Event>,
}

/// A piece of body on its way.
#[derive(Debug)]
pub(super) enum Data {
    Chunk(Vec<u8>),
    /// The way's shared buffer itself.
    Buffered,
}

impl Side {
    pub(super) fn new(filters: usize) -> Self {
        let flow = Flow {
            state: State::Continue,
            headers_continued: false,
            from_current: false,
            ended: false,
        };
        Self {
            flows: vec![flow; filters],
            buffer: None,
            aborted: false,
            events: Vec::new(),
        }
    }

    /// Puts a piece into the shared buffer, unless it is there already.
    pub(super) fn hold(&mut self, data: &mut Data) {
        if let Data::Chunk(bytes) = data {
            self.buffer.get_or_insert_default().append(bytes);
        }
    }

    fn take(&mut self, data: Data) -> Vec<u8> {
        match data {
            Data::Chunk(bytes) => bytes,
            // The buffer stays, empty: its presence matters to later decisions about the end.
            Data::Buffered => self.buffer.as_mut().map(std::mem::take).unwrap_or_default(),
        }
    }
}

impl Stream {
    /// The filter at a position of a way: responses run from the last to the first.
    fn filter_at(&self, way: Way, position: usize) -> usize {
        match way {
            Way::Request => position,
            Way::Response => self.filters.len() - 1 - position,
        }
    }

    fn flow(&mut self, way: Way, filter: usize) -> &mut Flow {
        &mut self.side(way).flows[filter]
    }

    pub(super) fn enter_response_headers(&mut self, end: bool) {
        self.response_complete = end;
        self.pass_headers(Way::Response, 0, end);
    }

    pub(super) fn enter_response_data(&mut self, bytes: Vec<u8>, end: bool) {
        self.response_complete = end;
        self.pass_data(Way::Response, 0, Data::Chunk(bytes), end);
    }

    /// Headers run from `start` to the end of the chain or until a filter holds them.
    pub(super) fn pass_headers(&mut self, way: Way, start: usize, end: bool) {
        for position in start..self.filters.len() {
            let filter = self.filter_at(way, position);
            self.flow(way, filter).ended = end;
            self.calling = Some(way);
            let verdict = self.on_headers(way, filter, end);
            self.calling = None;
            let verdict = if self.side(way).aborted {
                HeadersVerdict::Stop
            } else {
                verdict
            };
            self.run_prepared_reply();
            let flow = self.flow(way, filter);
            match verdict {
                HeadersVerdict::Continue => flow.headers_continued = true,
                HeadersVerdict::Stop => flow.state = State::StopOne,
                HeadersVerdict::StopAll => flow.state = State::StopAll,
            }
            if verdict != HeadersVerdict::Continue {
                return;
            }
        }
        self.headers_leave(way, end);
    }

    /// Body runs from `start` to the end of the chain or until a filter holds it.
    pub(super) fn pass_data(&mut self, way: Way, start: usize, mut data: Data, end: bool) {
        // A response that is complete has no use for the rest of the request.
        if way == Way::Request && self.response_complete {
            return;
        }
        for position in start..self.filters.len() {
            let filter = self.filter_at(way, position);
            if self.flow(way, filter).state == State::StopAll {
                self.side(way).hold(&mut data);
                return;
            }
            if self.flow(way, filter).ended {
                return;
            }
            self.flow(way, filter).ended = end;
            self.calling = Some(way);
            let verdict = self.on_data(way, filter, &mut data, end);
            self.calling = None;
            if self.side(way).aborted && way == Way::Request {
                self.run_prepared_reply();
                return;
            }
            let verdict = if self.side(way).aborted {
                DataVerdict::Drop
            } else {
                verdict
            };
            if !self.after_data(way, position, verdict, &mut data) {
                return;
            }
        }
        let bytes = self.side(way).take(data);
        self.data_leaves(way, bytes, end);
    }

    /// True if the same piece goes on to the next filter.
    fn after_data(
        &mut self,
        way: Way,
        position: usize,
        verdict: DataVerdict,
        data: &mut Data,
    ) -> bool {
        let filter = self.filter_at(way, position);
        let complete = self.complete(way);
        match verdict {
            DataVerdict::Continue if self.flow(way, filter).state == State::Continue => {
                return true;
            }
            DataVerdict::Continue => {
                self.side(way).hold(data);
                self.resume(way, filter);
            }
            DataVerdict::Buffer => {
                self.flow(way, filter).state = State::StopOne;
                self.side(way).hold(data);
            }
            DataVerdict::Drop => {
                self.flow(way, filter).state = State::StopOne;
                let side = self.side(way);
                if complete && side.buffer.is_none() {
                    side.buffer = Some(Vec::new());
                }
            }
        }
        false
    }

    /// A filter that had stopped goes on: first the headers, if it holds them, then all that is buffered.
    pub(super) fn resume(&mut self, way: Way, filter: usize) {
        let answered = match way {
            Way::Request => self.response_complete,
            Way::Response => self.over,
        };
        if answered || self.flow(way, filter).state == State::Continue {
            return;
        }
        let position = self.filter_at(way, filter);
        let complete = self.complete(way);
        let flow = self.flow(way, filter);
        flow.from_current = flow.state == State::StopAll;
        flow.state = State::Continue;
        if !std::mem::replace(&mut flow.headers_continued, true) {
            let end = complete && self.side(way).buffer.is_none();
            self.pass_headers(way, position + 1, end);
        }
        if self.side(way).buffer.is_some() {
            let next = if self.flow(way, filter).from_current {
                position
            } else {
                position + 1
            };
            self.pass_data(way, next, Data::Buffered, complete);
        }
        self.flow(way, filter).from_current = false;
    }

    fn complete(&self, way: Way) -> bool {
        match way {
            Way::Request => self.request_complete,
            Way::Response => self.response_complete,
        }
    }

    fn headers_leave(&mut self, way: Way, end: bool) {
        if way == Way::Request {
            let headers = self.info.request_headers.clone();
            self.request.events.push(Event::Headers { headers, end });
            return;
        }
        let headers: HeaderMap = self.info.response_headers.clone().unwrap_or_default();
        if headers.get(":status").is_none() {
            let details =
                "filter_removed_required_response_headers{missing_required_header:_:status}";
            self.send_local_reply(LocalReply::new(
                502,
                details,
                "missing required header: :status",
            ));
            return;
        }
        self.responding = true;
        self.info.response_code = Some(headers.status());
        self.response.events.push(Event::Headers { headers, end });
        self.over |= end;
    }

    fn data_leaves(&mut self, way: Way, bytes: Vec<u8>, end: bool) {
        self.side(way).events.push(Event::Data { bytes, end });
        self.over |= way == Way::Response && end;
    }
}
