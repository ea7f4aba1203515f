//! A scenario on a real Envoy.

use std::net::TcpListener;

use meshrouter_simulator::RecordedRequest;
use meshrouter_wasm_tests::client::{Request, Response};
use meshrouter_wasm_tests::envoy::{Builder, Envoy};
use meshrouter_wasm_tests::providers::{Simulators, simulators};

use crate::scenario::{Scenario, comparable};
use crate::seen::{Seen, Sent, lines, record, stable};

pub(crate) struct Real {
    pub(crate) envoy: Envoy,
    providers: Simulators,
    logged: usize,
}

impl Real {
    /// An Envoy behind whose cluster gamma nothing listens.
    pub(crate) fn new(edit: impl FnOnce(Builder) -> Builder) -> Self {
        let providers = simulators();
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let builder = providers.envoy().provider_port("gamma", nobody.port());
        let builder = builder.document(comparable);
        Self {
            envoy: edit(builder).start(),
            providers,
            logged: 0,
        }
    }

    pub(crate) fn run(&mut self, scenario: &Scenario) -> Seen {
        let response = self.envoy.client().send(request(scenario));
        self.logged += 1;
        let log = self.envoy.wait_for_access_log(self.logged);
        let mut sent: Vec<(String, RecordedRequest)> = Vec::new();
        for simulator in self.providers.all() {
            let requests = simulator.take_requests().into_iter();
            sent.extend(requests.map(|request| (simulator.name().to_owned(), request)));
        }
        sent.sort_by_key(|(_, request)| request.received);
        seen(&response, sent, log[self.logged - 1]["completion"].clone())
    }
}

fn seen(
    response: &Response,
    sent: Vec<(String, RecordedRequest)>,
    logged: serde_json::Value,
) -> Seen {
    let headers = response.headers.iter();
    let upstream = sent.into_iter().map(|(provider, request)| Sent {
        provider,
        method: request.method.clone(),
        path: request.path.clone(),
        headers: lines(
            request
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        ),
        body: String::from_utf8_lossy(&request.body).into_owned(),
    });
    Seen {
        status: response.status,
        headers: lines(headers.map(|(name, value)| (name.as_bytes(), value.as_slice()))),
        body: stable(&response.body),
        whole: response.is_whole(),
        upstream: upstream.collect(),
        record: record(logged),
    }
}

fn request(scenario: &Scenario) -> Request {
    let mut request = Request::new(scenario.method, scenario.path).header("host", "gateway.test");
    for (name, value) in &scenario.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &scenario.body {
        request = request.body(body.clone());
    }
    match scenario.chunked {
        Some(size) => request.chunked(size),
        None => request,
    }
}
