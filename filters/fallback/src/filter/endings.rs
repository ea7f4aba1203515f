//! What becomes of an attempt: answered, on to the next candidate, or an error for the caller.

use meshrouter_core::api_error::Tried;
use meshrouter_core::names::header;
use meshrouter_core::route::Operation;
use meshrouter_core::{ApiError, AttemptRequest, Outcome};
use meshrouter_host::{Direction, Flow, Host, Reply};
use meshrouter_wire::completion::Signature;

use super::{Fallback, Response};
use crate::answer::Signer;
use crate::attempt::{Ending, Over, Running};
use crate::cause::{Cause, Verdict};
use crate::failure::Failure;
use crate::judge::{Beginning, Judge};
use crate::trail::{Best, Trail};

impl Fallback {
    /// Holds a stream until its first token.
    pub(super) fn hold(&mut self, host: &mut impl Host) {
        let hold = self.settings.hold;
        if let Some(timers) = &mut self.timers {
            timers.holds(host.now(), hold.max_ms);
        }
        self.response = Response::Held(Judge::new(hold));
    }

    /// The beginning of a held stream, of which the newest piece stands in the host's buffer.
    pub(super) fn begin(&mut self, host: &mut impl Host, beginning: Beginning, end: bool) -> Flow {
        match beginning {
            Beginning::Unknown => {
                let Response::Held(judge) = &self.response else {
                    return Flow::Pause;
                };
                let full = judge.is_full();
                // The judge holds it: what stays here would leave unsigned.
                host.set_body(Direction::Response, b"");
                if !full {
                    return Flow::Pause;
                }
                self.release(host);
                Flow::Continue
            }
            Beginning::Good => {
                self.mark(host);
                let signer = self.signer();
                self.start(host, signer, end);
                Flow::Continue
            }
            Beginning::Bad(failure) => self.fail(host, failure),
        }
    }

    /// Lets a stream's headers go before its first token: from here on the stream is the caller's,
    /// whatever becomes of it.
    pub(super) fn release(&mut self, host: &mut impl Host) {
        self.mark(host);
        if let Some(timers) = &mut self.timers {
            timers.releases();
        }
        let signer = self.signer();
        if let Response::Held(judge) = std::mem::replace(&mut self.response, Response::Pass) {
            self.response = Response::Released(judge, signer);
        }
    }

    /// A piece of a stream that was released before its first token.
    pub(super) fn go_on(&mut self, host: &mut impl Host, end: bool) {
        let piece = host.body(Direction::Response);
        let Response::Released(judge, signer) = &mut self.response else {
            return;
        };
        let beginning = judge.look(&piece, end);
        let signed = signer.chunk(&judge.release(), end);
        host.set_body(Direction::Response, &signed);
        if beginning == Beginning::Good
            && let Response::Released(_, signer) =
                std::mem::replace(&mut self.response, Response::Pass)
        {
            self.answers();
            self.settle(host, Ending::Streams);
            self.response = Response::Stream(signer);
        }
    }

    /// Sends on what was held of a stream that answers.
    fn start(&mut self, host: &mut impl Host, mut signer: Signer, end: bool) {
        self.answers();
        if let Some(timers) = &mut self.timers {
            timers.releases();
        }
        self.settle(host, Ending::Streams);
        if let Response::Held(judge) = &mut self.response {
            let signed = signer.chunk(&judge.release(), end);
            host.set_body(Direction::Response, &signed);
        }
        self.response = Response::Stream(signer);
    }

    /// A status that is no success: its words are waited for, which rarely takes long.
    pub(super) fn await_words(
        &mut self,
        host: &mut impl Host,
        failure: Failure,
        end: bool,
    ) -> Flow {
        if end {
            return self.fail(host, failure);
        }
        if let Some(timers) = &mut self.timers {
            timers.waits_for_words(host.now());
        }
        self.response = Response::Failed(failure);
        Flow::Pause
    }

    /// The attempt has failed: an error takes the place of whatever there is of a response. Where it
    /// carries no outcome, the edge's router drops it and tries the next candidate.
    pub(super) fn fail(&mut self, host: &mut impl Host, failure: Failure) -> Flow {
        let other_model = self.attempt.as_ref().is_some_and(|a| a.has_other_model);
        let verdict = failure.cause.verdict(other_model);
        self.settle_failure(host, &failure, verdict);
        self.response = Response::Pass;
        if verdict == Verdict::TryNext && self.somebody_else_speaks() {
            self.attempt = None;
            self.response = Response::Mute;
            return Flow::Pause;
        }
        let error = failure.api_error(self.provider_name(), self.secret());
        let reply = match self.attempt.take() {
            Some(running) if verdict == Verdict::Final => {
                let mut outcome = running.outcome();
                let trail = self.settings.trails.take(&running.request.generation);
                outcome.attempts = outcome.attempts.max(trail.begun);
                self.error(&running.request, outcome, error, trail, failure.retry_after)
            }
            _ => error.into(),
        };
        host.reply(&reply);
        Flow::Replied
    }

    /// Whether another attempt of the request runs beside this one, which has failed.
    fn somebody_else_speaks(&self) -> bool {
        let running = self.attempt.as_ref().filter(|running| running.races);
        running.is_some_and(|running| self.settings.trails.end(&running.request.generation))
    }

    /// All candidates have been asked. Where some of them still run, the last word waits for them.
    pub(super) fn last(&mut self, host: &mut impl Host, over: Box<Over>) -> Flow {
        if !self.settings.trails.wait(&over.request.generation) {
            return self.last_word(host, &over);
        }
        self.response = match over.first {
            true => Response::Last(over),
            false => Response::Mute,
        };
        Flow::Pause
    }

    /// All candidates were asked, and none answered: the caller gets the most useful of their errors.
    pub(super) fn last_word(&self, host: &mut impl Host, over: &Over) -> Flow {
        let mut trail = self.settings.trails.take(&over.request.generation);
        let mut outcome = over.last.clone();
        let (error, retry_after) = match trail.best.take() {
            Some(best) => {
                outcome.candidate = best.candidate;
                (best.error, best.retry_after)
            }
            None => (ApiError::new(502, "No provider answered."), None),
        };
        let reply = self.error(&over.request, outcome, error, trail, retry_after);
        host.reply(&reply);
        Flow::Replied
    }

    /// The attempts before this one took all the time that the request had.
    pub(super) fn out_of_time(&self, host: &mut impl Host, running: &Running, limit: u64) -> Flow {
        let trail = self.settings.trails.take(&running.request.generation);
        let failure = Failure::from(Cause::RequestTimeout(limit));
        let outcome = running.before.clone();
        let outcome = outcome.unwrap_or_else(|| running.outcome());
        let error = failure.api_error(self.name_of(outcome.candidate.provider()), None);
        let reply = self.error(&running.request, outcome, error, trail, None);
        host.reply(&reply);
        Flow::Replied
    }

    /// An error for the caller, with who gave it, and what was tried where the key may see that.
    fn error(
        &self,
        request: &AttemptRequest,
        outcome: Outcome,
        mut error: ApiError,
        trail: Trail,
        retry_after: Option<u64>,
    ) -> Reply {
        if self.settings.explain.contains(&request.key) {
            error.metadata.attempts = trail.tried;
        }
        let reply = Reply::from(error).with(header::OUTCOME, outcome.to_string());
        match retry_after {
            Some(ms) => reply.with("retry-after", ms.div_ceil(1_000).to_string()),
            None => reply,
        }
    }

    /// An attempt failed: says so to everybody, and remembers it for the end of the request.
    pub(super) fn settle_failure(
        &mut self,
        host: &mut impl Host,
        failure: &Failure,
        verdict: Verdict,
    ) {
        let error = failure.api_error(self.provider_name(), self.secret());
        let Some(running) = &mut self.attempt else {
            return;
        };
        if running.is_settled() {
            return;
        }
        let cause = failure.cause;
        let retry_after = failure.retry_after;
        running.settle(
            host,
            Ending::Failed {
                cause,
                verdict,
                retry_after,
            },
        );
        let tried = Tried {
            model: running.candidate.model.clone(),
            endpoint: running.candidate.endpoint.clone(),
            own: running.candidate.own.is_some(),
            status: cause.provider_status(),
            reason: cause.reason(),
            ms: running.milliseconds(host.now()),
        };
        let best = Best {
            usefulness: cause.usefulness(),
            error,
            candidate: running.candidate.clone(),
            retry_after,
        };
        let trails = &self.settings.trails;
        trails.add(&running.request.generation, tried, best);
    }

    /// A stream that is the caller's already has taken too long. A reply is no longer possible: Envoy
    /// breaks the stream off, which its caller sees.
    pub(super) fn cut(&mut self, host: &mut impl Host) -> Flow {
        self.streamed(host, true);
        if let Some(mut running) = self.attempt.take() {
            running.stop(host);
        }
        self.response = Response::Pass;
        host.reply(&ApiError::new(408, "The provider took too long.").into());
        Flow::Replied
    }

    /// A stream is over; `broke_off` where it did not end by itself.
    pub(super) fn streamed(&mut self, host: &mut impl Host, broke_off: bool) {
        let (Response::Released(_, signer) | Response::Stream(signer)) = &self.response else {
            return;
        };
        let broken = broke_off || signer.has_failed();
        let usage = signer.usage();
        let Some(running) = &mut self.attempt else {
            return;
        };
        if !running.is_settled() && broken {
            running.settle(
                host,
                Ending::Failed {
                    cause: Cause::BrokeOff,
                    verdict: Verdict::Final,
                    retry_after: None,
                },
            );
        }
        running.streamed(host, usage, broken);
    }

    /// The response is final, and it is known how it went.
    pub(super) fn conclude(&mut self, host: &mut impl Host, ending: Ending) {
        self.mark(host);
        self.settle(host, ending);
    }

    /// Marks the response as final: it carries who gave it, and is not tried again.
    fn mark(&self, host: &mut impl Host) {
        let Some(running) = &self.attempt else {
            return;
        };
        let mut outcome = running.outcome();
        if running.number > 1 || running.races {
            let trail = self.settings.trails.take(&running.request.generation);
            outcome.attempts = outcome.attempts.max(trail.begun);
        }
        let outcome = outcome.to_string();
        host.set_header(Direction::Response, header::OUTCOME, outcome.as_bytes());
    }

    fn settle(&mut self, host: &mut impl Host, ending: Ending) {
        if let Some(running) = &mut self.attempt {
            running.settle(host, ending);
        }
    }

    fn signer(&self) -> Signer {
        Signer::new(self.signature(), self.provider_name(), self.secret())
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
        let running = self.attempt.as_deref();
        self.name_of(running.map_or("", |running| running.candidate.provider()))
    }

    fn name_of<'a>(&'a self, slug: &'a str) -> &'a str {
        let provider = self.settings.catalog.provider(slug);
        provider.map_or(slug, |provider| &provider.name)
    }
}
