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
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};

use crate::{
    Answer, Background, Bodies, Calls, Clock, Direction, Filter, Flow, Headers, Level, Log,
    Metrics, Properties, Random, Replies, Reply, SharedData,
};

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
    streams: RefCell<BTreeMap<u32, Weak<RefCell<F>>>>,
    background: Option<Box<dyn Background>>,
}

impl<F: Filter> Root<F> {
    /// The streams in which something should have happened by now.
    fn late(&self, now: u64) -> Vec<(u32, Rc<RefCell<F>>)> {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|_, filter| filter.strong_count() > 0);
        let alive = streams
            .iter()
            .filter_map(|(id, filter)| Some((*id, filter.upgrade()?)));
        let is_late = |filter: &RefCell<F>| {
            let filter = filter.try_borrow_mut();
            filter.is_ok_and(|mut filter| filter.is_late(now))
        };
        alive.filter(|(_, filter)| is_late(filter)).collect()
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

    fn on_done(&mut self) -> bool {
        if let Some(background) = &mut self.background {
            background.on_end(&mut Wasm::default());
        }
        true
    }
}

impl<F: Filter> RootContext for Root<F> {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        let bytes = bytes.ok().flatten().unwrap_or_default();
        match F::settings(&bytes) {
            Ok(settings) => {
                let settings = Rc::new(settings);
                self.on_done();
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
        let filter = self.settings.clone().map(F::new);
        let filter = filter.map(|filter| Rc::new(RefCell::new(filter)));
        if let Some(filter) = filter.as_ref().filter(|_| F::HAS_DEADLINES) {
            let mut streams = self.streams.borrow_mut();
            streams.insert(id, Rc::downgrade(filter));
        }
        Some(Box::new(Stream {
            filter,
            held_request: None,
            held_response: None,
            logged: false,
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
        for (id, filter) in self.late(Wasm::default().now()) {
            // Fails where the host has let the stream go.
            if hostcalls::set_effective_context(id).is_err() {
                continue;
            }
            let Ok(mut filter) = filter.try_borrow_mut() else {
                continue;
            };
            if filter.on_deadline(&mut Wasm::default()) == Flow::Continue {
                let _ = hostcalls::resume_http_response();
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One stream's side. Without settings there is no filter, and requests are refused.
///
/// No callback runs within another one, so that the filter is never borrowed twice.
struct Stream<F> {
    filter: Option<Rc<RefCell<F>>>,
    /// So many bytes of the request's body are held: its end may still come as trailers.
    held_request: Option<usize>,
    /// The same of the response's.
    held_response: Option<usize>,
    /// Whether the host has said that the stream is over.
    logged: bool,
}

impl<F: Filter> Stream<F> {
    /// Runs a callback of the filter; without one, things go on.
    fn call(&self, callback: impl FnOnce(&mut F) -> Flow) -> Flow {
        let filter = self.filter.as_ref().and_then(|f| f.try_borrow_mut().ok());
        filter.map_or(Flow::Continue, |mut filter| callback(&mut filter))
    }
}

impl<F: Filter> Context for Stream<F> {
    /// Of a cluster's upstream filters Envoy writes no access log: this is the last that they hear.
    fn on_done(&mut self) -> bool {
        if !self.logged {
            self.on_log();
        }
        true
    }
}

impl<F: Filter> HttpContext for Stream<F> {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        if self.filter.is_none() {
            let error = ApiError::new(500, "The gateway is not configured.");
            Wasm::default().reply(&error.into());
            return Action::Pause;
        }
        action(self.call(|filter| filter.on_request_headers(&mut Wasm::default(), end)))
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        let host = &mut Wasm::with_body(size);
        let flow = self.call(|filter| filter.on_request_body(host, end));
        self.held_request = host.held(flow);
        action(flow)
    }

    /// Trailers end a body whose last bytes did not say so; what is held can be read and changed.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        let Some(size) = self.held_request else {
            return Action::Continue;
        };
        let host = &mut Wasm::with_body(size);
        let flow = self.call(|filter| filter.on_request_trailers(host));
        self.held_request = host.held(flow);
        action(flow)
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        action(self.call(|filter| filter.on_response_headers(&mut Wasm::default(), end)))
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let host = &mut Wasm::with_body(size);
        let flow = self.call(|filter| filter.on_response_body(host, end));
        self.held_response = host.held(flow);
        action(flow)
    }

    /// As for requests. A stream that is not held has left already: its trailers just follow.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let Some(size) = self.held_response else {
            return Action::Continue;
        };
        let host = &mut Wasm::with_body(size);
        let flow = self.call(|filter| filter.on_response_trailers(host));
        self.held_response = host.held(flow);
        action(flow)
    }

    fn on_log(&mut self) {
        self.logged = true;
        self.call(|filter| {
            filter.on_log(&mut Wasm::default());
            Flow::Continue
        });
    }
}

fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause | Flow::Replied => Action::Pause,
    }
}

/// The host of the current callback. Hostcalls find their stream themselves.
///
/// A hostcall that fails leaves things as they are: there is nobody in a callback who could mend it.
/// The SDK panics where a call has no place in the phase, such as reading request headers after they
/// have left; filters must not do that, because a trap takes all other streams of the VM along.
#[derive(Debug, Clone, Copy, Default)]
struct Wasm {
    /// Bytes of the body in the host's buffer.
    body_size: usize,
    /// So many of them, at the front, are not to be seen.
    left_out: usize,
}

impl Wasm {
    fn with_body(body_size: usize) -> Self {
        Self {
            body_size,
            left_out: 0,
        }
    }

    /// How many bytes are held after a callback, if any are.
    fn held(&self, flow: Flow) -> Option<usize> {
        (flow == Flow::Pause).then_some(self.body_size)
    }
}

fn map(of: Direction) -> MapType {
    match of {
        Direction::Request => MapType::HttpRequestHeaders,
        Direction::Response => MapType::HttpResponseHeaders,
    }
}

fn buffer(of: Direction) -> BufferType {
    match of {
        Direction::Request => BufferType::HttpRequestBody,
        Direction::Response => BufferType::HttpResponseBody,
    }
}

impl Headers for Wasm {
    fn header(&self, of: Direction, name: &str) -> Option<Vec<u8>> {
        hostcalls::get_map_value_bytes(map(of), name).ok().flatten()
    }

    fn headers(&self, of: Direction) -> Vec<(String, Vec<u8>)> {
        hostcalls::get_map_bytes(map(of)).unwrap_or_default()
    }

    fn set_headers(&mut self, of: Direction, headers: &[(&str, &[u8])]) {
        let _ = hostcalls::set_map_bytes(map(of), headers.to_vec());
    }

    fn set_header(&mut self, of: Direction, name: &str, value: &[u8]) {
        let _ = hostcalls::set_map_value_bytes(map(of), name, Some(value));
    }

    fn remove_header(&mut self, of: Direction, name: &str) {
        let _ = hostcalls::remove_map_value(map(of), name);
    }
}

impl Bodies for Wasm {
    fn body(&self, of: Direction) -> Vec<u8> {
        // The host refuses a span whose end does not fit into 32 bits.
        let most = usize::MAX.saturating_sub(self.left_out);
        let bytes = hostcalls::get_buffer(buffer(of), self.left_out, most);
        bytes.ok().flatten().unwrap_or_default()
    }

    fn body_size(&self, _of: Direction) -> usize {
        self.body_size.saturating_sub(self.left_out)
    }

    fn set_body(&mut self, of: Direction, bytes: &[u8]) {
        self.body_size = self.left_out.saturating_add(bytes.len());
        if self.left_out == 0 {
            let _ = hostcalls::set_buffer(buffer(of), 0, usize::MAX, bytes);
            return;
        }
        // Envoy replaces nothing in the middle of a buffer.
        let front = hostcalls::get_buffer(buffer(of), 0, self.left_out);
        let mut all = front.ok().flatten().unwrap_or_default();
        all.extend_from_slice(bytes);
        let _ = hostcalls::set_buffer(buffer(of), 0, usize::MAX, &all);
    }

    fn left_out(&self) -> usize {
        self.left_out
    }

    fn leave_out(&mut self, bytes: usize) {
        self.left_out = bytes;
    }
}

impl Properties for Wasm {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        hostcalls::get_property(path.to_vec()).ok().flatten()
    }

    fn set_property(&mut self, name: &str, value: &[u8]) {
        let _ = hostcalls::set_property(vec![name], Some(value));
    }
}

impl SharedData for Wasm {
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        let (value, token) = hostcalls::get_shared_data(key).unwrap_or_default();
        // An empty value is none to the SDK; what was never set has no version either.
        (value.or_else(|| token.map(|_| Vec::new())), token)
    }

    /// Fails on nothing but another version.
    fn set_shared(&mut self, key: &str, value: &[u8], token: Option<u32>) -> bool {
        hostcalls::set_shared_data(key, Some(value), token).is_ok()
    }
}

impl Calls for Wasm {
    fn post(
        &mut self,
        cluster: &str,
        authority: &str,
        path: &str,
        body: &[u8],
        timeout_ms: u64,
    ) -> Option<u32> {
        let headers = vec![
            (":method", "POST"),
            (":path", path),
            (":authority", authority),
            ("content-type", "application/json"),
        ];
        let timeout = Duration::from_millis(timeout_ms);
        hostcalls::dispatch_http_call(cluster, headers, Some(body), vec![], timeout).ok()
    }
}

impl Replies for Wasm {
    fn reply(&mut self, reply: &Reply) {
        let headers = reply.headers().collect();
        let body = (!reply.body.is_empty()).then_some(reply.body.as_slice());
        let _ = hostcalls::send_http_response(u32::from(reply.status), headers, body);
    }
}

impl Clock for Wasm {
    fn now(&self) -> u64 {
        let time = hostcalls::get_current_time().ok();
        let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
    }
}

impl Random for Wasm {
    fn random(&mut self) -> Option<[u8; 32]> {
        crate::random::bytes()
    }
}

thread_local! {
    /// The host's numbers of the metrics that this VM has counted. A VM has one thread.
    static METRICS: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// The host's number of a metric.
fn metric_id(kind: MetricType, metric: &str) -> Option<u32> {
    let known = METRICS.with_borrow(|metrics| metrics.get(metric).copied());
    known.or_else(|| {
        let id = hostcalls::define_metric(kind, metric).ok()?;
        METRICS.with_borrow_mut(|metrics| metrics.insert(metric.to_owned(), id));
        Some(id)
    })
}

impl Metrics for Wasm {
    fn count(&mut self, metric: &str, by: u64) {
        if let Some(id) = metric_id(MetricType::Counter, metric) {
            let by = i64::try_from(by).unwrap_or(i64::MAX);
            let _ = hostcalls::increment_metric(id, by);
        }
    }

    fn gauge(&mut self, metric: &str, value: u64) {
        if let Some(id) = metric_id(MetricType::Gauge, metric) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn shift(&mut self, metric: &str, by: i64) {
        if let Some(id) = metric_id(MetricType::Gauge, metric) {
            let _ = hostcalls::increment_metric(id, by);
        }
    }

    fn observe(&mut self, metric: &str, value: u64) {
        if let Some(id) = metric_id(MetricType::Histogram, metric) {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}

impl Log for Wasm {
    fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        let _ = hostcalls::log(level, message);
    }
}
