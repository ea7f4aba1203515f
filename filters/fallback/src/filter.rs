//! The filter: takes its candidate, shapes the request, judges the outcome.
//!
//! What becomes of an attempt once that is known is in `endings.rs`, how streams are held and signed in
//! `streams.rs`, how time runs out in `time.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use meshrouter_core::credentials::Credentials;
use meshrouter_core::document::{Hold, Secret};
use meshrouter_core::names::header;
use meshrouter_core::{ApiError, Candidate, Catalog, Document, DocumentError};
use meshrouter_host::{Background, Backstage, Direction, Filter, Flow, HeaderList, Host, Reply};

use crate::answer::{self, Signer};
use crate::attempt::{Ending, Over, Running, Turn};
use crate::background::Chores;
use crate::cause::{Cause, Verdict};
use crate::counters::Counters;
use crate::credentials::Place;
use crate::failure::{Failure, MAX_WORDS};
use crate::flights::Flights;
use crate::headers::{self, Received};
use crate::judge::Judge;
use crate::response::{self, Length};
use crate::timers::Timers;
use crate::trail::Trails;

/// What the document compiles to, and what the VM remembers.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    /// The callers' own accounts at providers.
    credentials: Credentials,
    /// After how many failures in a row an endpoint cools down; 0 for never.
    cool_down_after: u32,
    /// How long all attempts of a request may take, in milliseconds; 0 for as long as they like.
    request_timeout: u64,
    hold: Hold,
    /// Whether attempts may race each other.
    hedges: bool,
    /// Whether this is an upstream filter of the provider's cluster, see
    /// [`native`](meshrouter_core::Document::native).
    native: bool,
    /// Whether spans say what became of attempts.
    traces: bool,
    /// The names of the keys that may ask why.
    explain: BTreeSet<String>,
    /// The counters of attempts, by provider.
    counters: BTreeMap<String, Rc<Counters>>,
    flights: Flights,
    trails: Trails,
}

/// One attempt.
#[derive(Debug)]
pub struct Fallback {
    settings: Rc<Settings>,
    /// `None` before there is one, and once the filter has answered in its place.
    attempt: Option<Box<Running>>,
    /// The request's headers, until its body is here: the provider's are set with its length.
    received: Received,
    timers: Option<Timers>,
    response: Response,
    /// The response's headers. Those that reach the edge are set when it is known that they do.
    headers: HeaderList,
    /// Whether the response's body has come to its end.
    ended: bool,
}

/// What is being done with the response's body.
#[derive(Debug)]
enum Response {
    /// It passes as it is: nobody will read it, or it is not ours.
    Pass,
    /// A stream whose headers are held until its first token.
    Held(Judge),
    /// A stream whose headers were released before that: what is held of it goes with the next piece.
    Released(Judge, Signer),
    /// A stream that answers.
    Stream(Signer),
    /// A success that is no stream, held until it is whole. Whether its type is what was asked for.
    Whole(bool),
    /// A failure, held until its words are here.
    Failed(Failure),
    /// Nothing of it leaves: another attempt speaks for the request.
    Mute,
    /// There is none: all candidates have been asked, and some of them still run.
    Last(Box<Over>),
}

impl Filter for Fallback {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "fallback";
    const HAS_DEADLINES: bool = true;

    fn configure(mut document: Document) -> Result<Settings, DocumentError> {
        let keys = std::mem::take(&mut document.keys);
        let may_ask = keys.iter().filter(|key| key.explain);
        let explain = may_ask.map(|key| key.name.clone()).collect();
        let cool_down_after = document.cool_down_after;
        let request_timeout = document.request_timeout_ms;
        let hold = document.hold;
        let (hedges, native) = (document.hedge_after_ms > 0, document.native);
        let traces = document.traces;
        let catalog = Catalog::compile(document)?;
        Ok(Settings {
            credentials: Credentials::compile(&keys, &catalog)?,
            cool_down_after,
            request_timeout,
            hold,
            hedges,
            native,
            traces,
            explain,
            counters: Counters::of_all(&catalog),
            flights: Flights::default(),
            catalog,
            trails: Trails::default(),
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            attempt: None,
            received: Received::default(),
            timers: None,
            response: Response::Pass,
            headers: HeaderList::default(),
            ended: false,
        }
    }

    fn background(settings: &Rc<Settings>) -> Option<Box<dyn Background>> {
        Some(Box::new(Chores(Rc::clone(settings))))
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let received = Received::of(host, self.settings.native);
        let now = host.now();
        let mut running = match Turn::of(&received, now, self.settings.hedges) {
            Some(Turn::Attempt(running)) => running,
            Some(Turn::Over(over)) => return self.last(host, over),
            None => {
                let message =
                    "The attempt listener takes requests of the gateway's edge listener only.";
                return refuse(host, message);
            }
        };
        if let Some(limit) = self.has_run_out(&running, now) {
            return self.out_of_time(host, &running, limit);
        }
        let settings = Rc::clone(&self.settings);
        let Some(place) = settings.place(&running) else {
            return gone(host, &running.candidate);
        };
        if running.races {
            settings.trails.begin(&running.request.generation);
        }
        running.traced = settings.traces;
        running.counters = settings.counters.get(&place.endpoint.provider).cloned();
        running.begin(host, place, settings.cool_down_after, &settings.flights);
        self.attempt = Some(running);
        self.received = received;
        self.start_timers(place.endpoint);
        Flow::Pause
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        if !end {
            return Flow::Pause;
        }
        let Some(running) = &mut self.attempt else {
            return self.without_attempt();
        };
        let body = host.body(Direction::Request);
        let place = self.settings.place(running);
        let patched = place.and_then(|place| running.body(&body, place.endpoint));
        let Some((place, patched)) = place.zip(patched) else {
            running.stop();
            self.attempt = None;
            let message = "A filter changed the request's body after `normalize` had read it.";
            return refuse(host, message);
        };
        let received = std::mem::take(&mut self.received);
        let length = patched.len().to_string();
        let native = self.settings.native;
        let mut sent = place.headers(running.request.operation);
        if !native {
            sent.push((header::CLUSTER, place.cluster().as_bytes()));
        }
        sent.extend(received.bytes().filter_map(|(name, value)| {
            let name = headers::forwarded(place.provider, name, native)?;
            (!place.is_credential(name)).then_some((name, value))
        }));
        sent.push(("content-length", length.as_bytes()));
        host.set_headers(Direction::Request, &sent);
        host.set_body(Direction::Request, &patched);
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(running) = &self.attempt else {
            return self.without_attempt();
        };
        let wants_stream = running.request.stream;
        let headers = host.headers(Direction::Response);
        let value = |name: &str| headers.get(name).unwrap_or_default();
        let status = std::str::from_utf8(value(":status")).ok();
        let status = status.and_then(|text| text.parse().ok()).unwrap_or(0);
        if !(200..300).contains(&status) {
            let details = self.code_details(host);
            // `middle-out` says so in the provider's place. A provider cannot: its status is its own.
            let unfit = details != b"via_upstream" && !value(header::UNFIT).is_empty();
            let failure = Failure {
                cause: match unfit {
                    true => Cause::Unfit,
                    false => Cause::of_status(status, &details),
                },
                words: Vec::new(),
                retry_after: response::retry_after(value, host.now() / 1_000_000),
            };
            return self.await_words(host, failure, end);
        }
        if end {
            return self.fail(host, Cause::NoCompletion.into());
        }
        let content_type = value("content-type");
        let streams = content_type.starts_with(b"text/event-stream");
        let json = content_type.starts_with(b"application/json");
        let encoded = !matches!(value("content-encoding"), b"" | b"identity");
        self.headers = headers;
        // Encoded although nobody asked for it: it cannot be read here.
        if encoded {
            self.mark(host, Length::Same);
            self.settle(host, Ending::Answered(None));
            return Flow::Continue;
        }
        if streams && !wants_stream {
            return self.fail(host, Cause::WrongType.into());
        }
        if streams {
            self.hold(host);
        } else {
            self.answers();
            self.response = Response::Whole(json);
        }
        Flow::Pause
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.ended = end;
        if let Some(timers) = &mut self.timers {
            timers.hears();
        }
        match &mut self.response {
            Response::Pass => Flow::Continue,
            Response::Mute | Response::Last(_) => Flow::Pause,
            Response::Held(judge) => {
                let beginning = judge.look(&host.body(Direction::Response), end);
                self.begin(host, beginning, end)
            }
            Response::Released(..) => {
                self.go_on(host, end);
                Flow::Continue
            }
            Response::Stream(signer) => {
                let signed = signer.chunk(&host.body(Direction::Response), end);
                host.set_body(Direction::Response, &signed);
                Flow::Continue
            }
            Response::Whole(_) if !end => Flow::Pause,
            Response::Whole(right_type) => {
                let right_type = *right_type;
                let body = host.body(Direction::Response);
                match answer::completion(&body, &self.signature()) {
                    Ok(whole) => {
                        self.mark(host, Length::Whole(whole.body.len()));
                        self.settle(host, Ending::Answered(whole.tokens));
                        host.set_body(Direction::Response, &whole.body);
                        self.response = Response::Pass;
                        Flow::Continue
                    }
                    Err(mut failure) => {
                        if failure.cause == Cause::NoCompletion && !right_type {
                            failure.cause = Cause::WrongType;
                        }
                        self.fail(host, failure)
                    }
                }
            }
            Response::Failed(_) if !end && host.body_size(Direction::Response) < MAX_WORDS => {
                Flow::Pause
            }
            Response::Failed(failure) => {
                let words = host.body(Direction::Response);
                let failure = failure.clone().with_words(words);
                self.fail(host, failure)
            }
        }
    }

    fn is_late(&mut self, now: u64) -> bool {
        self.is_over_time(now)
    }

    fn on_deadline(&mut self, host: &mut impl Host) -> Flow {
        self.end_in_time(host)
    }

    fn on_log(&mut self, host: &mut impl Host) {
        if let Some(running) = &self.attempt
            && running.races
            && !running.is_settled()
        {
            self.settings.trails.end(&running.request.generation);
        }
        let broke_off = self.has_broken_off(host);
        match &self.response {
            Response::Released(..) | Response::Stream(_) => self.streamed(host, broke_off),
            _ if broke_off && self.settings.native => self.settle_unseen(host),
            Response::Held(_) | Response::Whole(_) | Response::Failed(_) if broke_off => {
                self.settle_failure(host, &Cause::BrokeOff.into(), Verdict::TryNext);
            }
            _ => {}
        }
        if let Some(running) = &mut self.attempt {
            running.stop();
        }
    }
}

impl Settings {
    /// Where an attempt goes, and as whom; `None` where the document does not say so any more.
    fn place(&self, running: &Running) -> Option<Place<'_>> {
        let (request, candidate) = (&running.request, &running.candidate);
        Place::of(&self.catalog, &self.credentials, request, candidate)
    }

    /// Tells what was added up.
    pub(crate) fn tell(&self, host: &mut dyn Backstage) {
        self.flights.tell(host);
        for counters in self.counters.values() {
            counters.tell(host);
        }
    }
}

impl Fallback {
    /// The caller's own credential that this attempt's provider was sent, if it was one.
    fn secret(&self) -> Option<&Secret> {
        self.settings.place(self.attempt.as_ref()?)?.secret()
    }

    /// Whether a stream goes on whose attempt is over: not where another one speaks.
    fn without_attempt(&self) -> Flow {
        match self.response {
            Response::Mute | Response::Last(_) => Flow::Pause,
            _ => Flow::Continue,
        }
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

mod endings;
mod native;
mod streams;
mod time;

#[cfg(test)]
mod native_tests;
#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod pulse_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_tests;
#[cfg(test)]
mod trace_tests;
#[cfg(test)]
mod trail_tests;
