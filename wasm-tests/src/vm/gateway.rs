//! The whole of our Envoy configuration in one process: edge chain, retries, attempt chain, provider.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::error::{Error, Trap};
use super::headers::HeaderMap;
use super::local_reply::LocalReply;
use super::plugin::Plugin;
use super::router::{Routed, UpstreamAnswer, UpstreamRequest};
use super::run::Run;
use super::stream::Stream;
use super::world::World;

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

/// One worker with both chains. A response without `x-meshrouter-outcome` is tried again, as the shipped route says.
pub struct Gateway {
    edge: Chain,
    attempt: Chain,
    /// The route's `num_retries`, where the request does not say otherwise; 1, Envoy's own default, unless set.
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
            max_retries: 1,
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

    /// What is done beside the streams is done, in both chains.
    pub fn tick(&mut self) -> Result<(), Error> {
        self.edge.tick_all()?;
        self.attempt.tick_all()
    }

    /// Sends one request through, to its end.
    pub fn send(
        &mut self,
        request: &GatewayRequest,
        mut provider: impl FnMut(&UpstreamRequest) -> UpstreamAnswer,
    ) -> Answer {
        let mut edge = self.accept(request);
        let mut run = Run::new(request.gone_after);
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
