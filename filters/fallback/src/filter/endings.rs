//! What becomes of an attempt: answered, on to the next candidate, or an error for the caller.

use meshrouter_core::names::header;
use meshrouter_core::route::Operation;
use meshrouter_host::{Direction, Flow, Host, Reply, send_whole};
use meshrouter_wire::completion::Signature;
use meshrouter_wire::error_body;

use super::{Fallback, Response, is_unreachable};
use crate::answer::{Beginning, Signer};
use crate::attempt::{Ending, Running};
use crate::response::Failure;
use crate::verdict::{Refusal, Verdict};

impl Fallback {
    /// The beginning of a held stream: release it signed, or fail.
    pub(super) fn begin(
        &mut self,
        host: &mut impl Host,
        beginning: Beginning,
        bytes: &[u8],
        end: bool,
    ) -> Flow {
        match beginning {
            Beginning::Unknown => Flow::Pause,
            Beginning::Good => {
                self.conclude(host, Ending::Streams);
                let mut signer = Signer::new(self.signature(), self.provider_name(), self.secret());
                host.set_body(Direction::Response, &signer.chunk(bytes, end));
                self.response = Response::Stream(signer);
                Flow::Continue
            }
            Beginning::Bad(failure) => self.fail(host, &failure),
        }
    }

    /// A status that is no success: on to the next candidate, or to the caller, now or when its words
    /// are here.
    pub(super) fn failed(
        &mut self,
        host: &mut impl Host,
        verdict: Verdict,
        status: u16,
        retry_after: Option<u64>,
        end: bool,
    ) -> Flow {
        let attempt = self.attempt.as_ref();
        let (next, other) = attempt.map_or((false, false), |running| {
            (running.has_next, running.has_other_model)
        });
        let refusal = match verdict {
            Verdict::Final => Refusal::of(status, next, other),
            _ => Refusal::Final,
        };
        let ending = Ending::Failed {
            verdict: if refusal == Refusal::OtherModel {
                Verdict::TryNext
            } else {
                verdict
            },
            status,
            retry_after,
        };
        if next && ending.verdict() == Verdict::TryNext {
            self.settle(host, ending);
            return Flow::Continue;
        }
        let failure = Failure {
            status,
            body: Vec::new(),
            unreachable: is_unreachable(host),
            inside_success: false,
        };
        if end {
            return self.reply(host, &failure, ending);
        }
        if refusal == Refusal::ByItsWords {
            self.response = Response::Refused(failure);
            return Flow::Pause;
        }
        self.conclude(host, ending);
        self.response = Response::Failed(failure);
        Flow::Pause
    }

    /// A refusal whose words are here: on to the next candidate where only the context was too small.
    pub(super) fn refused(&mut self, host: &mut impl Host, failure: &Failure) -> Flow {
        if error_body::is_too_long(&failure.body) {
            self.settle(host, Ending::try_next(failure.status));
            self.response = Response::Pass;
            return Flow::Continue;
        }
        self.conclude(
            host,
            Ending::Failed {
                verdict: Verdict::Final,
                status: failure.status,
                retry_after: None,
            },
        );
        self.send_error(host, failure);
        Flow::Continue
    }

    /// A 200 that is none, its headers still held: on to the next candidate, or to the caller.
    pub(super) fn fail(&mut self, host: &mut impl Host, failure: &Failure) -> Flow {
        let has_next = self
            .attempt
            .as_ref()
            .is_some_and(|running| running.has_next);
        if has_next {
            // Without an outcome the edge's router drops this response and tries again.
            self.settle(host, Ending::try_next(failure.status));
            let status = failure.status.to_string();
            host.set_header(Direction::Response, ":status", status.as_bytes());
            self.response = Response::Pass;
            return Flow::Continue;
        }
        if matches!(self.response, Response::Pass) {
            // The headers ended the response: there is no body to write into.
            return self.reply(host, failure, Ending::try_next(failure.status));
        }
        self.conclude(host, Ending::try_next(failure.status));
        self.send_error(host, failure);
        self.response = Response::Swallow;
        Flow::Continue
    }

    /// Marks the response as final: it carries who gave it, and is not tried again.
    pub(super) fn conclude(&mut self, host: &mut impl Host, ending: Ending) {
        self.settle(host, ending);
        host.set_header(
            Direction::Response,
            header::OUTCOME,
            self.outcome().as_bytes(),
        );
    }

    /// Sends the caller the error that a failure is, in the place of the held response.
    pub(super) fn send_error(&self, host: &mut impl Host, failure: &Failure) {
        let error = failure.api_error(self.provider_name(), self.secret());
        let status = error.status.to_string();
        host.set_header(Direction::Response, ":status", status.as_bytes());
        host.set_header(Direction::Response, "content-type", b"application/json");
        send_whole(host, Direction::Response, &error.body());
    }

    /// Sends the caller the error that a failure is, in the place of a response without a body.
    pub(super) fn reply(
        &mut self,
        host: &mut impl Host,
        failure: &Failure,
        ending: Ending,
    ) -> Flow {
        self.settle(host, ending);
        let reply = Reply::from(failure.api_error(self.provider_name(), self.secret()));
        host.reply(&reply.with(header::OUTCOME, self.outcome()));
        self.attempt = None;
        Flow::Replied
    }

    pub(super) fn outcome(&self) -> String {
        let outcome = self.attempt.as_ref().map(Running::outcome);
        outcome.map_or_else(String::new, |outcome| outcome.to_string())
    }

    pub(super) fn settle(&mut self, host: &mut impl Host, ending: Ending) {
        if let Some(running) = &mut self.attempt {
            running.settle(host, ending);
        }
    }

    pub(super) fn signature(&self) -> Signature {
        let running = self.attempt.as_ref();
        let generation = running.map_or("", |running| &running.request.generation);
        let model = running.map_or("", |running| &running.candidate.model);
        let exclude = running.is_some_and(|running| running.request.reasoning.exclude);
        let operation =
            running.map_or_else(Operation::default, |running| running.request.operation);
        Signature::new(generation, model, self.provider_name(), operation)
            .without_reasoning(exclude)
    }

    /// The name of the provider that this attempt asks.
    pub(super) fn provider_name(&self) -> &str {
        let slug = self
            .attempt
            .as_ref()
            .map_or("", |running| running.candidate.provider());
        self.settings
            .catalog
            .provider(slug)
            .map_or(slug, |provider| &provider.name)
    }
}
