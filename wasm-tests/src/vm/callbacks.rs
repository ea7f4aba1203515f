//! Envoy's wasm `Context`: one filter's callbacks for one stream.

use super::chain::lock;
use super::error::Trap;
use super::headers::HeaderMap;
use super::host::{Body, Deferred, ROOT, Scene, Way};
use super::local_reply::LocalReply;
use super::manager::Data;
use super::stream::Stream;

/// What a headers callback decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadersVerdict {
    Continue,
    Stop,
    StopAll,
}

/// What a body callback decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataVerdict {
    Continue,
    Buffer,
    Drop,
}

/// What a callback returned, beside what it did to the stream.
struct Returned {
    /// `Err(())`: the VM is broken; the stream has failed closed.
    action: Result<u32, ()>,
    /// A local reply was sent, so the action does not count.
    stopped: bool,
    body: Option<Vec<u8>>,
}

impl Stream {
    pub(super) fn on_headers(&mut self, way: Way, filter: usize, end: bool) -> HeadersVerdict {
        if way == Way::Request {
            self.create(filter);
        } else if !self.sees_response(filter) {
            return HeadersVerdict::Continue;
        }
        *self.reachable(way, filter) = true;
        let (callback, count) = match way {
            Way::Request => ("proxy_on_request_headers", self.info.request_headers.len()),
            Way::Response => (
                "proxy_on_response_headers",
                self.info
                    .response_headers
                    .as_ref()
                    .map_or(0, HeaderMap::len),
            ),
        };
        let returned = self.call(filter, callback, size(count), end, None);
        match returned.action {
            Ok(_) if returned.stopped => HeadersVerdict::StopAll,
            Ok(0) => {
                *self.reachable(way, filter) = false;
                HeadersVerdict::Continue
            }
            Ok(1) if self.filters[filter].allow_stop => HeadersVerdict::Stop,
            Ok(_) | Err(()) => HeadersVerdict::StopAll,
        }
    }

    pub(super) fn on_data(
        &mut self,
        way: Way,
        filter: usize,
        data: &mut Data,
        end: bool,
    ) -> DataVerdict {
        let called = match way {
            Way::Request => self.filters[filter].reach.created,
            Way::Response => self.sees_response(filter),
        };
        if !called {
            return DataVerdict::Continue;
        }
        // After a pause the callback sees everything since then, not the piece.
        let cumulative = self.filters[filter].buffering[way as usize];
        if cumulative {
            self.side(way).hold(data);
        }
        let shared = cumulative || matches!(data, Data::Buffered);
        let bytes = match data {
            Data::Chunk(bytes) if !shared => std::mem::take(bytes),
            _ => self.side(way).buffer.take().unwrap_or_default(),
        };
        let callback = match way {
            Way::Request => "proxy_on_request_body",
            Way::Response => "proxy_on_response_body",
        };
        let count = size(bytes.len());
        let returned = self.call(filter, callback, count, end, Some(Body { way, bytes }));
        let bytes = returned.body.unwrap_or_default();
        match data {
            Data::Chunk(piece) if !shared => *piece = bytes,
            _ => self.side(way).buffer = Some(bytes),
        }
        let verdict = match returned.action {
            Ok(_) if returned.stopped => DataVerdict::Drop,
            Ok(0) => DataVerdict::Continue,
            Ok(1 | 2) => DataVerdict::Buffer,
            Ok(_) | Err(()) => DataVerdict::Drop,
        };
        self.filters[filter].buffering[way as usize] = verdict == DataVerdict::Buffer;
        verdict
    }

    /// `on_log` everywhere, then `on_done` and `on_delete` filter by filter.
    pub(super) fn wind_up(&mut self) {
        for filter in 0..self.filters.len() {
            // A filter that the request never reached gets its context now, so that it can log.
            self.create(filter);
            self.filters[filter].reach.log_phase = true;
            let _ = self.invoke(filter, "proxy_on_log", &[], None);
            self.filters[filter].reach.log_phase = false;
        }
        for filter in 0..self.filters.len() {
            let _ = self.invoke(filter, "proxy_on_done", &[], None);
            let _ = self.invoke(filter, "proxy_on_delete", &[], None);
            self.filters[filter].deleted = true;
            lock(&self.filters[filter].vm).drop_context(self.filters[filter].reach.id);
        }
    }

    /// A filter that the request has not reached does not see the response; nor does one that has failed.
    fn sees_response(&self, filter: usize) -> bool {
        let filter = &self.filters[filter];
        filter.reach.created && !filter.failed
    }

    fn reachable(&mut self, way: Way, filter: usize) -> &mut bool {
        let reach = &mut self.filters[filter].reach;
        match way {
            Way::Request => &mut reach.request_headers,
            Way::Response => &mut reach.response_headers,
        }
    }

    fn create(&mut self, filter: usize) {
        if std::mem::replace(&mut self.filters[filter].reach.created, true) {
            return;
        }
        let id = lock(&self.filters[filter].vm).new_context();
        self.filters[filter].reach.id = id;
        let _ = self.invoke(filter, "proxy_on_context_create", &[ROOT], None);
    }

    /// A callback whose VM may be broken before or by it: then the stream fails closed.
    fn call(
        &mut self,
        filter: usize,
        callback: &'static str,
        count: u32,
        end: bool,
        body: Option<Body>,
    ) -> Returned {
        let called = self.invoke(filter, callback, &[count, u32::from(end)], body);
        if self.broken(filter) {
            self.fail_closed(filter);
            return Returned {
                action: Err(()),
                stopped: true,
                body: None,
            };
        }
        let (action, mut scene) = called.unwrap_or_default();
        let stopped = scene.stopped;
        let body = scene.body.take().map(|b| b.bytes);
        self.carry_out(filter, scene.deferred);
        Returned {
            action: Ok(action.unwrap_or(0)),
            stopped,
            body,
        }
    }

    /// Calls into the VM unless it is broken. The stream's state goes in and comes out again.
    fn invoke(
        &mut self,
        filter: usize,
        callback: &'static str,
        args: &[u32],
        body: Option<Body>,
    ) -> Result<(Option<u32>, Scene), Option<Trap>> {
        if self.broken(filter) {
            return Err(None);
        }
        let mut arguments = vec![self.filters[filter].reach.id];
        arguments.extend_from_slice(args);
        let scene = Scene {
            reach: self.filters[filter].reach.clone(),
            stream: Some(std::mem::take(&mut self.info)),
            body,
            ..Scene::default()
        };
        let (result, mut scene) = lock(&self.filters[filter].vm).call(callback, &arguments, scene);
        self.info = scene.stream.take().unwrap_or_default();
        self.filters[filter].reach = scene.reach.clone();
        match result {
            Ok(action) => Ok((action, scene)),
            Err(trap) => {
                self.traps.push(trap.clone());
                Err(Some(trap))
            }
        }
    }

    fn broken(&self, filter: usize) -> bool {
        lock(&self.filters[filter].vm).failed().is_some()
    }

    fn fail_closed(&mut self, filter: usize) {
        if !std::mem::replace(&mut self.filters[filter].failed, true) {
            self.send_local_reply(LocalReply::new(503, "wasm_fail_stream", ""));
        }
    }

    fn carry_out(&mut self, filter: usize, actions: Vec<Deferred>) {
        for action in actions {
            match action {
                Deferred::Continue(way) => self.resume(way, filter),
                Deferred::Close => {
                    self.info
                        .response_code_details
                        .get_or_insert_with(|| b"wasm_close_stream".to_vec());
                    self.break_off();
                }
                Deferred::Reply {
                    code,
                    details,
                    headers,
                    body,
                } => {
                    self.send_local_reply(LocalReply::from_plugin(code, &details, headers, body));
                }
            }
        }
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
