//! A gateway to ask: the shipped configuration on a real Envoy, in front of three simulated providers.

use std::net::TcpStream;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use meshrouter_simulator::RecordedRequest;
use meshrouter_wasm_tests::client::{Response, Stream};
use meshrouter_wasm_tests::envoy::{Builder, Envoy};
use meshrouter_wasm_tests::providers::{Simulators, simulators};
use meshrouter_wasm_tests::shipped::cheapest_first;
use serde_json::{Value, json};

use crate::ask::{self, Ask};
use crate::catalog;
use crate::unreachable::add_closed_cluster;

/// Words in Envoy's log that nobody wants to read: a trap, a refused document, a bug.
const ALARMS: &[&str] = &[
    "[critical]",
    "[error]",
    "RuntimeError",
    "panicked",
    "Failed to",
];

/// An Envoy and its providers.
pub(crate) struct Gateway {
    pub(crate) envoy: Envoy,
    pub(crate) providers: Simulators,
    /// Whether its end is that of a test in which Envoy was to complain.
    complains: AtomicBool,
}

/// A gateway that tests share; it lives as long as one of them uses it.
pub(crate) struct Shared(Arc<Gateway>);

/// Where tests find the gateway that they share.
pub(crate) type Place = Mutex<Weak<Gateway>>;

/// The shared gateway. Its document has the demo's providers and models, a key for every request, and the
/// models and presets of [`catalog`].
pub(crate) fn shared() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    share(&CURRENT, |envoy| envoy)
}

/// The gateway of this place, started if nobody uses it yet.
pub(crate) fn share(place: &Place, edit: impl FnOnce(Builder) -> Builder) -> Shared {
    let mut current = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gateway) = current.upgrade() {
        return Shared(gateway);
    }
    let gateway = Arc::new(Gateway::start(edit));
    *current = Arc::downgrade(&gateway);
    Shared(gateway)
}

impl Deref for Shared {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if std::thread::panicking() && Arc::strong_count(&self.0) > 1 {
            eprintln!("--- Envoy's log\n{}", self.0.envoy.log());
        }
    }
}

impl Gateway {
    /// A gateway of one's own, with the shared one's document; `edit` says what is different.
    pub(crate) fn start(edit: impl FnOnce(Builder) -> Builder) -> Self {
        let providers = simulators();
        let envoy = providers.envoy().document(|document| {
            document["providers"]["closed"] = json!({"name": "Closed", "cluster": "closed"});
            let add =
                |list: &mut Value, items: Vec<Value>| list.as_array_mut().unwrap().extend(items);
            add(&mut document["keys"], ask::keys().collect());
            add(&mut document["models"], catalog::models());
            document["presets"] = catalog::presets();
            // A test knows who comes first, and no test's failures change that for another.
            cheapest_first(document);
            // Tests of the auto router have a pool of their own.
            document.as_object_mut().unwrap().remove("auto");
            // For callers who want nobody to keep what they say, there is one.
            document["providers"]["alpha"]["data_collection"] = json!("deny");
            document["providers"]["beta"]["forward_headers"] =
                json!({"x-anthropic-beta": "anthropic-beta"});
        });
        let envoy = edit(envoy.config(add_closed_cluster));
        Self {
            envoy: envoy.start(),
            providers,
            complains: AtomicBool::new(false),
        }
    }

    /// The response to a request, read to its end.
    #[track_caller]
    pub(crate) fn send(&self, ask: &Ask) -> Response {
        self.envoy.client().send(ask.request())
    }

    /// The response to a request, as it comes.
    #[track_caller]
    pub(crate) fn stream(&self, ask: &Ask) -> Stream {
        self.envoy.client().stream(ask.request())
    }

    /// A connection to write to as one likes.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.envoy.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// What the providers have seen of a request, in the order of the attempts.
    pub(crate) fn seen(&self, ask: &Ask) -> Vec<Seen> {
        let mut seen = Vec::new();
        for provider in self.providers.all() {
            let requests = provider.requests().into_iter();
            let own = requests.filter(|request| request.json()["simulate"]["id"] == *ask.id());
            seen.extend(own.map(|request| Seen {
                provider: provider.name().to_owned(),
                request,
            }));
        }
        seen.sort_by_key(|seen| seen.request.received);
        seen
    }

    /// Who was asked, in order.
    pub(crate) fn asked(&self, ask: &Ask) -> Vec<String> {
        let seen = self.seen(ask);
        seen.into_iter().map(|seen| seen.provider).collect()
    }

    /// The access-log line of a request: once it is there, and the only one.
    #[track_caller]
    pub(crate) fn line(&self, ask: &Ask) -> Value {
        let own = || -> Vec<Value> {
            let lines = self.envoy.access_log().into_iter();
            lines
                .filter(|line| line["completion"]["key"] == ask.key_name())
                .collect()
        };
        eventually("an access-log line", || !own().is_empty());
        let mut lines = own();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The record in a request's access-log line.
    #[track_caller]
    pub(crate) fn record(&self, ask: &Ask) -> Value {
        self.line(ask)["completion"].take()
    }

    /// Lets Envoy's log have what [`Self::assert_calm`] looks for.
    pub(crate) fn complains(&self) {
        self.complains.store(true, Ordering::Relaxed);
    }

    /// Fails if a filter trapped, or if Envoy has anything else to complain of.
    #[track_caller]
    pub(crate) fn assert_calm(&self) {
        let log = self.envoy.log();
        let alarms: Vec<&str> = log
            .lines()
            .filter(|line| ALARMS.iter().any(|alarm| line.contains(alarm)))
            .collect();
        assert!(alarms.is_empty(), "{alarms:#?}");
    }

    /// Fails if a log has a key or anything that was said: all of that contains `canary`.
    #[track_caller]
    pub(crate) fn assert_discreet(&self) {
        let lines = json!(self.envoy.access_log()).to_string();
        for log in [lines, self.envoy.log()] {
            assert!(!log.contains("canary"), "{log}");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            if !self.complains.load(Ordering::Relaxed) {
                self.assert_calm();
            }
            self.assert_discreet();
        }
    }
}

/// A request as a provider saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) provider: String,
    pub(crate) request: RecordedRequest,
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The text that a stream's chunks add up to.
pub(crate) fn text(chunks: &[Value]) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect()
}

/// What a whole answer says and who says it, or what is wrong with it.
pub(crate) fn answer(response: &Response) -> Result<(String, String), String> {
    let whole = response.status == 200 && response.is_whole();
    let wrong = |what: &str| {
        let (status, error) = (response.status, &response.error);
        Err(format!("{what}: {status}, {error:?}, {}", response.text()))
    };
    if !whole {
        return wrong("no whole answer");
    }
    let kind = response.header("content-type").unwrap_or_default();
    let streamed = kind.starts_with("text/event-stream");
    let data = response.sse_data();
    let events: Result<Vec<Value>, _> = match data.split_last() {
        Some((done, events)) if streamed && done == "[DONE]" => events
            .iter()
            .map(|event| serde_json::from_str(event))
            .collect(),
        _ if streamed => return wrong("a stream without an end"),
        _ => serde_json::from_slice(&response.body).map(|completion| vec![completion]),
    };
    let Ok(events) = events else {
        return wrong("no JSON");
    };
    let provider = events.first().map(|event| event["provider"].clone());
    let provider = provider.unwrap_or_default();
    if events
        .iter()
        .any(|event| event["provider"] != provider || !event["error"].is_null())
    {
        return wrong("another provider's event, or an error");
    }
    let said = if streamed {
        text(&events)
    } else {
        let said = events[0]["choices"][0]["message"]["content"].as_str();
        said.unwrap_or_default().to_owned()
    };
    Ok((provider.as_str().unwrap_or_default().to_owned(), said))
}

/// The status of an API error, or what it is instead.
pub(crate) fn refusal(response: &Response) -> Result<u16, String> {
    let (status, text) = (response.status, response.text());
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if status < 400 || !response.is_whole() || body["error"]["code"] != status {
        return Err(format!(
            "no API error: {status}, {:?}, {text}",
            response.error
        ));
    }
    Ok(status)
}

/// Checks that a response is an API error of this status, and returns the error.
#[track_caller]
pub(crate) fn error(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", response.text());
    assert!(response.is_whole(), "{:?}", response.error);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let error = response.json()["error"].take();
    assert_eq!(error["code"], status, "{error}");
    assert_ne!(error["message"].as_str().unwrap_or_default(), "", "{error}");
    error
}
