//! What is different in the native shape, where an attempt is a stream of the edge's own router.
//!
//! A reply of ours goes to the caller there, past the router: so it is for the end of a request only. What a filter
//! can do to lead on to the next candidate is to let a response go that has no outcome. Where there is no response, the
//! router alone can: by its per-try timeout, or because the connection failed. Of that the filter sees that its
//! stream is gone.

use meshrouter_host::{Direction, Flow, Host, Reply, send_whole};

use super::{Fallback, Response};
use crate::cause::{Cause, Verdict};
use crate::response;
use crate::timers::Due;

/// How much earlier than a filter's clock says Envoy's timers may be up, in nanoseconds.
const SLACK: u64 = 50_000_000;

impl Fallback {
    /// Envoy's account of the response. In the native shape that is the caller's, who has none yet.
    pub(super) fn code_details(&self, host: &impl Host) -> Vec<u8> {
        if self.settings.native {
            return Vec::new();
        }
        let details = host.property(&["response", "code_details"]);
        details.unwrap_or_default()
    }

    /// Whether a stream that is over was ended by the provider before its time.
    pub(super) fn has_broken_off(&self, host: &impl Host) -> bool {
        if !self.settings.native {
            let is_over = matches!(
                self.response,
                Response::Pass | Response::Mute | Response::Last(_)
            );
            return !is_over && response::broke_off(&self.code_details(host));
        }
        if self.ended || self.attempt.is_none() {
            return false;
        }
        let details = host.property(&["response", "code_details"]);
        // Any other account is that of a caller who left.
        matches!(details.as_deref(), None | Some(b"" | b"via_upstream"))
    }

    /// The attempt has had its time, and there is no response: the router will lead on when its own timer is up.
    pub(super) fn run_out(&mut self, host: &mut impl Host, cause: Cause) -> Flow {
        if cause.verdict(false) == Verdict::Final {
            return self.fail(host, cause.into());
        }
        self.settle_failure(host, &cause.into(), Verdict::TryNext);
        Flow::Pause
    }

    /// The attempt ended before it had answered.
    pub(super) fn settle_unseen(&mut self, host: &mut impl Host) {
        // The router's timer is of the same length, and may be up first.
        let soon = host.now().saturating_add(SLACK);
        let due = self.timers.as_ref().and_then(|timers| timers.due(soon));
        let cause = match due {
            Some(Due::Failed(cause)) => cause,
            _ if !matches!(self.response, Response::Pass) => Cause::BrokeOff,
            _ => {
                let reason = host.property(&["upstream", "transport_failure_reason"]);
                let address = host.property(&["upstream", "local_address"]);
                let was_connected = address.is_some_and(|address| !address.is_empty());
                Cause::of_connection(was_connected, &reason.unwrap_or_default())
            }
        };
        self.settle_failure(host, &cause.into(), Verdict::TryNext);
    }
}

/// Lets a response go that is none: without an outcome, the edge's router drops it and tries the next candidate.
pub(super) fn give_way(host: &mut impl Host) -> Flow {
    host.set_headers(Direction::Response, &[(":status", b"503")]);
    Flow::Continue
}

/// Puts an error into the place of a response that is here to its end.
pub(super) fn replace(host: &mut impl Host, reply: &Reply) -> Flow {
    let status = reply.status.to_string();
    let mut headers = vec![(":status", status.as_bytes())];
    headers.extend(
        reply
            .headers()
            .map(|(name, value)| (name, value.as_bytes())),
    );
    host.set_headers(Direction::Response, &headers);
    send_whole(host, Direction::Response, &reply.body);
    Flow::Continue
}
