//! What stands at the far end of the attempt chain: Envoy's router and a provider that a test plays.

use super::headers::HeaderMap;
use super::local_reply::LocalReply;
use super::out::Event;
use super::stream::Stream;

/// A request as it reaches a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The cluster that the attempt chain named.
    pub cluster: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl UpstreamRequest {
    /// The body as text, for assertions.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A response as a provider sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamResponse {
    /// The status.
    pub status: u16,
    /// The headers, without `:status`.
    pub headers: HeaderMap,
    /// The pieces of the body, as they arrive.
    pub chunks: Vec<Vec<u8>>,
    /// The last piece carries the end, as it can over HTTP/2. Over HTTP/1 the end always comes by itself, as an
    /// empty piece.
    pub end_with_last: bool,
}

impl UpstreamResponse {
    /// A response in one piece, of type `application/json`.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = HeaderMap::from([("content-type", "application/json")]);
        Self {
            status,
            headers,
            chunks: vec![body.into()],
            end_with_last: false,
        }
    }

    /// A 200 of type `text/event-stream` in the given pieces.
    pub fn sse<C: Into<Vec<u8>>>(chunks: impl IntoIterator<Item = C>) -> Self {
        let headers = HeaderMap::from([("content-type", "text/event-stream")]);
        Self {
            status: 200,
            headers,
            chunks: chunks.into_iter().map(Into::into).collect(),
            end_with_last: false,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.add(name, value);
        self
    }

    pub(super) fn response_headers(&self) -> HeaderMap {
        let status = [(b":status".to_vec(), self.status.to_string().into_bytes())];
        let given = self.headers.iter().map(|(n, v)| (n.to_vec(), v.to_vec()));
        status.into_iter().chain(given).collect()
    }
}

/// What became of one request to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamAnswer {
    /// A whole response.
    Answer(UpstreamResponse),
    /// No connection.
    ConnectFailure,
    /// The connection broke before any header.
    ResetBeforeHeaders,
    /// The connection broke after these headers and pieces.
    ResetAfter(UpstreamResponse),
}

impl From<UpstreamResponse> for UpstreamAnswer {
    fn from(response: UpstreamResponse) -> Self {
        Self::Answer(response)
    }
}

/// The router's own 503 for a reset before headers.
pub(super) fn reset_reply(reason: &str) -> LocalReply {
    let details = format!(
        "upstream_reset_before_response_started{{{}}}",
        reason.replace(' ', "_")
    );
    let body = format!(
        "upstream connect error or disconnect/reset before headers. reset reason: {reason}"
    );
    LocalReply::new(503, &details, body)
}

/// Envoy takes these from the request that goes on.
const CONSUMED: &[&str] = &[
    "x-envoy-max-retries",
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
];

/// The edge router's view of the request: what an attempt gets, and how many retries it may use.
pub(super) struct Routed {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<Vec<u8>>,
    pub(super) max_retries: u32,
}

impl Routed {
    /// None while the edge chain still holds the request.
    pub(super) fn from(edge: &Stream, default_retries: u32) -> Option<Self> {
        let out = edge.request();
        let mut headers = out.headers.filter(|_| out.ended)?;
        let asked = headers
            .text("x-envoy-max-retries")
            .and_then(|n| n.parse().ok());
        for name in CONSUMED {
            headers.remove(name);
        }
        Some(Self {
            headers,
            body: out.body,
            max_retries: asked.unwrap_or(default_retries),
        })
    }
}

/// Says so if a message goes out with a `content-length` that is not its body's: over HTTP/1 that breaks the
/// connection.
pub(super) fn framing_error(hop: &str, events: &[Event]) -> Option<String> {
    let mut declared = None;
    let mut sent = 0;
    let mut ended = false;
    for event in events {
        match event {
            Event::Headers { headers, end } => {
                declared = headers.text("content-length");
                ended |= end;
            }
            Event::Data { bytes, end } => {
                sent += bytes.len();
                ended |= end;
            }
        }
    }
    let declared = declared.filter(|_| ended)?;
    let wrong = declared.parse() != Ok(sent);
    wrong.then(|| format!("{hop}: content-length {declared}, {sent} bytes sent"))
}
