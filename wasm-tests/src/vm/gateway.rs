//! The whole of our Envoy configuration in one process: edge chain, retries, attempt chain, provider.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::error::{Error, Trap};
use super::headers::HeaderMap;
use super::local_reply::LocalReply;
use super::plugin::Plugin;
use super::router::{
    Routed, UpstreamAnswer, UpstreamRequest, UpstreamResponse, framing_error, reset_reply,
};
use super::stream::{Event, Stream};
use super::world::World;

/// The response header by which the attempt chain asks for another attempt.
const RETRY: &str = "x-meshrouter-retry";
/// The request header by which the attempt chain names a cluster.
const CLUSTER: &str = "x-meshrouter-cluster";

/// A caller's request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayRequest {
    /// The headers, pseudo headers included.
    pub headers: HeaderMap,
    /// The pieces of the body as they arrive; the end follows by itself.
    pub chunks: Vec<Vec<u8>>,
    /// The caller hangs up once so many pieces of a response have come from upstream.
    pub gone_after: Option<usize>,
}

impl GatewayRequest {
    /// A request with a JSON body.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let mut request = Self::get(path).header("content-type", "application/json");
        request.headers.set(":method", "POST");
        request.headers.set("content-length", length);
        Self {
            chunks: vec![body],
            ..request
        }
    }

    /// A request without a body.
    pub fn get(path: &str) -> Self {
        let pairs = [
            (":method", "GET"),
            (":path", path),
            (":authority", "gateway.test"),
            (":scheme", "http"),
        ];
        Self {
            headers: pairs.into(),
            ..Self::default()
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.add(name, value);
        self
    }

    /// The same from a caller who hangs up after so many upstream pieces.
    #[must_use]
    pub fn gone_after(mut self, chunks: usize) -> Self {
        self.gone_after = Some(chunks);
        self
    }
}

/// A piece of body that reached the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many pieces of the provider's response had been fed when this one came out. In a stream that nothing
    /// holds back, piece n comes out with n fed.
    pub fed: usize,
}

/// What the caller got, and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status; 0 if no headers came.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, in pieces.
    pub chunks: Vec<Chunk>,
    /// The response came to its end.
    pub ended: bool,
    /// The caller's connection was broken off.
    pub reset: bool,
    /// The edge chain, or its router, answered by itself.
    pub local_reply: Option<LocalReply>,
    /// What reached providers, in order.
    pub upstream: Vec<UpstreamRequest>,
    /// How many attempts there were, those that never reached a provider included.
    pub attempts: u32,
    /// The edge chain's properties at the end: what the access log reads.
    pub access_log: BTreeMap<String, Vec<u8>>,
    /// `response.code_details` of the edge.
    pub details: Option<String>,
    /// The same properties of each attempt.
    pub attempt_logs: Vec<BTreeMap<String, Vec<u8>>>,
    /// Messages whose `content-length` is not their body's, on any hop: each would break in Envoy.
    pub framing_errors: Vec<String>,
    /// Every trap on the way.
    pub traps: Vec<Trap>,
}

impl Answer {
    /// The whole body as text.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.chunks.iter().flat_map(|c| c.bytes.clone()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// One worker with both chains.
pub struct Gateway {
    edge: Chain,
    attempt: Chain,
    /// The route's `num_retries`, where the request does not say otherwise.
    pub max_retries: u32,
    requests: u64,
}

impl Gateway {
    /// Starts both chains.
    pub fn new(world: &World, edge: &[Plugin], attempt: &[Plugin]) -> Result<Self, Error> {
        let (edge, attempt) = (Chain::new(world, edge)?, Chain::new(world, attempt)?);
        Ok(Self {
            edge,
            attempt,
            max_retries: 8,
            requests: 0,
        })
    }

    /// The edge chain, for its fuel and memory.
    pub fn edge(&mut self) -> &mut Chain {
        &mut self.edge
    }

    /// The attempt chain, for its fuel and memory.
    pub fn attempt(&mut self) -> &mut Chain {
        &mut self.attempt
    }

    /// Sends one request through, to its end.
    pub fn send(
        &mut self,
        request: &GatewayRequest,
        mut provider: impl FnMut(&UpstreamRequest) -> UpstreamAnswer,
    ) -> Answer {
        let mut edge = self.accept(request);
        let mut run = Run {
            answer: Answer::default(),
            told: 0,
            fed: 0,
            gone_after: request.gone_after,
        };
        run.collect(&edge);
        let routed =
            Routed::from(&edge, self.max_retries).filter(|_| edge.response().local_reply.is_none());
        if let Some(routed) = routed {
            for n in 1..=routed.max_retries.saturating_add(1) {
                let last = n > routed.max_retries;
                if !run.attempt(
                    &mut self.attempt,
                    &mut edge,
                    &routed,
                    (n, last),
                    &mut provider,
                ) {
                    break;
                }
            }
        }
        run.close(edge)
    }

    /// The caller's request enters the edge chain, with what the connection manager adds.
    fn accept(&mut self, request: &GatewayRequest) -> Stream {
        let mut edge = self.edge.stream();
        let mut headers = request.headers.clone();
        self.requests += 1;
        if headers.get("x-request-id").is_none() {
            headers.set(
                "x-request-id",
                format!("00000000-0000-4000-8000-{:012}", self.requests),
            );
        }
        headers.set("x-forwarded-proto", "http");
        // Traps are read from the stream at the end.
        let _ = edge.request_headers(headers, request.chunks.is_empty());
        for chunk in &request.chunks {
            let _ = edge.request_body(chunk.clone(), false);
        }
        if !request.chunks.is_empty() {
            let _ = edge.request_body("", true);
        }
        edge
    }
}

/// One request under way.
struct Run {
    answer: Answer,
    /// How many of the edge's events the caller has had.
    told: usize,
    fed: usize,
    gone_after: Option<usize>,
}

/// What the edge router makes of an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Waiting,
    Final,
    Retry,
}

/// An attempt and how much of its response the edge has had.
struct Attempt {
    stream: Stream,
    passed: usize,
    judged: Judged,
    last: bool,
}

impl Run {
    /// Makes one attempt; true if there is to be another.
    fn attempt(
        &mut self,
        chain: &mut Chain,
        edge: &mut Stream,
        routed: &Routed,
        (number, last): (u32, bool),
        provider: &mut impl FnMut(&UpstreamRequest) -> UpstreamAnswer,
    ) -> bool {
        self.answer.attempts = number;
        self.fed = 0;
        let mut headers = routed.headers.clone();
        headers.set("x-envoy-attempt-count", number.to_string());
        let mut attempt = Attempt {
            stream: chain.stream(),
            passed: 0,
            judged: Judged::Waiting,
            last,
        };
        let _ = attempt
            .stream
            .request_headers(headers, routed.body.is_empty());
        for chunk in &routed.body {
            let _ = attempt.stream.request_body(chunk.clone(), false);
        }
        if !routed.body.is_empty() {
            let _ = attempt.stream.request_body("", true);
        }
        self.hop(&mut attempt, edge);
        let out = attempt.stream.request();
        if out.ended && out.local_reply.is_none() {
            self.upstream(&mut attempt, edge, number, provider);
        }
        self.after(attempt, edge)
    }

    /// The attempt's router: the request goes to a provider, what comes back goes into the attempt chain.
    fn upstream(
        &mut self,
        attempt: &mut Attempt,
        edge: &mut Stream,
        number: u32,
        provider: &mut impl FnMut(&UpstreamRequest) -> UpstreamAnswer,
    ) {
        let out = attempt.stream.request();
        let body = out.bytes();
        let headers = out.headers.unwrap_or_default();
        let Some(cluster) = headers.text(CLUSTER) else {
            let _ = attempt
                .stream
                .router_reply(LocalReply::new(503, "cluster_not_found", ""));
            return self.hop(attempt, edge);
        };
        let request = UpstreamRequest {
            attempt: number,
            cluster,
            headers,
            body,
        };
        let answer = provider(&request);
        self.answer.upstream.push(request);
        match answer {
            UpstreamAnswer::Answer(response) => self.play(attempt, edge, &response, true),
            UpstreamAnswer::ResetAfter(response) => {
                self.play(attempt, edge, &response, false);
                let _ = attempt.stream.upstream_reset();
            }
            UpstreamAnswer::ConnectFailure => {
                let reason = "remote connection failure, transport failure reason: \
                              delayed connect error: Connection refused";
                let mut reply = reset_reply(reason);
                reply.details = "upstream_reset_before_response_started\
                                 {remote_connection_failure|delayed_connect_error:_Connection_refused}"
                    .to_owned();
                let _ = attempt.stream.router_reply(reply);
            }
            UpstreamAnswer::ResetBeforeHeaders => {
                let _ = attempt
                    .stream
                    .router_reply(reset_reply("connection termination"));
            }
        }
        self.hop(attempt, edge);
    }

    fn play(
        &mut self,
        attempt: &mut Attempt,
        edge: &mut Stream,
        response: &UpstreamResponse,
        ends: bool,
    ) {
        let count = response.chunks.len();
        let _ = attempt
            .stream
            .response_headers(response.response_headers(), ends && count == 0);
        self.hop(attempt, edge);
        for (index, chunk) in response.chunks.iter().enumerate() {
            if self.gone() || attempt.judged == Judged::Retry {
                return;
            }
            self.fed = index + 1;
            let end = ends && response.end_with_last && self.fed == count;
            let _ = attempt.stream.response_body(chunk.clone(), end);
            self.hop(attempt, edge);
        }
        if ends
            && count > 0
            && !response.end_with_last
            && !self.gone()
            && attempt.judged != Judged::Retry
        {
            let _ = attempt.stream.response_body("", true);
            self.hop(attempt, edge);
        }
    }

    fn gone(&self) -> bool {
        self.gone_after.is_some_and(|after| self.fed >= after)
    }

    /// What the attempt chain has let out reaches the edge's router, over HTTP/1: the end comes by itself.
    fn hop(&mut self, attempt: &mut Attempt, edge: &mut Stream) {
        while let Some(event) = attempt
            .stream
            .response_events()
            .get(attempt.passed)
            .cloned()
        {
            if attempt.judged == Judged::Retry {
                return;
            }
            attempt.passed += 1;
            match event {
                Event::Headers { headers, .. } if headers.get(RETRY).is_some() && !attempt.last => {
                    attempt.judged = Judged::Retry;
                }
                Event::Headers { headers, end } => {
                    attempt.judged = Judged::Final;
                    let _ = edge.response_headers(headers, end);
                }
                Event::Data { bytes, end } => {
                    if !bytes.is_empty() {
                        let _ = edge.response_body(bytes, false);
                    }
                    self.collect(edge);
                    if end {
                        let _ = edge.response_body("", true);
                    }
                }
            }
            self.collect(edge);
        }
    }

    /// The attempt is over; a broken one that the edge has seen nothing of is retried by the `reset` policy.
    fn after(&mut self, mut attempt: Attempt, edge: &mut Stream) -> bool {
        if attempt.stream.response().reset {
            match attempt.judged {
                Judged::Final => drop(edge.upstream_reset()),
                _ if !attempt.last => attempt.judged = Judged::Retry,
                _ => drop(edge.router_reply(reset_reply("connection termination"))),
            }
            self.collect(edge);
        }
        let _ = attempt.stream.finish();
        let hops = [
            ("attempt to provider", attempt.stream.request_events()),
            ("attempt to edge", attempt.stream.response_events()),
        ];
        self.answer.framing_errors.extend(
            hops.iter()
                .filter_map(|(hop, events)| framing_error(hop, events)),
        );
        self.answer.attempt_logs.push(attempt.stream.properties());
        self.answer.traps.extend_from_slice(attempt.stream.traps());
        attempt.judged == Judged::Retry
    }

    /// What has left the edge chain since the last time is the caller's now.
    fn collect(&mut self, edge: &Stream) {
        for event in &edge.response_events()[self.told..] {
            match event {
                Event::Headers { headers, end } => {
                    self.answer.status = headers.status();
                    self.answer.headers = headers.clone();
                    self.answer.ended |= end;
                }
                Event::Data { bytes, end } => {
                    let piece = Chunk {
                        bytes: bytes.clone(),
                        fed: self.fed,
                    };
                    self.answer
                        .chunks
                        .extend((!bytes.is_empty()).then_some(piece));
                    self.answer.ended |= end;
                }
            }
        }
        self.told = edge.response_events().len();
    }

    fn close(mut self, mut edge: Stream) -> Answer {
        self.collect(&edge);
        let _ = edge.finish();
        let hops = [
            ("edge to attempt", edge.request_events()),
            ("edge to caller", edge.response_events()),
        ];
        self.answer.framing_errors.extend(
            hops.iter()
                .filter_map(|(hop, events)| framing_error(hop, events)),
        );
        let out = edge.response();
        self.answer.reset = out.reset;
        self.answer.local_reply = out.local_reply;
        self.answer.details = edge.response_code_details();
        self.answer.access_log = edge.properties();
        self.answer.traps.extend_from_slice(edge.traps());
        self.answer
    }
}
