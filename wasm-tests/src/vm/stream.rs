//! One request through one chain, as a test drives it.

use std::collections::BTreeMap;

use super::chain::SharedVm;
use super::error::{Error, Trap};
use super::headers::HeaderMap;
use super::host::{Reach, Way};
use super::local_reply::LocalReply;
use super::manager::{Data, Side};
use super::out::{Event, Out};
use super::plugin::Plugin;
use super::properties::StreamInfo;

/// One filter's part in one stream.
pub(super) struct Filter {
    pub(super) vm: SharedVm,
    pub(super) allow_stop: bool,
    pub(super) reach: Reach,
    /// By way: the last body callback paused, so the next one sees all bytes since then.
    pub(super) buffering: [bool; 2],
    /// The stream failed closed because of this filter's VM.
    pub(super) failed: bool,
    pub(super) deleted: bool,
}

/// A request under way. Feed it from both ends; what leaves at the other ends is returned.
///
/// Every call returns what *that* call let out; [`Self::request`] and [`Self::response`] hold all of it.
/// A trap is an error, returned once; the stream then behaves as in Envoy (503, or a reset) and can be read on.
pub struct Stream {
    pub(super) filters: Vec<Filter>,
    pub(super) info: StreamInfo,
    pub(super) request: Side,
    pub(super) response: Side,
    /// The callback that runs now.
    pub(super) calling: Option<Way>,
    /// The request has arrived to its end.
    pub(super) request_complete: bool,
    /// The response has entered the chain to its end.
    pub(super) response_complete: bool,
    /// Response headers have left to the client.
    pub(super) responding: bool,
    /// Nothing moves any more: the response has ended, or the stream was reset.
    pub(super) over: bool,
    pub(super) reset: bool,
    pub(super) prepared: Option<LocalReply>,
    pub(super) local_reply: Option<LocalReply>,
    pub(super) traps: Vec<Trap>,
    finished: bool,
}

impl Stream {
    pub(super) fn new<'a>(filters: impl Iterator<Item = (&'a Plugin, SharedVm)>) -> Self {
        let filter = |(plugin, vm): (&Plugin, SharedVm)| Filter {
            vm,
            allow_stop: plugin.allow_on_headers_stop_iteration,
            reach: Reach::default(),
            buffering: [false; 2],
            failed: false,
            deleted: false,
        };
        let filters: Vec<Filter> = filters.map(filter).collect();
        let count = filters.len();
        Self {
            filters,
            info: StreamInfo::default(),
            request: Side::new(count),
            response: Side::new(count),
            calling: None,
            request_complete: false,
            response_complete: false,
            responding: false,
            over: false,
            reset: false,
            prepared: None,
            local_reply: None,
            traps: Vec::new(),
            finished: false,
        }
    }

    /// The request headers arrive from the client.
    pub fn request_headers(
        &mut self,
        headers: impl Into<HeaderMap>,
        end: bool,
    ) -> Result<Out, Error> {
        self.info.request_headers = headers.into();
        self.feed(Way::Request, |s| {
            s.request_complete = end;
            s.pass_headers(Way::Request, 0, end);
        })
    }

    /// A piece of the request body arrives from the client.
    pub fn request_body(&mut self, bytes: impl Into<Vec<u8>>, end: bool) -> Result<Out, Error> {
        let bytes = bytes.into();
        self.feed(Way::Request, |s| {
            s.request_complete |= end;
            s.pass_data(Way::Request, 0, Data::Chunk(bytes), end);
        })
    }

    /// The response headers arrive from upstream.
    pub fn response_headers(
        &mut self,
        headers: impl Into<HeaderMap>,
        end: bool,
    ) -> Result<Out, Error> {
        let headers: HeaderMap = headers.into();
        self.feed(Way::Response, |s| {
            if s.local_reply.is_some() || s.info.response_headers.is_some() {
                return;
            }
            s.info
                .response_code_details
                .get_or_insert_with(|| b"via_upstream".to_vec());
            s.info.response_code = Some(headers.status());
            s.info.response_headers = Some(headers);
            s.enter_response_headers(end);
        })
    }

    /// A piece of the response body arrives from upstream.
    pub fn response_body(&mut self, bytes: impl Into<Vec<u8>>, end: bool) -> Result<Out, Error> {
        let bytes = bytes.into();
        self.feed(Way::Response, |s| {
            if s.local_reply.is_none() && !s.response_complete {
                s.enter_response_data(bytes, end);
            }
        })
    }

    /// The router could not get a response and answers by itself, through the filters if it can.
    pub fn router_reply(&mut self, reply: LocalReply) -> Result<Out, Error> {
        self.feed(Way::Response, |s| s.send_local_reply(reply))
    }

    /// The upstream broke off after its headers, over HTTP/1. If the client has had headers, it sees its
    /// connection break. If filters still hold them, it gets a 502 that *passes no filter*: they only learn of it in
    /// `on_log`.
    pub fn upstream_reset(&mut self) -> Result<Out, Error> {
        self.feed(Way::Response, Self::lose_upstream)
    }

    /// The end of the stream: `on_log` of every filter, then `on_done` and `on_delete` of each, which is Envoy's
    /// order. A stream that was not over is one whose client has gone.
    pub fn finish(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        self.over = true;
        let seen = self.traps.len();
        self.wind_up();
        self.error_since(seen)
    }

    /// Sets an attribute that Envoy would provide, such as `["request", "duration"]`. Numbers are 8 bytes,
    /// little-endian.
    pub fn set_property(&mut self, path: &[&str], value: impl Into<Vec<u8>>) {
        self.info
            .attributes
            .insert(path.join("\0").into_bytes(), value.into());
    }

    /// A property that a filter of this stream has set.
    pub fn property(&self, path: &[&str]) -> Option<&[u8]> {
        self.info
            .filter_state
            .get(path.join("\0").as_bytes())
            .map(Vec::as_slice)
    }

    /// All properties that filters of this stream have set; what an access log reads as
    /// `%FILTER_STATE(wasm.<name>:PLAIN)%`.
    pub fn properties(&self) -> BTreeMap<String, Vec<u8>> {
        let text = |key: &Vec<u8>| String::from_utf8_lossy(key).replace('\0', ".");
        self.info
            .filter_state
            .iter()
            .map(|(k, v)| (text(k), v.clone()))
            .collect()
    }

    /// All that has left towards the router so far.
    pub fn request(&self) -> Out {
        Out {
            local_reply: self.local_reply.clone(),
            reset: self.reset,
            ..Out::of(&self.request.events)
        }
    }

    /// All that has left towards the client so far.
    pub fn response(&self) -> Out {
        Out {
            local_reply: self.local_reply.clone(),
            reset: self.reset,
            ..Out::of(&self.response.events)
        }
    }

    /// The same as [`Self::request`], piece by piece.
    pub fn request_events(&self) -> &[Event] {
        &self.request.events
    }

    /// The same as [`Self::response`], piece by piece.
    pub fn response_events(&self) -> &[Event] {
        &self.response.events
    }

    /// `response.code_details` as it stands.
    pub fn response_code_details(&self) -> Option<String> {
        self.info
            .response_code_details
            .as_ref()
            .map(|d| String::from_utf8_lossy(d).into_owned())
    }

    /// How often filters asked for the route to be chosen again.
    pub fn route_cache_cleared(&self) -> u32 {
        self.info.route_cache_cleared
    }

    /// The traps of this stream's callbacks.
    pub fn traps(&self) -> &[Trap] {
        &self.traps
    }

    fn feed(&mut self, way: Way, act: impl FnOnce(&mut Self)) -> Result<Out, Error> {
        let marks = (
            self.side(way).events.len(),
            self.traps.len(),
            self.local_reply.is_some(),
            self.reset,
        );
        if !self.over {
            act(self);
        }
        self.error_since(marks.1)?;
        let mut out = Out::of(&self.side(way).events[marks.0..]);
        out.local_reply = self.local_reply.clone().filter(|_| !marks.2);
        out.reset = self.reset && !marks.3;
        Ok(out)
    }

    fn error_since(&self, seen: usize) -> Result<(), Error> {
        self.traps
            .get(seen)
            .map_or(Ok(()), |trap| Err(Error::Trap(trap.clone())))
    }

    pub(super) fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }
}

impl Drop for Stream {
    /// A stream that is let go without [`Stream::finish`] still gives its contexts back.
    fn drop(&mut self) {
        for filter in self
            .filters
            .iter()
            .filter(|f| f.reach.created && !f.deleted)
        {
            if let Ok(mut vm) = filter.vm.lock() {
                vm.drop_context(filter.reach.id);
            }
        }
    }
}
