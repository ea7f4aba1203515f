//! The attempt that runs: whom it asks, what the edge says of the request, and how it ended.

use std::rc::Rc;

use meshrouter_core::affinity::{self, Affinity};
use meshrouter_core::carried::Carried;
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::{Attempt, Prompt};
use meshrouter_core::names::{header, property};
use meshrouter_core::{AttemptRequest, Candidate, Outcome, Plan};
use meshrouter_host::{Host, Properties};
use meshrouter_wire::completion::Tokens;

use crate::body;
use crate::cause::{Cause, Verdict};
use crate::counters::Counters;
use crate::credentials::{self, Place};
use crate::flights::Flights;
use crate::headers::Received;
use crate::pulse::{self, Pulse};
use crate::span;

/// Whose turn it is.
#[derive(Debug)]
pub(crate) enum Turn {
    /// A candidate's.
    Attempt(Box<Running>),
    /// Nobody's: all candidates have been asked.
    Over(Box<Over>),
}

/// A request that nobody is left to ask for.
#[derive(Debug)]
pub(crate) struct Over {
    /// What the edge says of it.
    pub(crate) request: AttemptRequest,
    /// Who was asked last, and how many were asked in all.
    pub(crate) last: Outcome,
    /// Whether this is the first attempt after the candidates': where they race there may be more.
    pub(crate) first: bool,
}

/// The attempt that runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Whom it asks.
    pub(crate) candidate: Candidate,
    /// Which attempt of the request this is, from 1.
    pub(crate) number: usize,
    /// The attempt before it.
    pub(crate) before: Option<Outcome>,
    /// Whether other attempts of the request may run beside it.
    pub(crate) races: bool,
    /// Whether its span is to say what became of it.
    pub(crate) traced: bool,
    /// Whether the plan has a candidate of another model left.
    pub(crate) has_other_model: bool,
    /// What the edge says of the request.
    pub(crate) request: AttemptRequest,
    /// When it began, in nanoseconds since the epoch.
    pub(crate) started: u64,
    /// Whether its conversation should come back where this attempt is served.
    sticks: bool,
    /// Whether its prompt is to be compressed.
    exceeds: bool,
    /// Whether it is known how it went.
    settled: bool,
    /// What all workers are told of it, once it has begun.
    pulse: Option<Pulse>,
    /// Where it is counted: its provider's.
    pub(crate) counters: Option<Rc<Counters>>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// A stream began to answer, and runs on.
    Streams,
    /// A whole answer is here, of so many tokens, where the provider says.
    Answered(Option<Tokens>),
    /// There is no answer.
    Failed {
        cause: Cause,
        verdict: Verdict,
        /// Milliseconds for which the provider wants no request.
        retry_after: Option<u64>,
    },
}

impl Ending {
    fn verdict(self) -> Verdict {
        match self {
            Self::Streams | Self::Answered(_) => Verdict::Answered,
            Self::Failed { verdict, .. } => verdict,
        }
    }

    /// What was wrong, in one word; empty where nothing was.
    fn reason(self) -> &'static str {
        match self {
            Self::Streams | Self::Answered(_) => "",
            Self::Failed { cause, .. } => cause.reason(),
        }
    }
}

impl Turn {
    /// The attempt that the request's headers describe, which begins `now`, in nanoseconds since the epoch.
    /// `hedges`: the gateway lets attempts race.
    pub(crate) fn of(headers: &Received, now: u64, hedges: bool) -> Option<Self> {
        let plan = Plan::named(headers.get(header::PLAN)?)?;
        let of = |attempt: usize| plan.get(attempt.checked_sub(1)?);
        let request = AttemptRequest::decode(headers.get(header::REQUEST)?)?;
        let number = headers.get(header::ENVOY_ATTEMPT_COUNT);
        let number = number.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let number = number.unwrap_or(1);
        let Some(candidate) = of(number) else {
            let last = Outcome::new(plan.len(), plan.last()?.to_candidate());
            let first = number == plan.len().saturating_add(1);
            return Some(Self::Over(Box::new(Over {
                request,
                last,
                first,
            })));
        };
        let before = of(number.saturating_sub(1));
        let mut left = plan.iter().skip(number);
        Some(Self::Attempt(Box::new(Running {
            candidate: candidate.to_candidate(),
            number,
            before: before
                .map(|candidate| Outcome::new(number.saturating_sub(1), candidate.to_candidate())),
            races: hedges && plan.len() > 1,
            traced: false,
            has_other_model: left.any(|left| left.model != candidate.model),
            request,
            started: now,
            sticks: false,
            exceeds: false,
            settled: false,
            pulse: None,
            counters: None,
        })))
    }
}

impl Running {
    /// The body for the candidate's endpoint; `None` where it is not the one that the edge read.
    pub(crate) fn body(&self, body: &[u8], endpoint: &Endpoint) -> Option<Vec<u8>> {
        body::for_endpoint(body, &self.request, endpoint, &self.candidate.model)
    }

    /// Whether `middle-out` compressed the prompt.
    pub(crate) fn is_compressed(&self, host: &impl Properties) -> bool {
        self.exceeds && host.property(&[property::COMPRESSED]).is_some()
    }

    /// Who answered, should this attempt be the last.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::new(self.number, self.candidate.clone())
    }

    /// The endpoint of a place is being asked; after `limit` failures in a row it cools down.
    pub(crate) fn begin(
        &mut self,
        host: &mut impl Host,
        place: Place<'_>,
        limit: u32,
        flights: &Flights,
    ) {
        let endpoint = place.endpoint;
        if self.traced {
            span::begins(host, self.request.operation, &self.candidate);
        }
        self.sticks = place.sticks;
        let request = &self.request;
        let record = credentials::record(request, &self.candidate, endpoint);
        let compresses = request.transforms.compresses(endpoint.context_length);
        let correction = compresses.then(|| pulse::learned(host, &record.0));
        let mut pulse = Pulse::begin(flights, record, self.started, limit);
        let prompt = Prompt {
            weight: request.estimate.weight(endpoint.family),
            correction: correction.unwrap_or_default(),
            message_count: request.message_count,
            max_tokens: request.max_tokens,
            transforms: request.transforms,
        };
        // What is compressed, searched for or looked at has other tokens than the text that was weighed.
        let searches = request.online.contains(&self.candidate.model);
        let limits = prompt.exceeds(endpoint);
        self.exceeds = limits.is_some();
        if !searches && !request.has_media && !self.exceeds {
            pulse.weighs(prompt.weight);
        }
        self.pulse = Some(pulse);
        let told = limits.map(|limits| Attempt {
            model: self.candidate.model.clone(),
            scale: prompt.scale(endpoint),
            context: endpoint.context_length,
            limits,
        });
        self.tell(host, told);
    }

    /// Tells `middle-out` of a prompt that it is to compress. In the native shape an attempt finds what the one before
    /// it left, and writes over it.
    fn tell(&self, host: &mut impl Properties, attempt: Option<Attempt>) {
        if attempt.is_some() || self.number > 1 {
            let attempt = attempt.map(|attempt| attempt.encode());
            host.set_property(property::ATTEMPT, &attempt.unwrap_or_default());
        }
    }

    /// It is known how the attempt went: counts it, tells all workers, and remembers where the
    /// conversation is served.
    pub(crate) fn settle(&mut self, host: &mut impl Host, ending: Ending) {
        self.settled = true;
        if self.traced {
            span::settled(host, ending.verdict().name(), ending.reason());
        }
        if let Some(counters) = &self.counters {
            counters.of(ending.verdict()).add();
        }
        if ending.verdict() == Verdict::Answered {
            self.remember(host);
        }
        let Some(pulse) = &mut self.pulse else {
            return;
        };
        match ending {
            Ending::Streams => pulse.streams(host),
            Ending::Answered(tokens) => pulse.answered(host, tokens),
            Ending::Failed {
                cause, retry_after, ..
            } => {
                if pulse.failed(host, cause, retry_after) {
                    self.cools_down();
                }
            }
        }
    }

    /// Its endpoint begins to cool down.
    fn cools_down(&self) {
        if let Some(counters) = &self.counters {
            counters.cools_down(&self.candidate.model);
        }
    }

    /// Whether it is known how it went.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// How long it has taken so far, in milliseconds.
    pub(crate) fn milliseconds(&self, now: u64) -> u64 {
        now.saturating_sub(self.started) / 1_000_000
    }

    /// The stream that answered is over. `broken`: the provider broke it off.
    pub(crate) fn streamed(&mut self, host: &mut impl Host, tokens: Option<Tokens>, broken: bool) {
        let Some(pulse) = &mut self.pulse else {
            return;
        };
        if pulse.streamed(host, tokens, broken) {
            self.cools_down();
        }
    }

    /// The attempt is over. Where nobody knows how it went, nobody wants to know any more.
    pub(crate) fn stop(&mut self) {
        let settled = std::mem::replace(&mut self.settled, true);
        if let Some(counters) = self.counters.as_ref().filter(|_| !settled) {
            counters.cancelled.add();
        }
        if let Some(pulse) = &mut self.pulse {
            pulse.stop();
        }
    }

    fn remember(&self, host: &mut impl Host) {
        let Some(conversation) = self.request.conversation.filter(|_| self.sticks) else {
            return;
        };
        let at = host.now() / 1_000_000_000;
        let slot = Affinity::slot(conversation, at, &self.candidate);
        // The last turn counts, whatever stood there.
        host.set_shared(&affinity::key(conversation), &slot, None);
    }
}
