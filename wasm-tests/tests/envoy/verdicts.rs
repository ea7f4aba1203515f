//! Every way an attempt can fail, wherever in a plan the failing endpoint stands.

use std::collections::BTreeMap;
use std::sync::Mutex;

use meshrouter_wasm_tests::client::Response;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::catalog::model;
use crate::failures::{failures, silences};
use crate::gateway::{Gateway, answer, eventually, refusal};
use crate::unreachable::{Hanging, UNREACHABLE, unreachable};

/// How many cases run at a time: most wait for something.
const THREADS: usize = 8;

/// A way to fail: its name, the endpoint that fails so, and what the simulator alpha does.
type Failure = (String, &'static str, Value);

/// Where the failing endpoint stands in a plan. Those before it fail, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
    /// First, with fallbacks turned off.
    Alone,
}

const PLACES: [Place; 4] = [Place::First, Place::Middle, Place::Last, Place::Alone];

impl Place {
    /// A model's endpoints around the failing one.
    fn plan(self, failing: &'static str) -> [&'static str; 3] {
        match self {
            Self::First | Self::Alone => [failing, "beta", "gamma"],
            Self::Middle => ["beta", failing, "gamma"],
            Self::Last => ["beta", "gamma", failing],
        }
    }

    /// How many of the plan are asked.
    fn attempts(self) -> usize {
        match self {
            Self::Alone => 1,
            Self::First => 2,
            Self::Middle | Self::Last => 3,
        }
    }

    /// Who answers in the end.
    fn answers(self) -> Option<&'static str> {
        match self {
            Self::First => Some("beta"),
            Self::Middle => Some("gamma"),
            Self::Last | Self::Alone => None,
        }
    }

    /// The model with this endpoint in this place.
    fn model(self, failing: &str) -> String {
        let place = if self == Self::Alone {
            Self::First
        } else {
            self
        };
        format!("verdicts/{failing}-{place:?}").to_lowercase()
    }
}

/// All failures of plain requests or of streams.
fn all(stream: bool) -> Vec<Failure> {
    let unreachable = UNREACHABLE.into_iter().chain(["closed"]);
    let unreachable = unreachable.map(|name| (name.to_owned(), name, json!({})));
    let scripted = failures(stream).into_iter();
    let scripted = scripted.map(|(name, action)| (name, "alpha", action));
    let silent = silences(stream).into_iter();
    let silent = silent.map(|(name, action)| (name.to_owned(), "hasty", action));
    unreachable
        .into_iter()
        .chain(scripted)
        .chain(silent)
        .collect()
}

/// A gateway with providers that nobody reaches, and one that is given little time.
fn gateway(hanging: &Hanging) -> Gateway {
    Gateway::start(|envoy| {
        unreachable(envoy, hanging).document(|document| {
            // In the native shape the longest of a plan holds for all of it.
            document["timeouts"] = json!({"first_byte_ms": 2_000});
            document["providers"]["hasty"] =
                json!({"cluster": "alpha", "timeouts": {"first_byte_ms": 300}});
            let models = document["models"].as_array_mut().unwrap();
            for failing in UNREACHABLE.into_iter().chain(["alpha", "hasty", "closed"]) {
                for place in [Place::First, Place::Middle, Place::Last] {
                    let plan = place.plan(failing).map(|provider| (provider, json!({})));
                    models.push(model(&place.model(failing), json!({}), &plan));
                }
            }
        })
    })
}

/// One failure in one place.
struct Case {
    what: String,
    place: Place,
    failing: &'static str,
    ask: Ask,
}

fn cases() -> Vec<Case> {
    let one = Ask::with(json!({}));
    let mut cases = Vec::new();
    for stream in [false, true] {
        for (name, failing, action) in all(stream) {
            for place in PLACES {
                let busy = json!({"status": 503});
                let ask = one
                    .again()
                    .and(json!({"model": place.model(failing), "stream": stream}))
                    .and(json!({"provider": {"allow_fallbacks": place != Place::Alone}}))
                    .on("alpha", action.clone());
                let ask = match place {
                    Place::First | Place::Alone => ask,
                    Place::Middle => ask.on("beta", busy),
                    Place::Last => ask.on("beta", busy.clone()).on("gamma", busy),
                };
                // By this its record is found.
                let title = ask.id().as_str().unwrap().to_owned();
                cases.push(Case {
                    what: format!("{name}, {place:?}, stream: {stream}"),
                    place,
                    failing,
                    ask: ask.header("x-title", title),
                });
            }
        }
    }
    cases
}

impl Case {
    /// What is wrong with the response.
    fn judge(&self, response: &Response) -> Result<(), String> {
        let (text, attempts) = (response.text(), self.place.attempts().to_string());
        match self.place.answers() {
            None => drop(refusal(response)?),
            Some(provider) => {
                let (_, said) = answer(response)?;
                if said != format!("Hello from {provider}. You said: One two three") {
                    return Err(format!("not {provider}'s answer: {text}"));
                }
                if text.contains("scripted") {
                    return Err(format!("something of the failure: {text}"));
                }
            }
        }
        let told = response.header("x-router-attempts");
        if told != Some(&attempts) {
            return Err(format!("{told:?} attempts instead of {attempts}: {text}"));
        }
        Ok(())
    }

    /// Which simulators see it, in order.
    fn asked(&self) -> Vec<&'static str> {
        let plan = self.place.plan(self.failing).into_iter();
        let plan = plan.take(self.place.attempts());
        plan.filter_map(|provider| match provider {
            "alpha" | "hasty" => Some("alpha"),
            "beta" | "gamma" => Some(provider),
            _ => None,
        })
        .collect()
    }
}

#[test]
fn wherever_an_endpoint_fails_the_next_one_answers() {
    let hanging = Hanging::start();
    let gateway = gateway(&hanging);
    let cases = cases();
    let complaints = Mutex::new(Vec::new());
    let next = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = { next.lock().unwrap().next() } {
                    if let Err(wrong) = case.judge(&gateway.send(&case.ask)) {
                        complaints
                            .lock()
                            .unwrap()
                            .push(format!("{}: {wrong}", case.what));
                    }
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().unwrap();
    let mut seen = BTreeMap::<_, Vec<_>>::new();
    for provider in gateway.providers.all() {
        for request in provider.requests() {
            let id = request.json()["simulate"]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            seen.entry(id)
                .or_default()
                .push((request.received, provider.name()));
        }
    }
    eventually("all records", || {
        gateway.envoy.access_log().len() >= cases.len()
    });
    let records: BTreeMap<_, _> = gateway
        .envoy
        .access_log()
        .into_iter()
        .map(|mut line| {
            let record = line["completion"].take();
            (
                record["app"].as_str().unwrap_or_default().to_owned(),
                record["attempts"].clone(),
            )
        })
        .collect();
    for case in &cases {
        let id = case.ask.id().as_str().unwrap();
        let mut asked = seen.remove(id).unwrap_or_default();
        asked.sort();
        let asked: Vec<_> = asked.into_iter().map(|(_, name)| name).collect();
        let record = records.get(id);
        if asked != case.asked() || record != Some(&json!(case.place.attempts())) {
            complaints.push(format!("{}: asked {asked:?}, record {record:?}", case.what));
        }
    }
    let (wrong, all) = (complaints.len(), cases.len());
    assert!(
        complaints.is_empty(),
        "{wrong} of {all}:\n{}",
        complaints.join("\n")
    );
}
