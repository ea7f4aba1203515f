//! What becomes of an attempt: answered, on to the next candidate, or an error for the caller.

use meshrouter_core::api_error::Tried;
use meshrouter_core::names::header;
use meshrouter_core::route::Operation;
use meshrouter_core::{ApiError, AttemptRequest, Outcome};
use meshrouter_host::{Direction, Flow, Host, Reply};
use meshrouter_wire::completion::Signature;

use super::{Fallback, Response, native};
use crate::attempt::{Ending, Over, Running};
use crate::cause::Verdict;
use crate::failure::Failure;
use crate::response::{self, CONTENT_LENGTH, Length};
use crate::span;
use crate::trail::{Best, Trail};

impl Fallback {
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
        let error = self.settle_failure(host, &failure, verdict);
        self.response = Response::Pass;
        if verdict == Verdict::TryNext && self.somebody_else_speaks() {
            self.attempt = None;
            self.response = Response::Mute;
            return Flow::Pause;
        }
        let reply = match self.attempt.take() {
            Some(running) if verdict == Verdict::Final => {
                let mut outcome = running.outcome();
                let trail = self.settings.trails.take(&running.request.generation);
                outcome.attempts = outcome.attempts.max(trail.begun);
                outcome.compressed = running.is_compressed(host);
                self.error(&running.request, outcome, error, trail, failure.retry_after)
            }
            _ if self.settings.native => return native::give_way(host),
            _ => error.into(),
        };
        if self.settings.native && self.ended {
            return native::replace(host, &reply);
        }
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
        if self.settings.traces {
            span::last_word(host, over.request.operation);
        }
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

    /// An error for the caller, with who gave it, and what was tried where the key may see that.
    pub(super) fn error(
        &self,
        request: &AttemptRequest,
        outcome: Outcome,
        mut error: ApiError,
        trail: Trail,
        retry_after: Option<u64>,
    ) -> Reply {
        let outcome = outcome.after(&trail.tried);
        if self.settings.explain.contains(&request.key) {
            error.metadata.attempts = trail.tried;
        }
        let reply = Reply::from(error).with(header::OUTCOME, outcome.text());
        match retry_after {
            Some(ms) => reply.with("retry-after", ms.div_ceil(1_000).to_string()),
            None => reply,
        }
    }

    /// An attempt failed: says so to everybody, and remembers it for the end of the request. The error
    /// that this is for the caller.
    pub(super) fn settle_failure(
        &mut self,
        host: &mut impl Host,
        failure: &Failure,
        verdict: Verdict,
    ) -> ApiError {
        let error = failure.api_error(self.provider_name(), self.secret());
        let Some(running) = self.attempt.as_mut().filter(|a| !a.is_settled()) else {
            return error;
        };
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
            error: error.clone(),
            candidate: running.candidate.clone(),
            retry_after,
        };
        let trails = &self.settings.trails;
        trails.add(&running.request.generation, tried, best);
        error
    }

    /// Marks the response as final: it carries who gave it, and is not tried again.
    pub(super) fn mark(&self, host: &mut impl Host, length: Length) {
        let Some(running) = &self.attempt else {
            return;
        };
        let outcome = self.outcome(running, running.is_compressed(host));
        let mut headers = Vec::with_capacity(16);
        let received = self.headers.bytes();
        let kept =
            received.filter_map(|(name, value)| Some((response::kept(name, length)?, value)));
        headers.extend(kept);
        headers.push((header::OUTCOME, outcome.as_bytes()));
        let whole = match length {
            Length::Whole(bytes) => Some(bytes.to_string()),
            Length::Same | Length::Open => None,
        };
        let whole = whole.as_ref().map(String::as_bytes);
        headers.extend(whole.map(|bytes| (CONTENT_LENGTH, bytes)));
        host.set_headers(Direction::Response, &headers);
    }

    /// Who answers, and what was tried before: the header's text.
    fn outcome(&self, running: &Running, compressed: bool) -> String {
        if running.number == 1 && !running.races {
            return Outcome::plain(1, &running.candidate, compressed);
        }
        let trail = self.settings.trails.take(&running.request.generation);
        let mut outcome = running.outcome();
        outcome.attempts = outcome.attempts.max(trail.begun);
        outcome.compressed = compressed;
        outcome.after(&trail.tried).text()
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
        let running = self.attempt.as_deref();
        self.name_of(running.map_or("", |running| running.candidate.provider()))
    }

    pub(super) fn name_of<'a>(&'a self, slug: &'a str) -> &'a str {
        let provider = self.settings.catalog.provider(slug);
        provider.map_or(slug, |provider| &provider.name)
    }
}
