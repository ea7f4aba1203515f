//! A provider's stream: held until its first token, then signed on its way through.

use meshrouter_core::ApiError;
use meshrouter_host::{Direction, Flow, Host};

use super::{Fallback, Response};
use crate::answer::Signer;
use crate::attempt::Ending;
use crate::cause::{Cause, Verdict};
use crate::judge::{Beginning, Judge};
use crate::response::Length;

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
                let is_over = matches!(&self.response, Response::Held(judge) if judge.is_over());
                // The judge holds it: what stays here would leave unsigned.
                host.set_body(Direction::Response, b"");
                if !is_over {
                    return Flow::Pause;
                }
                self.release(host);
                self.go_on(host, end);
                Flow::Continue
            }
            Beginning::Good => {
                self.mark(host, Length::Open);
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
        self.mark(host, Length::Open);
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

    /// A stream that is the caller's already has taken too long. A reply is no longer possible: Envoy
    /// breaks the stream off, which its caller sees.
    pub(super) fn cut(&mut self, host: &mut impl Host) -> Flow {
        self.streamed(host, true);
        if let Some(mut running) = self.attempt.take() {
            running.stop();
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
        let tokens = signer.tokens();
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
        running.streamed(host, tokens, broken);
    }

    fn signer(&self) -> Signer {
        Signer::new(self.signature(), self.provider_name(), self.secret())
    }
}
