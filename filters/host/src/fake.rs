//! An in-memory host: one stream through one filter, with Envoy's rules for pausing.
//!
//! Tests assert what state a filter leaves, not which calls it made.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::document;

use crate::{
    ABSENT, Bodies, Calls, Clock, Direction, Filter, Flow, HeaderList, Headers, Level, Log,
    Metrics, Properties, Random, Replies, Reply, SharedData,
};

/// One half of a stream as the filter sees it, and what has left it.
#[derive(Debug, Clone, Default)]
struct Half {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    headers_released: bool,
    sent: Vec<u8>,
}

/// The state around one stream. Public fields are what tests set and look at.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    request: Half,
    response: Half,
    /// So many bytes at the front of a body are not to be seen.
    left_out: usize,
    /// Properties by path segments joined with `.`.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Shared values, each with the token of its version.
    pub shared: BTreeMap<String, (Vec<u8>, u32)>,
    /// Counters and gauges by name with labels.
    pub metrics: BTreeMap<String, u64>,
    /// What histograms were given, by name with labels.
    pub observed: BTreeMap<String, Vec<u64>>,
    /// Calls by cluster and path, with their bodies; they are numbered from 1.
    pub calls: Vec<(String, Vec<u8>)>,
    /// The answer that the filter gave itself.
    pub reply: Option<Reply>,
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// How often randomness was asked for: the next is another.
    pub drawn: u8,
    /// How many properties and shared values were read, there or not.
    pub lookups: Cell<usize>,
}

impl Fake {
    fn half(&self, of: Direction) -> &Half {
        match of {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    fn half_mut(&mut self, of: Direction) -> &mut Half {
        match of {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }
}

impl Headers for Fake {
    fn header(&self, of: Direction, name: &str) -> Option<Vec<u8>> {
        let headers = self.half(of).headers.iter();
        let values: Vec<&[u8]> = headers
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
            .collect();
        (!values.is_empty()).then(|| values.join(&b","[..]))
    }

    fn headers(&self, of: Direction) -> HeaderList {
        let headers = self.half(of).headers.iter();
        headers.map(|(name, value)| (name, value)).collect()
    }

    fn set_headers(&mut self, of: Direction, headers: &[(&str, &[u8])]) {
        let owned = headers.iter().map(|(n, v)| ((*n).to_owned(), v.to_vec()));
        self.half_mut(of).headers = owned.collect();
    }

    fn set_header(&mut self, of: Direction, name: &str, value: &[u8]) {
        self.remove_header(of, name);
        let header = (name.to_owned(), value.to_vec());
        self.half_mut(of).headers.push(header);
    }

    fn remove_header(&mut self, of: Direction, name: &str) {
        self.half_mut(of).headers.retain(|(known, _)| known != name);
    }
}

impl Bodies for Fake {
    fn body(&self, of: Direction) -> Vec<u8> {
        let body = &self.half(of).body;
        body.get(self.left_out..).unwrap_or_default().to_vec()
    }

    fn body_size(&self, of: Direction) -> usize {
        self.half(of).body.len().saturating_sub(self.left_out)
    }

    fn set_body(&mut self, of: Direction, bytes: &[u8]) {
        let left_out = self.left_out;
        let body = &mut self.half_mut(of).body;
        body.truncate(left_out);
        body.extend_from_slice(bytes);
    }

    fn left_out(&self) -> usize {
        self.left_out
    }

    fn leave_out(&mut self, bytes: usize) {
        self.left_out = bytes;
    }
}

impl Properties for Fake {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.lookups.set(self.lookups.get().saturating_add(1));
        self.properties.get(&path.join(".")).cloned()
    }

    fn set_property(&mut self, name: &str, value: &[u8]) {
        self.properties.insert(name.to_owned(), value.to_vec());
    }
}

impl SharedData for Fake {
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        self.lookups.set(self.lookups.get().saturating_add(1));
        let found = self.shared.get(key).cloned();
        found.map_or((None, None), |(value, token)| {
            (Some(value).filter(|value| !value.is_empty()), Some(token))
        })
    }

    fn set_shared(&mut self, key: &str, value: &[u8], token: Option<u32>) -> bool {
        let version = self.shared.get(key).map(|(_, version)| *version);
        if token.is_some_and(|token| token != version.unwrap_or(ABSENT)) {
            return false;
        }
        let next = version.unwrap_or(0).saturating_add(1);
        self.shared.insert(key.to_owned(), (value.to_vec(), next));
        true
    }
}

impl Replies for Fake {
    fn reply(&mut self, reply: &Reply) {
        self.reply = Some(reply.clone());
    }
}

impl Clock for Fake {
    fn now(&self) -> u64 {
        self.time
    }
}

impl Random for Fake {
    fn random(&mut self) -> Option<[u8; 32]> {
        self.drawn = self.drawn.wrapping_add(1);
        Some([self.drawn; 32])
    }
}

impl Metrics for Fake {
    fn count(&mut self, metric: &str, by: u64) {
        let counter = self.metrics.entry(metric.to_owned()).or_default();
        *counter = counter.saturating_add(by);
    }

    fn gauge(&mut self, metric: &str, value: u64) {
        self.metrics.insert(metric.to_owned(), value);
    }

    fn shift(&mut self, metric: &str, by: i64) {
        let gauge = self.metrics.entry(metric.to_owned()).or_default();
        *gauge = gauge.saturating_add_signed(by);
    }

    fn observe(&mut self, metric: &str, value: u64) {
        let values = self.observed.entry(metric.to_owned()).or_default();
        values.push(value);
    }
}

impl Calls for Fake {
    fn post(
        &mut self,
        cluster: &str,
        _authority: &str,
        path: &str,
        body: &[u8],
        _timeout_ms: u64,
    ) -> Option<u32> {
        let to = format!("{cluster}{path}");
        self.calls.push((to, body.to_vec()));
        u32::try_from(self.calls.len()).ok()
    }
}

impl Log for Fake {
    fn log(&self, _level: Level, _message: &str) {}
}

/// A filter and the stream that a test sends through it.
#[derive(Debug)]
pub struct Stream<F> {
    filter: F,
    /// The host, to look at and to prepare.
    pub host: Fake,
}

impl<F: Filter> Stream<F> {
    /// A stream through a filter with these settings.
    #[must_use]
    pub fn new(settings: &Rc<F::Settings>) -> Self {
        Self {
            filter: F::new(Rc::clone(settings)),
            host: Fake::default(),
        }
    }

    /// Sends headers. Without a body, `end` is true.
    pub fn headers(&mut self, of: Direction, headers: &[(&str, &str)], end: bool) -> Flow {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        self.host.half_mut(of).headers = headers.collect();
        let flow = match of {
            Direction::Request => self.filter.on_request_headers(&mut self.host, end),
            Direction::Response => self.filter.on_response_headers(&mut self.host, end),
        };
        let half = self.host.half_mut(of);
        half.headers_released = flow == Flow::Continue;
        flow
    }

    /// Sends a chunk of the body. A paused filter sees it behind what was held.
    pub fn body(&mut self, of: Direction, chunk: &[u8], end: bool) -> Flow {
        self.host.half_mut(of).body.extend_from_slice(chunk);
        let flow = match of {
            Direction::Request => self.filter.on_request_body(&mut self.host, end),
            Direction::Response => self.filter.on_response_body(&mut self.host, end),
        };
        self.passes(of, flow)
    }

    /// What leaves after a callback for the body.
    fn passes(&mut self, of: Direction, flow: Flow) -> Flow {
        let half = self.host.half_mut(of);
        if flow == Flow::Continue {
            half.headers_released = true;
            half.sent.append(&mut half.body);
        }
        flow
    }

    /// Sends trailers: the end of a body whose last bytes did not say so. Only for a filter that holds it.
    pub fn trailers(&mut self, of: Direction) -> Flow {
        let flow = match of {
            Direction::Request => self.filter.on_request_trailers(&mut self.host),
            Direction::Response => self.filter.on_response_trailers(&mut self.host),
        };
        self.passes(of, flow)
    }

    /// Lets so many nanoseconds pass in which nothing arrives. True where the filter acted because of it.
    pub fn wait(&mut self, nanoseconds: u64) -> bool {
        self.host.time = self.host.time.saturating_add(nanoseconds);
        if !self.filter.is_late(self.host.time) {
            return false;
        }
        if self.filter.on_deadline(&mut self.host) == Flow::Continue {
            let half = self.host.half_mut(Direction::Response);
            half.headers_released = true;
            half.sent.append(&mut half.body);
        }
        true
    }

    /// Ends the stream.
    pub fn log(&mut self) {
        self.filter.on_log(&mut self.host);
    }

    /// A header of either half, as text.
    #[must_use]
    pub fn header(&self, of: Direction, name: &str) -> Option<String> {
        let value = self.host.header(of, name)?;
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    /// What has left the filter of a body so far.
    #[must_use]
    pub fn sent(&self, of: Direction) -> String {
        String::from_utf8_lossy(&self.host.half(of).sent).into_owned()
    }

    /// Whether the headers have left the filter.
    #[must_use]
    pub fn released(&self, of: Direction) -> bool {
        self.host.half(of).headers_released
    }
}

/// Settings of a filter from a document's JSON.
///
/// # Errors
/// What the filter finds wrong with it.
pub fn settings<F: Filter>(
    document: &str,
) -> Result<Rc<F::Settings>, meshrouter_core::DocumentError> {
    let document = document::from_json(document.as_bytes())?;
    F::configure(document).map(Rc::new)
}
