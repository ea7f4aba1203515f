//! What filters may ask, asked of Envoy.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use super::{abi, random};
use crate::{
    Bodies, Calls, Clock, Direction, Flow, HeaderList, Headers, Level, Log, Metrics, Properties,
    Random, Replies, Reply, SharedData,
};

/// The host of the current callback. Hostcalls find their stream themselves.
///
/// A hostcall that fails leaves things as they are: there is nobody in a callback who could mend it.
/// The SDK panics where a call has no place in the phase, such as reading request headers after they
/// have left; filters must not do that, because a trap takes all other streams of the VM along.
#[derive(Debug, Default)]
pub(super) struct Wasm {
    /// Bytes of the body in the host's buffer.
    body_size: usize,
    /// So many of them, at the front, are not to be seen.
    left_out: usize,
    /// Nanoseconds since the epoch, once somebody has asked: a callback takes no time.
    now: OnceCell<u64>,
    read: RefCell<Known>,
}

/// Headers that have been read already: those of one half at a time. They hold while nobody but the filter can have
/// changed them.
pub(super) type Known = Option<Box<Read>>;

/// Headers as they were read, and what the filter has changed of them since.
pub(super) struct Read {
    of: Direction,
    headers: HeaderList,
    changes: Vec<(String, Option<Vec<u8>>)>,
}

/// Without the headers: there are credentials among them.
impl std::fmt::Debug for Read {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Read");
        shown.field("of", &self.of).finish_non_exhaustive()
    }
}

impl Read {
    fn new(of: Direction) -> Box<Self> {
        Box::new(Self {
            of,
            headers: HeaderList::of(abi::header_map(map(of))),
            changes: Vec::new(),
        })
    }

    /// The headers as they are now.
    fn headers(&mut self) -> &HeaderList {
        for (name, value) in self.changes.drain(..) {
            self.headers = self.headers.with(&name, value.as_deref());
        }
        &self.headers
    }
}

impl Wasm {
    /// The host of a callback for a body of so many bytes, as far as the buffer has them, whose headers may be known.
    pub(super) fn with(body_size: usize, known: Known) -> Self {
        Self {
            body_size,
            read: RefCell::new(known),
            ..Self::default()
        }
    }

    /// What is held after a callback for this half, if anything is: so many bytes of the body. With what is known of
    /// the headers, which are held, too.
    pub(super) fn held(self, of: Direction, flow: Flow) -> (Option<usize>, Known) {
        if flow != Flow::Pause {
            return (None, None);
        }
        let known = self.read.into_inner();
        (Some(self.body_size), known.filter(|read| read.of == of))
    }

    /// The headers of this half, if they have been read.
    fn known(&mut self, of: Direction) -> Option<&mut Read> {
        let read = self.read.get_mut().as_deref_mut();
        read.filter(|read| read.of == of)
    }

    /// The filter changes a header.
    fn changes(&mut self, of: Direction, name: &str, value: Option<&[u8]>) {
        if let Some(read) = self.known(of) {
            let value = value.map(<[u8]>::to_vec);
            read.changes.push((name.to_owned(), value));
        }
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
        match self.read.borrow_mut().as_deref_mut() {
            Some(read) if read.of == of => read.headers().get(name).map(<[u8]>::to_vec),
            _ => hostcalls::get_map_value_bytes(map(of), name).ok().flatten(),
        }
    }

    fn headers(&self, of: Direction) -> HeaderList {
        let mut known = self.read.borrow_mut();
        let read = match known.take() {
            Some(read) if read.of == of => read,
            _ => Read::new(of),
        };
        known.insert(read).headers().clone()
    }

    fn set_headers(&mut self, of: Direction, headers: &[(&str, &[u8])]) {
        if self.known(of).is_some() {
            *self.read.get_mut() = None;
        }
        let _ = hostcalls::set_map_bytes(map(of), headers.to_vec());
    }

    fn set_header(&mut self, of: Direction, name: &str, value: &[u8]) {
        self.changes(of, name, Some(value));
        let _ = hostcalls::set_map_value_bytes(map(of), name, Some(value));
    }

    fn remove_header(&mut self, of: Direction, name: &str) {
        self.changes(of, name, None);
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
        match path {
            [name] => abi::property(name),
            _ => abi::property(&path.join("\0")),
        }
    }

    fn set_property(&mut self, name: &str, value: &[u8]) {
        abi::set_property(name, value);
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
        *self.now.get_or_init(|| {
            let time = hostcalls::get_current_time().ok();
            let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            since.map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            })
        })
    }
}

impl Random for Wasm {
    fn random(&mut self) -> Option<[u8; 32]> {
        random::bytes()
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
