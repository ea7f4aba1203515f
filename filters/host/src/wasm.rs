//! proxy-wasm behind the host traits. Exists in wasm builds only.
//!
//! The SDK's `get_*` calls that decode UTF-8 trap on a bad byte, so only their `_bytes` forms are
//! used. Header names need no care: Envoy's codecs let tokens through and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use meshrouter_core::ApiError;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType};

use crate::{Answer, Background, Clock, Direction, Filter, Flow, Level, Log, Replies};

mod abi;
mod host;
mod random;

use host::{Known, Wasm};

/// The bytes of a text of so many.
#[must_use]
pub const fn bytes<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    match text.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => [0; LENGTH],
    }
}

/// Registers the filter with the host. Called once a VM.
pub fn start<F: Filter>() {
    // Also installs the panic hook that names file and line in Envoy's log.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| {
        Box::new(Root::<F> {
            settings: None,
            streams: RefCell::default(),
            background: None,
        })
    });
}

/// How often deadlines are looked at, and background work is done.
const TICK: Duration = Duration::from_millis(100);

/// The VM's side: settings, and the streams whose deadlines it watches.
struct Root<F: Filter> {
    settings: Option<Rc<F::Settings>>,
    streams: RefCell<BTreeMap<u32, Weak<RefCell<Live<F>>>>>,
    background: Option<Box<dyn Background>>,
}

impl<F: Filter> Root<F> {
    /// The streams in which something should have happened by now.
    fn late(&self, now: u64) -> Vec<(u32, Rc<RefCell<Live<F>>>)> {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|_, filter| filter.strong_count() > 0);
        let alive = streams
            .iter()
            .filter_map(|(id, filter)| Some((*id, filter.upgrade()?)));
        let is_late = |live: &RefCell<Live<F>>| {
            let live = live.try_borrow_mut();
            live.is_ok_and(|mut live| live.filter.is_late(now))
        };
        alive.filter(|(_, filter)| is_late(filter)).collect()
    }

    /// There will be no more ticks under these settings.
    fn end(&mut self) {
        if let Some(background) = &mut self.background {
            background.on_end(&mut Wasm::default());
        }
    }
}

/// The host deletes a context when it is done with it, so that nobody has to be asked whether he is.
impl<F: Filter> Drop for Root<F> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<F: Filter> Context for Root<F> {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, size: usize, _: usize) {
        let Some(background) = &mut self.background else {
            return;
        };
        let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status");
        let status = status.ok().flatten();
        let status = status.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size);
        let answer = Answer {
            status,
            body: body.ok().flatten().unwrap_or_default(),
        };
        background.on_answer(&mut Wasm::default(), call, &answer);
    }
}

impl<F: Filter> RootContext for Root<F> {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        let bytes = bytes.ok().flatten().unwrap_or_default();
        match F::settings(&bytes) {
            Ok(settings) => {
                let settings = Rc::new(settings);
                self.end();
                self.background = F::background(&settings);
                self.settings = Some(settings);
                if F::HAS_DEADLINES || self.background.is_some() {
                    let _ = hostcalls::set_tick_period(TICK);
                }
                true
            }
            Err(refusal) => {
                Wasm::default().log(Level::Error, &refusal.to_string());
                false
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let settings = self.settings.clone();
        let live = settings.map(|settings| Rc::new(RefCell::new(Live::new(settings))));
        if let Some(live) = live.as_ref().filter(|_| F::HAS_DEADLINES) {
            let mut streams = self.streams.borrow_mut();
            streams.insert(id, Rc::downgrade(live));
        }
        Some(Box::new(Stream {
            live,
            is_over: false,
        }))
    }

    fn on_tick(&mut self) {
        // First, while the context is still that of no stream.
        if let Some(background) = &mut self.background {
            background.on_tick(&mut Wasm::default());
        }
        if self.streams.borrow().is_empty() {
            return;
        }
        for (id, live) in self.late(Wasm::default().now()) {
            // Fails where the host has let the stream go.
            if hostcalls::set_effective_context(id).is_err() {
                continue;
            }
            let Ok(mut live) = live.try_borrow_mut() else {
                continue;
            };
            if live.deadline() == Flow::Continue {
                let _ = hostcalls::resume_http_response();
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// A filter, and what it holds.
struct Live<F> {
    filter: F,
    /// So many bytes of the request's body are held: its end may still come as trailers.
    held_request: Option<usize>,
    /// The same of the response's.
    held_response: Option<usize>,
    /// Of headers that are held.
    known: Known,
}

impl<F: Filter> Live<F> {
    fn new(settings: Rc<F::Settings>) -> Self {
        Self {
            filter: F::new(settings),
            held_request: None,
            held_response: None,
            known: None,
        }
    }

    /// Runs a callback of one half, with so many bytes of its body in the host's buffer.
    fn run(
        &mut self,
        of: Direction,
        size: usize,
        callback: impl FnOnce(&mut F, &mut Wasm) -> Flow,
    ) -> Flow {
        let mut host = Wasm::with(size, self.known.take());
        let flow = callback(&mut self.filter, &mut host);
        let (held, known) = host.held(of, flow);
        *self.held(of) = held;
        self.known = known;
        flow
    }

    fn held(&mut self, of: Direction) -> &mut Option<usize> {
        match of {
            Direction::Request => &mut self.held_request,
            Direction::Response => &mut self.held_response,
        }
    }

    /// Something should have happened by now.
    fn deadline(&mut self) -> Flow {
        let mut host = Wasm::with(0, self.known.take());
        self.filter.on_deadline(&mut host)
    }
}

/// One stream's side. Without settings there is no filter, and requests are refused.
///
/// No callback runs within another one, so that the filter is never borrowed twice.
struct Stream<F: Filter> {
    live: Option<Rc<RefCell<Live<F>>>>,
    /// Whether the filter has heard that the stream is over.
    is_over: bool,
}

impl<F: Filter> Stream<F> {
    /// Runs something of the filter's; without one, things go on.
    fn call(&self, run: impl FnOnce(&mut Live<F>) -> Flow) -> Action {
        let live = self
            .live
            .as_ref()
            .and_then(|live| live.try_borrow_mut().ok());
        match live.map_or(Flow::Continue, |mut live| run(&mut live)) {
            Flow::Continue => Action::Continue,
            Flow::Pause | Flow::Replied => Action::Pause,
        }
    }

    /// Trailers end a body whose last bytes did not say so; what is held can be read and changed. A stream that is not
    /// held has left already: its trailers just follow.
    fn trailers(&self, of: Direction, callback: impl FnOnce(&mut F, &mut Wasm) -> Flow) -> Action {
        self.call(|live| match *live.held(of) {
            Some(size) => live.run(of, size, callback),
            None => Flow::Continue,
        })
    }
}

impl<F: Filter> Context for Stream<F> {}

/// Of a cluster's upstream filters Envoy writes no access log, and most filters need not be called for it: that their
/// context is deleted tells them the same.
impl<F: Filter> Drop for Stream<F> {
    fn drop(&mut self) {
        if !self.is_over {
            self.on_log();
        }
    }
}

impl<F: Filter> HttpContext for Stream<F> {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        if self.live.is_none() {
            let error = ApiError::new(500, "The gateway is not configured.");
            Wasm::default().reply(&error.into());
            return Action::Pause;
        }
        self.call(|live| {
            live.run(Direction::Request, 0, |filter, host| {
                filter.on_request_headers(host, end)
            })
        })
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.call(|live| {
            live.run(Direction::Request, size, |filter, host| {
                filter.on_request_body(host, end)
            })
        })
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.trailers(Direction::Request, F::on_request_trailers)
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.call(|live| {
            live.run(Direction::Response, 0, |filter, host| {
                filter.on_response_headers(host, end)
            })
        })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.call(|live| {
            live.run(Direction::Response, size, |filter, host| {
                filter.on_response_body(host, end)
            })
        })
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.trailers(Direction::Response, F::on_response_trailers)
    }

    fn on_log(&mut self) {
        self.is_over = true;
        self.call(|live| {
            live.filter.on_log(&mut Wasm::default());
            Flow::Continue
        });
    }
}
