//! The attempt that runs: whom it asks, what the edge says of the request, and how it ended.

use meshrouter_core::affinity::{self, Affinity};
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, metric};
use meshrouter_core::{AttemptRequest, Candidate, Outcome, Plan};
use meshrouter_host::{Direction, Host};

use crate::body;
use crate::credentials;
use crate::pulse::Pulse;
use crate::verdict::Verdict;

/// The attempt that runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Whom it asks.
    pub(crate) candidate: Candidate,
    /// Which attempt of the request this is, from 1.
    pub(crate) number: usize,
    /// Whether the plan has a candidate left.
    pub(crate) has_next: bool,
    /// Whether it has one of another model.
    pub(crate) has_other_model: bool,
    /// What the edge says of the request.
    pub(crate) request: AttemptRequest,
    /// What all workers are told of it, once it has begun.
    pulse: Option<Pulse>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// A stream began to answer, and runs on.
    Streams,
    /// A whole answer is here, of so many tokens, where the provider says.
    Answered(Option<u64>),
    /// There is no answer.
    Failed {
        verdict: Verdict,
        status: u16,
        /// Milliseconds for which the provider wants no request.
        retry_after: Option<u64>,
    },
}

impl Ending {
    /// A failure that another candidate may not have, without further wishes of the provider's.
    pub(crate) fn try_next(status: u16) -> Self {
        Self::Failed {
            verdict: Verdict::TryNext,
            status,
            retry_after: None,
        }
    }

    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Streams | Self::Answered(_) => Verdict::Answered,
            Self::Failed { verdict, .. } => verdict,
        }
    }
}

impl Running {
    /// The attempt that the request's headers describe.
    pub(crate) fn of(host: &impl Host) -> Option<Self> {
        let plan = Plan::parse(&host.header(Direction::Request, header::PLAN)?)?;
        let request = AttemptRequest::decode(&host.header(Direction::Request, header::REQUEST)?)?;
        let number = host.header(Direction::Request, header::ENVOY_ATTEMPT_COUNT);
        let number = number.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        let number = number.unwrap_or(1);
        let candidate = plan.candidate(number)?;
        let left = plan.candidates().skip(number);
        Some(Self {
            candidate: candidate.clone(),
            number,
            has_next: number < plan.len(),
            has_other_model: left.into_iter().any(|left| left.model != candidate.model),
            request,
            pulse: None,
        })
    }

    /// The body for the candidate's endpoint; `None` where it is not the one that the edge read.
    pub(crate) fn body(&self, body: &[u8], endpoint: &Endpoint) -> Option<Vec<u8>> {
        body::for_endpoint(body, &self.request, endpoint, &self.candidate.model)
    }

    /// Who answered, should this attempt be the last.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            attempts: self.number,
            candidate: self.candidate.clone(),
        }
    }

    /// The endpoint is being asked. After `limit` failures in a row it cools down.
    pub(crate) fn begin(&mut self, host: &mut impl Host, endpoint: &Endpoint, limit: u32) {
        let record = credentials::record(&self.request, &self.candidate, endpoint);
        self.pulse = Some(Pulse::begin(host, record, limit));
    }

    /// It is known how the attempt went: counts it, tells all workers, and remembers where the
    /// conversation is served.
    pub(crate) fn settle(&mut self, host: &mut impl Host, ending: Ending) {
        let labels = [
            ("provider", self.candidate.provider()),
            ("verdict", ending.verdict().name()),
        ];
        host.count(&metric::label(metric::ATTEMPTS, &labels), 1);
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
                status,
                retry_after,
                ..
            } => pulse.failed(host, status, retry_after),
        }
    }

    /// The stream that answered is over. `broken`: the provider broke it off.
    pub(crate) fn streamed(&mut self, host: &mut impl Host, tokens: Option<u64>, broken: bool) {
        if let Some(pulse) = &mut self.pulse {
            pulse.streamed(host, tokens, broken);
        }
    }

    /// The attempt is over, whatever became of it.
    pub(crate) fn stop(&mut self, host: &mut impl Host) {
        if let Some(pulse) = &mut self.pulse {
            pulse.stop(host);
        }
    }

    fn remember(&self, host: &mut impl Host) {
        let Some(conversation) = self.request.conversation else {
            return;
        };
        let affinity = Affinity {
            conversation,
            at: host.now() / 1_000_000_000,
            candidate: self.candidate.clone(),
        };
        // The last turn counts, whatever stood there.
        host.set_shared(&affinity::key(conversation), &affinity.encode(), None);
    }
}
