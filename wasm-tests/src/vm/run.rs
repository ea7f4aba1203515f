//! One request of the gateway: its attempts, and what passes between the chains.

use meshrouter_core::names::header;

use super::chain::Chain;
use super::gateway::{Answer, Chunk};
use super::headers::HeaderMap;
use super::local_reply::LocalReply;
use super::out::Event;
use super::router::{
    Routed, UpstreamAnswer, UpstreamRequest, UpstreamResponse, framing_error, reset_reply,
};
use super::stream::Stream;

/// The route's `retriable_headers`: what `fallback` has not marked as final is tried again.
fn is_retriable(headers: &HeaderMap) -> bool {
    headers.get(header::OUTCOME).is_none()
}

/// One request under way.
pub(super) struct Run {
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
    pub(super) fn new(gone_after: Option<usize>) -> Self {
        Self {
            answer: Answer::default(),
            told: 0,
            fed: 0,
            gone_after,
        }
    }

    /// Makes one attempt; true if there is to be another.
    pub(super) fn attempt(
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
        let Some(cluster) = headers.text(header::CLUSTER) else {
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
                let mut reply = reset_reply("remote connection failure");
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
                Event::Headers { headers, .. } if !attempt.last && is_retriable(&headers) => {
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
    pub(super) fn collect(&mut self, edge: &Stream) {
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

    pub(super) fn close(mut self, mut edge: Stream) -> Answer {
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
