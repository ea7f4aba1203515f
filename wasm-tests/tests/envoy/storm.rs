//! Many requests at once whose providers fail in every way there is: none is lost, mixed up or asked for twice.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use meshrouter_simulator::http1::{Framing, Reader};
use meshrouter_wasm_tests::client::Response;
use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::failures::failures;
use crate::gateway::{Gateway, answer, eventually, refusal};

/// The providers, in the order in which they are asked.
const PROVIDERS: [&str; 3] = ["alpha", "beta", "gamma"];

const REQUESTS: usize = 10_000;
const CALLERS: usize = 50;
/// Of a hundred attempts, how many fail.
const FAILING: u64 = 30;
/// Of so many failures one is a provider that says nothing.
const SILENT: u64 = 200;
/// When Envoy's memory is measured first: what its VMs need for as many requests at a time they have by then.
const WARM: usize = REQUESTS * 2 / 5;
/// How much it may grow from then on, in KiB. It grows with what is remembered of conversations; what a lost
/// request leaves behind would come to more.
const GROWTH: u64 = 8_000;

/// How many callers ask at the same moment.
const BURST: usize = 500;

/// SplitMix64: a sequence for every seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What can go wrong, in plain requests and in streams.
struct Weather([Vec<(String, Value)>; 2]);

/// One request of the storm.
struct Case {
    body: Value,
    said: String,
    /// What goes wrong at whom, for people.
    what: String,
    /// Who answers, if anybody does.
    answers: Option<usize>,
}

impl Weather {
    fn case(&self, seed: u64, number: usize) -> Case {
        let mut random = Random(seed.wrapping_add((number as u64) << 32));
        let stream = random.below(2) == 1;
        let failures = &self.0[usize::from(stream)];
        let (mut what, mut script) = (format!("{number}, stream: {stream}"), json!({}));
        let mut answers = None;
        for (place, provider) in PROVIDERS.into_iter().enumerate() {
            if random.below(100) >= FAILING {
                answers = answers.or(Some(place));
                continue;
            }
            let (name, action) = match random.below(SILENT) {
                0 => ("silence", json!({"delay_ms": 60_000})),
                _ => {
                    let chosen = random.below(failures.len() as u64);
                    let (name, action) = &failures[usize::try_from(chosen).unwrap()];
                    (name.as_str(), action.clone())
                }
            };
            script[provider] = action;
            what += &format!(", {provider}: {name}");
        }
        let said = format!("Drop {number} of many");
        let messages = json!([{"role": "user", "content": said}]);
        Case {
            body: json!({"model": MINI, "stream": stream, "messages": messages, "simulate": script}),
            said,
            what,
            answers,
        }
    }
}

impl Case {
    fn attempts(&self) -> usize {
        self.answers.map_or(PROVIDERS.len(), |place| place + 1)
    }

    /// What is wrong with the response.
    fn judge(&self, response: &Response) -> Result<(), String> {
        match self.answers {
            None => drop(refusal(response)?),
            Some(place) => {
                let (_, said) = answer(response)?;
                let wanted = format!("Hello from {}. You said: {}", PROVIDERS[place], self.said);
                if said != wanted {
                    return Err(format!("{said:?} instead of {wanted:?}"));
                }
            }
        }
        Ok(())
    }
}

/// Resident memory of a process in KiB, where that can be seen.
pub(crate) fn resident(pid: Option<u32>) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid?)).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// How often the simulators were asked.
fn received(gateway: &Gateway) -> usize {
    let each = gateway.providers.all().into_iter();
    each.map(|provider| provider.requests_received()).sum()
}

/// The attempts that the access log tells of, once it has all records.
fn attempts(gateway: &Gateway, records: usize) -> usize {
    let lines = gateway.envoy.wait_for_access_log(records);
    assert_eq!(lines.len(), records);
    let attempts = lines
        .iter()
        .map(|line| line["completion"]["attempts"].as_u64());
    let attempts: Option<u64> = attempts.sum();
    usize::try_from(attempts.expect("attempts in every record")).unwrap()
}

#[test]
fn whoever_has_a_provider_that_answers_gets_its_answer() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = match std::env::var("STORM_SEED") {
        Ok(seed) => seed.parse().expect("STORM_SEED is a number"),
        Err(_) => clock.as_nanos() as u64,
    };
    let gateway = Gateway::start(|envoy| {
        let envoy = envoy.concurrency(2);
        envoy.document(|document| {
            for provider in PROVIDERS {
                document["providers"][provider]["timeouts"] = json!({"first_byte_ms": 2_500});
            }
        })
    });
    let weather = Weather([false, true].map(failures));
    let (key, client) = (Ask::model(MINI), gateway.envoy.client());
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (expected, warm) = (AtomicUsize::new(0), Mutex::new(None));
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        return;
                    }
                    let case = weather.case(seed, number);
                    expected.fetch_add(case.attempts(), Ordering::Relaxed);
                    let response = client.try_send(key.bare().json(&case.body));
                    let response = response.map_err(|error| error.to_string());
                    if let Err(wrong) = response.and_then(|response| case.judge(&response)) {
                        let mut complaints = complaints.lock().unwrap();
                        complaints.push(format!("{}: {wrong}", case.what));
                    }
                    if done.fetch_add(1, Ordering::Relaxed) + 1 == WARM {
                        *warm.lock().unwrap() = resident(gateway.envoy.pid());
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    let shown = &complaints[..complaints.len().min(20)];
    let count = complaints.len();
    assert!(
        count == 0,
        "STORM_SEED={seed}: {count} of {REQUESTS}: {shown:#?}"
    );
    let (warm, end) = (warm.into_inner().unwrap(), resident(gateway.envoy.pid()));
    let counts = (received(&gateway), attempts(&gateway, REQUESTS));
    let expected = expected.into_inner();
    assert_eq!(counts, (expected, expected), "STORM_SEED={seed}");
    println!("{expected} attempts; {warm:?} KiB, then {end:?}");
    if let (Some(warm), Some(end)) = (warm, end) {
        assert!(
            end < warm + GROWTH,
            "STORM_SEED={seed}: {warm} KiB, then {end}"
        );
    }
}

/// Callers and providers are this process: each has its ends of all connections here.
fn allow_descriptors(wanted: u64) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|files| files.split_whitespace().next()?.parse::<u64>().ok());
    if soft.is_some_and(|soft| soft < wanted) {
        let (pid, limit) = (
            std::process::id().to_string(),
            format!("--nofile={wanted}:"),
        );
        let raised = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
        assert!(raised.is_ok_and(|status| status.success()), "{limits}");
    }
}

/// The response on a connection.
fn read(stream: &TcpStream) -> std::io::Result<Response> {
    let mut reader = Reader::new(stream);
    let head = reader.response_head()?.ok_or(ErrorKind::UnexpectedEof)?;
    let body = reader.body(Framing::of_response(&head, false)?)?;
    Ok(Response {
        status: head.status,
        headers: head.headers,
        body,
        error: None,
    })
}

#[test]
fn all_who_ask_at_once_are_answered_elsewhere_at_once() {
    allow_descriptors(4_096);
    let gateway = Gateway::start(|envoy| envoy.concurrency(2));
    let one = Ask::model(MINI).on("alpha", json!({"status": 503, "delay_ms": 3_000}));
    let callers: Vec<_> = (0..BURST)
        .map(|number| {
            let ask = one.again().and(json!({"stream": number % 2 == 1}));
            let body = ask.body().to_string();
            let mut stream = gateway.connect();
            let wire = ask.head(body.len(), "") + &body;
            stream.write_all(wire.as_bytes()).unwrap();
            stream
        })
        .collect();
    let alpha = &gateway.providers.alpha;
    eventually("all are at alpha", || alpha.in_flight() == BURST);
    for caller in callers {
        let (provider, said) = answer(&read(&caller).unwrap()).unwrap();
        assert_eq!(provider, "Beta");
        assert_eq!(said, "Hello from beta. You said: One two three");
    }
    assert_eq!(received(&gateway), 2 * BURST);
    assert_eq!(attempts(&gateway, BURST), 2 * BURST);
}
