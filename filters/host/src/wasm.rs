//! proxy-wasm behind the host traits. Exists in wasm builds only.
//!
//! The SDK's `get_*` calls that decode UTF-8 trap on a bad byte, so only their `_bytes` forms are
//! used. Header names need no care: Envoy's codecs let tokens through and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::{ApiError, document};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};

use crate::{
    Bodies, Clock, Direction, Filter, Flow, Headers, Level, Log, Metrics, Properties, Replies,
    Reply, SharedData,
};

/// Registers the filter with the host. Called once a VM.
pub fn start<F: Filter>() {
    // Also installs the panic hook that names file and line in Envoy's log.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::<F> { settings: None }));
}

/// The VM's side: settings.
struct Root<F: Filter> {
    settings: Option<Rc<F::Settings>>,
}

impl<F: Filter> Context for Root<F> {}

impl<F: Filter> RootContext for Root<F> {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        let bytes = bytes.ok().flatten().unwrap_or_default();
        match document::from_plugin_configuration(&bytes).and_then(F::configure) {
            Ok(settings) => {
                self.settings = Some(Rc::new(settings));
                true
            }
            Err(error) => {
                Wasm::default().log(Level::Error, &format!("{}: {error}", F::NAME));
                false
            }
        }
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            filter: self.settings.clone().map(F::new),
            held_request: false,
            held_response: false,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One stream's side. Without settings there is no filter, and requests are refused.
struct Stream<F> {
    filter: Option<F>,
    /// Bytes of the request's body are held: its end may still come as trailers.
    held_request: bool,
    /// The same of the response's.
    held_response: bool,
}

impl<F: Filter> Context for Stream<F> {}

impl<F: Filter> HttpContext for Stream<F> {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        match &mut self.filter {
            Some(filter) => action(filter.on_request_headers(&mut Wasm::default(), end)),
            None => {
                let error = ApiError::new(500, "The gateway is not configured.");
                Wasm::default().reply(&error.into());
                Action::Pause
            }
        }
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        let filter = self.filter.as_mut();
        let host = &mut Wasm::with_body(size);
        let flow = filter.map_or(Flow::Continue, |f| f.on_request_body(host, end));
        self.held_request = flow == Flow::Pause;
        action(flow)
    }

    /// Trailers end a body whose last bytes did not say so; what is held can be read and changed.
    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        if self.held_request {
            return self.on_http_request_body(0, true);
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        let filter = self.filter.as_mut();
        filter.map_or(Action::Continue, |f| {
            action(f.on_response_headers(&mut Wasm::default(), end))
        })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let filter = self.filter.as_mut();
        let host = &mut Wasm::with_body(size);
        let flow = filter.map_or(Flow::Continue, |f| f.on_response_body(host, end));
        self.held_response = flow == Flow::Pause;
        action(flow)
    }

    /// As for requests. A stream that is not held has left already: its trailers just follow.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        if self.held_response {
            return self.on_http_response_body(0, true);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.on_log(&mut Wasm::default());
        }
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
    /// Bytes of the body that a body callback may see.
    body_size: usize,
}

impl Wasm {
    fn with_body(body_size: usize) -> Self {
        Self { body_size }
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
        let bytes = hostcalls::get_buffer(buffer(of), 0, usize::MAX);
        bytes.ok().flatten().unwrap_or_default()
    }

    fn body_size(&self, _of: Direction) -> usize {
        self.body_size
    }

    fn set_body(&mut self, of: Direction, bytes: &[u8]) {
        let _ = hostcalls::set_buffer(buffer(of), 0, usize::MAX, bytes);
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
        hostcalls::get_shared_data(key).unwrap_or_default()
    }

    /// Fails on nothing but another version.
    fn set_shared(&mut self, key: &str, value: &[u8], token: Option<u32>) -> bool {
        hostcalls::set_shared_data(key, Some(value), token).is_ok()
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

thread_local! {
    /// The host's numbers of the metrics that this VM has counted. A VM has one thread.
    static METRICS: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

impl Metrics for Wasm {
    fn count(&mut self, metric: &str, by: u64) {
        let known = METRICS.with_borrow(|metrics| metrics.get(metric).copied());
        let id = known.or_else(|| {
            let id = hostcalls::define_metric(MetricType::Counter, metric).ok()?;
            METRICS.with_borrow_mut(|metrics| metrics.insert(metric.to_owned(), id));
            Some(id)
        });
        if let Some(id) = id {
            let by = i64::try_from(by).unwrap_or(i64::MAX);
            let _ = hostcalls::increment_metric(id, by);
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
