//! Every way an attempt can fail, wherever in a plan the failing endpoint stands.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use meshrouter_wasm_tests::client::Response;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::ask::Ask;
use crate::catalog::model;
use crate::gateway::{Gateway, answer, eventually, refusal};

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

/// An event of a stream in which nothing is said yet.
pub(crate) fn role() -> String {
    let choice =
        json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null});
    let chunk = json!({"id": "scripted", "object": "chat.completion.chunk", "choices": [choice]});
    format!("data: {chunk}\n\n")
}

/// The failures that end by themselves, as a simulator's actions.
pub(crate) fn failures(stream: bool) -> Vec<(String, Value)> {
    let statuses = [
        401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529,
    ];
    let statuses = statuses.map(|status| (format!("status {status}"), json!({"status": status})));
    let long = json!({"error": {"code": "context_length_exceeded",
        "message": "This model's maximum context length is 9 tokens."}});
    let flagged = json!({"error": {"code": 403, "message": "Your input was flagged",
        "metadata": {"reasons": ["violence"], "flagged_input": "One two", "provider_name": "OpenAI"}}});
    let half = r#"{"id": "scripted", "choices": [{"index": 0, "message": {"content": "scri"#;
    let html = json!({"body": "<html>scripted</html>", "content_type": "text/html"});
    let error = json!({"message": "scripted", "code": 503});
    let mut failures = vec![
        ("reset before headers", json!({"reset": "before_headers"})),
        ("reset after headers", json!({"reset": "after_headers"})),
        ("cut after headers", json!({"cut": {"after_events": 0}})),
        ("flagged", json!({"status": 403, "body": flagged})),
        ("too long", json!({"status": 400, "body": long})),
        ("too large", json!({"status": 413, "body": long})),
        ("empty", json!({"empty": true})),
        (
            "half an object",
            json!({"body": half, "content_type": "application/json"}),
        ),
        ("html", html),
        ("no object", json!({"body": [1]})),
        ("error in a success", json!({"body": {"error": error}})),
    ];
    let said =
        r#"data: {"choices":[{"index":0,"delta":{"content":"scripted"}}]}"#.to_owned() + "\n\n";
    if stream {
        let event =
            |at: usize| json!({"error_event": {"at": at, "error": error}, "chunk_delay_ms": 2});
        failures.extend([
            ("error first", event(0)),
            (
                "error after comments",
                with(event(0), json!({"comments": 3})),
            ),
            ("error after a role", event(1)),
            (
                "error with a role",
                with(event(1), json!({"chunk_delay_ms": 0})),
            ),
            ("nothing", json!({"events": []})),
            ("comments only", json!({"events": [], "comments": 2})),
            ("role only", json!({"events": [role()]})),
            (
                "cut after a role",
                json!({"events": [role()], "cut": {"after_events": 1}, "chunk_delay_ms": 2}),
            ),
            (
                "reset after a role",
                json!({"events": [role()], "reset": {"after_events": 1}, "chunk_delay_ms": 2}),
            ),
            (
                "reset after comments",
                json!({"reset": "after_headers", "comments": 2, "chunk_delay_ms": 2}),
            ),
        ]);
    } else {
        failures.extend([
            ("stream", json!({"events": [said, "data: [DONE]\n\n"]})),
            ("half of an answer", json!({"cut": {"after_events": 1}})),
            ("half, then a reset", json!({"reset": {"after_events": 1}})),
        ]);
    }
    let named = failures
        .into_iter()
        .map(|(name, action)| (name.to_owned(), action));
    statuses.into_iter().chain(named).collect()
}

/// Providers that say nothing, or nothing of use, for as long as anybody waits.
fn silences(stream: bool) -> Vec<(&'static str, Value)> {
    let mut silences = vec![("silence", json!({"delay_ms": 20_000}))];
    if stream {
        silences.extend([
            (
                "silence after headers",
                json!({"hold_ms_after_headers": 20_000}),
            ),
            (
                "silence after comments",
                json!({"comments": 2, "events": [": x\n\n"], "hold_ms_after_first": 20_000}),
            ),
            (
                "silence after a role",
                json!({"events": [role()], "hold_ms_after_first": 20_000}),
            ),
        ]);
    }
    silences
}

/// All failures of plain requests or of streams.
fn all(stream: bool) -> Vec<Failure> {
    let unreachable = ["closed", "nowhere", "no-tls", "hanging"];
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

fn with(mut object: Value, more: Value) -> Value {
    let members = more.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(members);
    object
}

/// A port that completes no handshake: its queue of connections is full, and nobody takes one off it.
struct Hanging {
    port: u16,
    _kept: (Socket, Vec<TcpStream>),
}

impl Hanging {
    fn start() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(64).collect();
        assert!(waiting.len() < 64, "the queue does not fill");
        Self {
            port: address.port(),
            _kept: (socket, waiting),
        }
    }
}

/// A gateway with providers that nobody reaches, one by one reason, and one that is given little time.
fn gateway(hanging: u16) -> Gateway {
    Gateway::start(|envoy| {
        let envoy = envoy.document(|document| {
            for name in ["nowhere", "no-tls", "hanging"] {
                document["providers"][name] = json!({"cluster": name});
            }
            document["providers"]["hasty"] =
                json!({"cluster": "alpha", "timeouts": {"first_byte_ms": 300}});
            let models = document["models"].as_array_mut().unwrap();
            for failing in ["alpha", "hasty", "closed", "nowhere", "no-tls", "hanging"] {
                for place in [Place::First, Place::Middle, Place::Last] {
                    let plan = place.plan(failing).map(|provider| (provider, json!({})));
                    models.push(model(&place.model(failing), json!({}), &plan));
                }
            }
        });
        envoy.config(move |config| add_clusters(config, hanging))
    })
}

fn add_clusters(config: &mut Value, hanging: u16) {
    let clusters = &mut config["static_resources"]["clusters"];
    let clusters = clusters.as_array_mut().unwrap();
    let alpha = clusters.iter().find(|cluster| cluster["name"] == "alpha");
    let alpha = alpha.unwrap().clone();
    let mut add = |name: &str, more: Value, address: Option<(&str, u16)>| {
        let mut cluster = with(alpha.clone(), more);
        cluster["name"] = json!(name);
        let load = &mut cluster["load_assignment"];
        load["cluster_name"] = json!(name);
        let endpoint = "/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        if let (Some((host, port)), Some(socket)) = (address, load.pointer_mut(endpoint)) {
            *socket = json!({"address": host, "port_value": port});
        }
        clusters.push(cluster);
    };
    // A name server that nobody runs says soonest that there is no such name.
    let resolver = json!({"name": "envoy.network.dns_resolver.cares", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": 1}}]}});
    let dns = json!({"type": "STRICT_DNS", "wait_for_warm_on_init": false, "typed_dns_resolver_config": resolver});
    add("nowhere", dns, Some(("nobody.invalid", 443)));
    let tls = json!({"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}});
    add("no-tls", tls, None);
    let short = json!({"connect_timeout": "0.2s"});
    add("hanging", short, Some(("127.0.0.1", hanging)));
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
    let gateway = gateway(hanging.port);
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
