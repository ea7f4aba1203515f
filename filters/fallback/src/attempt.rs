//! The attempt that runs: whom it asks, and what the edge says of the request.

use meshrouter_core::catalog::Endpoint;
use meshrouter_core::facts::Carried;
use meshrouter_core::names::header;
use meshrouter_core::{AttemptRequest, Candidate, Outcome, Plan};
use meshrouter_host::{Direction, Host};

use crate::body;

/// The attempt that runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Whom it asks.
    pub(crate) candidate: Candidate,
    /// Which attempt of the request this is, from 1.
    pub(crate) number: usize,
    /// Whether the plan has a candidate left.
    pub(crate) has_next: bool,
    /// What the edge says of the request.
    pub(crate) request: AttemptRequest,
}

impl Running {
    /// The body for the candidate's endpoint; `None` where it is not the one that the edge read.
    pub(crate) fn body(&self, body: &[u8], endpoint: &Endpoint) -> Option<Vec<u8>> {
        body::for_endpoint(body, &self.request, endpoint, &self.candidate.model)
    }

    /// Who answers, should this attempt be the last.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            attempts: self.number,
            candidate: self.candidate.clone(),
        }
    }

    /// The attempt that the request's headers describe.
    pub(crate) fn of(host: &impl Host) -> Option<Self> {
        let plan = Plan::parse(&host.header(Direction::Request, header::PLAN)?)?;
        let request = AttemptRequest::decode(&host.header(Direction::Request, header::REQUEST)?)?;
        let number = host.header(Direction::Request, header::ENVOY_ATTEMPT_COUNT);
        let number = number.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        let number = number.unwrap_or(1);
        Some(Self {
            candidate: plan.candidate(number)?.clone(),
            number,
            has_next: number < plan.len(),
            request,
        })
    }
}
