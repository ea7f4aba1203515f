//! A scenario in our own host.

use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Gateway, GatewayRequest, UpstreamAnswer, UpstreamResponse, World};
use serde_json::Value;

use crate::scenario::{Scenario, comparable};
use crate::seen::{Seen, Sent, lines, record, stable};

/// The route's `request_headers_to_remove`, which our host leaves to the one who looks.
const REMOVED: &str = "/static_resources/listeners/1/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/request_headers_to_remove";

pub(crate) struct Ours {
    pub(crate) world: World,
    gateway: Gateway,
    removed: Vec<String>,
}

impl Ours {
    /// What is done beside the streams is done.
    pub(crate) fn tick(&mut self) {
        self.gateway.tick().expect("it does not trap");
    }

    pub(crate) fn new(shipped: &Shipped) -> Self {
        let shipped = shipped.clone().document(comparable);
        let world = World::new();
        let gateway = shipped.gateway(&world);
        let removed = shipped.at(REMOVED).as_array().unwrap().iter();
        let removed = removed
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        Self {
            world,
            gateway,
            removed,
        }
    }

    pub(crate) fn run(&mut self, scenario: &Scenario) -> Seen {
        let answer = self
            .gateway
            .send(&request(scenario), |sent| provider(scenario, &sent.cluster));
        assert_eq!(answer.traps, [], "{}", scenario.name);
        assert_eq!(answer.framing_errors, [""; 0], "{}", scenario.name);
        let upstream = answer
            .upstream
            .iter()
            .filter(|sent| sent.cluster != "gamma")
            .map(|sent| {
                let text = |name: &str| sent.headers.text(name).unwrap_or_default();
                let on_the_wire = |(name, _): &(&[u8], &[u8])| {
                    !self
                        .removed
                        .iter()
                        .any(|removed| removed.as_bytes() == *name)
                };
                Sent {
                    provider: sent.cluster.clone(),
                    method: text(":method"),
                    path: text(":path"),
                    headers: lines(sent.headers.iter().filter(on_the_wire)),
                    body: sent.text(),
                }
            });
        let logged = answer.access_log.get("meshrouter.record");
        let logged = logged.map_or(Value::Null, |bytes| serde_json::from_slice(bytes).unwrap());
        let body: Vec<u8> = answer
            .chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.clone())
            .collect();
        Seen {
            status: answer.status,
            headers: lines(answer.headers.iter()),
            body: stable(&body),
            whole: answer.ended && !answer.reset,
            upstream: upstream.collect(),
            record: record(logged),
        }
    }
}

fn request(scenario: &Scenario) -> GatewayRequest {
    let mut request = GatewayRequest::get(scenario.path);
    request.headers.set(":method", scenario.method);
    for (name, value) in &scenario.headers {
        request.headers.add(name, value);
    }
    let body = scenario.body.clone().unwrap_or_default().into_bytes();
    match scenario.chunked {
        Some(size) => {
            request.headers.set("transfer-encoding", "chunked");
            request.chunks = body.chunks(size).map(<[u8]>::to_vec).collect();
        }
        None if scenario.body.is_some() => {
            request
                .headers
                .set("content-length", body.len().to_string());
            request.chunks = vec![body];
        }
        None => {}
    }
    request
}

/// What the simulator would do. Nothing listens where gamma should be.
fn provider(scenario: &Scenario, cluster: &str) -> UpstreamAnswer {
    if cluster == "gamma" {
        return UpstreamAnswer::ConnectFailure;
    }
    let action = &scenario.script[cluster];
    let status = action["status"]
        .as_u64()
        .map_or(200, |status| u16::try_from(status).unwrap());
    let mut response = match (&action["events"], &action["body"]) {
        (Value::Array(events), _) => {
            let events = events.iter().map(|event| event.as_str().unwrap());
            let mut response = UpstreamResponse::sse(events);
            response
                .headers
                .set("content-type", "text/event-stream; charset=utf-8");
            response
        }
        (_, Value::String(text)) => {
            let mut response = whole(status, text.clone());
            response
                .headers
                .set("content-type", "text/plain; charset=utf-8");
            response
        }
        (_, body) => whole(status, body.to_string()),
    };
    for (name, value) in action["headers"].as_object().into_iter().flatten() {
        response.headers.set(name, value.as_str().unwrap());
    }
    if let Some(content_type) = action["content_type"].as_str() {
        response.headers.set("content-type", content_type);
    }
    if action["empty"] == true {
        response.chunks.clear();
        response.headers.set("content-length", "0");
    }
    match (&action["reset"], action["reset"]["after_events"].as_u64()) {
        (_, Some(events)) => {
            response.chunks.truncate(usize::try_from(events).unwrap());
            UpstreamAnswer::ResetAfter(response)
        }
        (Value::String(moment), _) if moment == "before_headers" => {
            UpstreamAnswer::ResetBeforeHeaders
        }
        (Value::String(_), _) => {
            response.chunks.clear();
            UpstreamAnswer::ResetAfter(response)
        }
        _ => response.into(),
    }
}

fn whole(status: u16, body: String) -> UpstreamResponse {
    let length = body.len().to_string();
    UpstreamResponse::json(status, body).header("content-length", &length)
}
