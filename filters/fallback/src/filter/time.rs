//! How long attempts and requests may take, and what happens when that is over.

use meshrouter_core::catalog::Endpoint;
use meshrouter_host::{Flow, Host};

use super::{Fallback, Response};
use crate::attempt::Running;
use crate::cause::Cause;
use crate::failure::Failure;
use crate::timers::{Due, Timers};

impl Fallback {
    pub(super) fn start_timers(&mut self, endpoint: &Endpoint) {
        if let Some(running) = &self.attempt {
            let ends = self.ends(running);
            self.timers = Some(Timers::start(running.started, endpoint.timeouts, ends));
        }
    }

    /// When the request has had its time, in Unix milliseconds, and how long that was, where it is bounded.
    pub(super) fn ends(&self, running: &Running) -> Option<(u64, u64)> {
        let limit = self.settings.request_timeout;
        let at = running.request.started.saturating_add(limit);
        (limit > 0).then_some((at, limit))
    }

    /// The time that the request had, if that is over before this attempt begins.
    pub(super) fn has_run_out(&self, running: &Running, now: u64) -> Option<u64> {
        let (at, limit) = self.ends(running)?;
        (at <= now / 1_000_000).then_some(limit)
    }

    pub(super) fn answers(&mut self) {
        if let Some(timers) = &mut self.timers {
            timers.answers();
        }
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

    /// Whether something should have happened by now.
    pub(super) fn is_over_time(&mut self, now: u64) -> bool {
        if let Response::Last(over) = &self.response {
            return !self.settings.trails.wait(&over.request.generation);
        }
        let timers = self.timers.as_mut().filter(|_| self.attempt.is_some());
        timers.is_some_and(|timers| timers.is_late(now))
    }

    /// It should.
    pub(super) fn end_in_time(&mut self, host: &mut impl Host) -> Flow {
        if matches!(self.response, Response::Last(_))
            && let Response::Last(over) = std::mem::replace(&mut self.response, Response::Pass)
        {
            return self.last_word(host, &over);
        }
        let due = self.timers.as_ref().and_then(|t| t.due(host.now()));
        match (due, &mut self.response) {
            (Some(Due::Failed(_)), Response::Released(..) | Response::Stream(_)) => self.cut(host),
            (Some(Due::Failed(cause)), Response::Pass) if self.settings.native => {
                self.run_out(host, cause)
            }
            (Some(Due::Failed(cause)), _) => self.fail(host, cause.into()),
            (Some(Due::Words), Response::Failed(failure)) => {
                let failure = failure.clone();
                self.fail(host, failure)
            }
            (Some(Due::Release), Response::Held(judge)) => {
                if let Some(timers) = &mut self.timers {
                    timers.releases();
                }
                if !judge.expire() {
                    // It goes with the next piece: Envoy 1.36 loses what follows of a body that it held
                    // when it is told to go on from outside of a callback.
                    return Flow::Pause;
                }
                self.release(host);
                Flow::Continue
            }
            _ => Flow::Pause,
        }
    }
}
