//! The filter: takes its candidate, shapes the request, judges the outcome.
//!
//! What becomes of an attempt once that is known is in `endings.rs`.

use std::rc::Rc;

use meshrouter_core::credentials::Credentials;
use meshrouter_core::document::Secret;
use meshrouter_core::facts::{Attempt, Carried};
use meshrouter_core::names::{header, property};
use meshrouter_core::{ApiError, Candidate, Catalog, Document, DocumentError};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply, send_whole};

use crate::answer::{self, Judge, Signer};
use crate::attempt::{Ending, Running};
use crate::credentials::Place;
use crate::headers;
use crate::response::{self, Failure};
use crate::verdict::Verdict;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    /// The callers' own accounts at providers.
    credentials: Credentials,
    /// After how many failures in a row an endpoint cools down; 0 for never.
    cool_down_after: u32,
}

/// One attempt.
#[derive(Debug)]
pub struct Fallback {
    settings: Rc<Settings>,
    attempt: Option<Running>,
    response: Response,
}

/// What is being done with the response's body.
#[derive(Debug)]
enum Response {
    /// It passes as it is: nobody will read it, or it is not ours.
    Pass,
    /// A 200 stream whose headers are held until its first event.
    HeldStream(Judge),
    /// A stream that answers.
    Stream(Signer),
    /// A 200 that is not a stream, held until it is whole.
    Whole,
    /// A failure, held until it is whole.
    Failed(Failure),
    /// The same, where its words tell whether it is final.
    Refused(Failure),
    /// What follows an error that already went out in its place.
    Swallow,
}

impl Filter for Fallback {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "fallback";

    fn configure(mut document: Document) -> Result<Settings, DocumentError> {
        let keys = std::mem::take(&mut document.keys);
        let cool_down_after = document.cool_down_after;
        let catalog = Catalog::compile(document)?;
        Ok(Settings {
            credentials: Credentials::compile(&keys, &catalog)?,
            cool_down_after,
            catalog,
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            attempt: None,
            response: Response::Pass,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let Some(mut running) = Running::of(host) else {
            let message =
                "The attempt listener takes requests of the gateway's edge listener only.";
            return refuse(host, message);
        };
        let Some(place) = self.settings.place(&running) else {
            return gone(host, &running.candidate);
        };
        let caller = host.headers(Direction::Request);
        let caller = caller.iter().filter_map(|(name, value)| {
            let name = headers::forwarded(place.provider, name)?;
            (!place.is_credential(name)).then_some((name, value.as_slice()))
        });
        let operation = running.request.operation;
        let mut sent = place.headers(operation);
        sent.extend(caller);
        host.set_headers(Direction::Request, &sent);
        let attempt = Attempt {
            candidate: running.candidate.clone(),
            prompt_tokens: running.request.prompt_tokens,
            max_tokens: running.request.max_tokens,
            transforms: running.request.transforms,
        };
        host.set_property(property::ATTEMPT, &attempt.encode());
        running.begin(host, place.endpoint, self.settings.cool_down_after);
        self.attempt = Some(running);
        Flow::Pause
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if !end {
            return Flow::Pause;
        }
        let Some(running) = &mut self.attempt else {
            return Flow::Continue;
        };
        let body = host.body(Direction::Request);
        let place = self.settings.place(running);
        let patched = place.and_then(|place| running.body(&body, place.endpoint));
        let Some(patched) = patched else {
            running.stop(host);
            self.attempt = None;
            let message = "A filter changed the request's body after `normalize` had read it.";
            return refuse(host, message);
        };
        send_whole(host, Direction::Request, &patched);
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if self.attempt.is_none() {
            return Flow::Continue;
        }
        let all = host.headers(Direction::Response);
        let value = |name: &str| {
            let found = all.iter().find(|(known, _)| known == name);
            found.map_or(&b""[..], |(_, value)| value)
        };
        let status = std::str::from_utf8(value(":status")).ok();
        let status = status.and_then(|text| text.parse().ok()).unwrap_or(0);
        let kept = all.iter().filter(|(name, _)| response::is_kept(name));
        let kept: Vec<(&str, &[u8])> = kept
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        host.set_headers(Direction::Response, &kept);

        match Verdict::of_status(status) {
            Verdict::Answered if end => self.fail(host, &Failure::inside_success(b"")),
            // Encoded although nobody asked for it: it cannot be read here.
            Verdict::Answered if !matches!(value("content-encoding"), b"" | b"identity") => {
                self.conclude(host, Ending::Answered(None));
                Flow::Continue
            }
            Verdict::Answered if value("content-type").starts_with(b"text/event-stream") => {
                host.remove_header(Direction::Response, "content-length");
                self.response = Response::HeldStream(Judge::default());
                Flow::Pause
            }
            Verdict::Answered => {
                self.response = Response::Whole;
                Flow::Pause
            }
            verdict => {
                let retry_after = response::retry_after(value, host.now() / 1_000_000);
                self.failed(host, verdict, status, retry_after, end)
            }
        }
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        match &mut self.response {
            Response::Pass => Flow::Continue,
            Response::HeldStream(judge) => {
                let bytes = host.body(Direction::Response);
                let beginning = judge.look(&bytes, end);
                self.begin(host, beginning, &bytes, end)
            }
            Response::Stream(signer) => {
                let signed = signer.chunk(&host.body(Direction::Response), end);
                host.set_body(Direction::Response, &signed);
                Flow::Continue
            }
            Response::Whole | Response::Failed(_) | Response::Refused(_) if !end => Flow::Pause,
            Response::Whole => {
                let body = host.body(Direction::Response);
                match answer::completion(&body, &self.signature()) {
                    Ok(whole) => {
                        self.conclude(host, Ending::Answered(whole.tokens));
                        send_whole(host, Direction::Response, &whole.body);
                        self.response = Response::Pass;
                        Flow::Continue
                    }
                    Err(failure) => self.fail(host, &failure),
                }
            }
            Response::Failed(failure) => {
                let mut failure = std::mem::take(failure);
                failure.body = host.body(Direction::Response);
                self.send_error(host, &failure);
                Flow::Continue
            }
            Response::Refused(failure) => {
                let mut failure = std::mem::take(failure);
                failure.body = host.body(Direction::Response);
                self.refused(host, &failure)
            }
            Response::Swallow => {
                host.set_body(Direction::Response, b"");
                Flow::Continue
            }
        }
    }

    fn on_log(&mut self, host: &mut impl Host) {
        match &self.response {
            Response::HeldStream(_) | Response::Whole | Response::Refused(_)
                if response::broke_off(&code_details(host)) =>
            {
                self.settle(host, Ending::try_next(502));
            }
            Response::Stream(signer) => {
                let (tokens, failed) = (signer.tokens(), signer.has_failed());
                let broken = failed || response::broke_off(&code_details(host));
                if let Some(running) = &mut self.attempt {
                    running.streamed(host, tokens, broken);
                }
            }
            _ => {}
        }
        if let Some(running) = &mut self.attempt {
            running.stop(host);
        }
    }
}

impl Settings {
    /// Where an attempt goes, and as whom; `None` where the document does not say so any more.
    fn place(&self, running: &Running) -> Option<Place<'_>> {
        let (request, candidate) = (&running.request, &running.candidate);
        Place::of(&self.catalog, &self.credentials, request, candidate)
    }
}

impl Fallback {
    /// The caller's own credential that this attempt's provider was sent, if it was one.
    fn secret(&self) -> Option<&Secret> {
        self.settings.place(self.attempt.as_ref()?)?.secret()
    }
}

/// Ends a request that cannot have been meant for this filter, and that no retry can mend.
fn refuse(host: &mut impl Host, message: &str) -> Flow {
    let reply = Reply::from(ApiError::new(500, message));
    host.reply(&reply.with(header::OUTCOME, "none"));
    Flow::Replied
}

/// The document changed under a running request: its candidate is not there any more. Without an
/// outcome, the edge's router tries the next.
fn gone(host: &mut impl Host, candidate: &Candidate) -> Flow {
    let message = format!("{candidate} was taken out of the gateway's configuration.");
    host.reply(&ApiError::new(503, message).into());
    Flow::Replied
}

/// Whether the response is Envoy's own, because there was none of the provider.
fn is_unreachable(host: &impl Host) -> bool {
    let details = code_details(host);
    !details.is_empty() && details != b"via_upstream"
}

/// Envoy's account of the response.
fn code_details(host: &impl Host) -> Vec<u8> {
    let details = host.property(&["response", "code_details"]);
    details.unwrap_or_default()
}

mod endings;
#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod pulse_tests;
#[cfg(test)]
mod tests;
