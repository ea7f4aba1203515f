//! The filters of one module tell each other what Envoy need not know.

use std::rc::Rc;

use meshrouter_core::DocumentError;
use meshrouter_core::names::property::is_between_filters;

use crate::{
    Background, Bodies, Clock, Direction, Filter, Flow, HeaderList, Headers, Host, Level, Log,
    Metrics, Properties, Random, Refusal, Replies, Reply, SharedData,
};

/// A chain that is all of its chain in Envoy: its filters' properties for each other stay in the module.
#[derive(Debug)]
pub struct Fused<F> {
    chain: F,
    properties: Vec<(String, Vec<u8>)>,
}

impl<F> Fused<F> {
    /// The chain, and the host that it sees.
    fn split<'a, H: Host>(&'a mut self, host: &'a mut H) -> (&'a mut F, Inside<'a, H>) {
        let properties = &mut self.properties;
        (&mut self.chain, Inside { host, properties })
    }
}

impl<F: Filter> Filter for Fused<F> {
    type Document = F::Document;
    type Settings = F::Settings;

    const NAME: &'static str = F::NAME;
    const HAS_DEADLINES: bool = F::HAS_DEADLINES;

    fn configure(document: F::Document) -> Result<F::Settings, DocumentError> {
        F::configure(document)
    }

    fn settings(document: &[u8]) -> Result<F::Settings, Refusal> {
        F::settings(document)
    }

    fn new(settings: Rc<F::Settings>) -> Self {
        Self {
            chain: F::new(settings),
            properties: Vec::new(),
        }
    }

    fn background(settings: &Rc<F::Settings>) -> Option<Box<dyn Background>> {
        F::background(settings)
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_request_headers(&mut host, end)
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_request_body(&mut host, end)
    }

    fn on_request_trailers(&mut self, host: &mut impl Host) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_request_trailers(&mut host)
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_response_headers(&mut host, end)
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_response_body(&mut host, end)
    }

    fn on_response_trailers(&mut self, host: &mut impl Host) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_response_trailers(&mut host)
    }

    fn is_late(&mut self, now: u64) -> bool {
        self.chain.is_late(now)
    }

    fn on_deadline(&mut self, host: &mut impl Host) -> Flow {
        let (chain, mut host) = self.split(host);
        chain.on_deadline(&mut host)
    }

    fn on_log(&mut self, host: &mut impl Host) {
        let (chain, mut host) = self.split(host);
        chain.on_log(&mut host);
    }
}

/// The host as the filters of a module see it.
struct Inside<'a, H> {
    host: &'a mut H,
    properties: &'a mut Vec<(String, Vec<u8>)>,
}

impl<H: Host> Properties for Inside<'_, H> {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        match path {
            [name] if is_between_filters(name) => {
                let found = self.properties.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            }
            _ => self.host.property(path),
        }
    }

    fn set_property(&mut self, name: &str, value: &[u8]) {
        if !is_between_filters(name) {
            return self.host.set_property(name, value);
        }
        self.properties.retain(|(known, _)| known != name);
        self.properties.push((name.to_owned(), value.to_vec()));
    }
}

// The rest is the host's own business.

impl<H: Host> Headers for Inside<'_, H> {
    fn header(&self, of: Direction, name: &str) -> Option<Vec<u8>> {
        self.host.header(of, name)
    }

    fn headers(&self, of: Direction) -> HeaderList {
        self.host.headers(of)
    }

    fn set_headers(&mut self, of: Direction, headers: &[(&str, &[u8])]) {
        self.host.set_headers(of, headers);
    }

    fn set_header(&mut self, of: Direction, name: &str, value: &[u8]) {
        self.host.set_header(of, name, value);
    }

    fn remove_header(&mut self, of: Direction, name: &str) {
        self.host.remove_header(of, name);
    }
}

impl<H: Host> Bodies for Inside<'_, H> {
    fn body(&self, of: Direction) -> Vec<u8> {
        self.host.body(of)
    }

    fn body_size(&self, of: Direction) -> usize {
        self.host.body_size(of)
    }

    fn set_body(&mut self, of: Direction, bytes: &[u8]) {
        self.host.set_body(of, bytes);
    }

    fn left_out(&self) -> usize {
        self.host.left_out()
    }

    fn leave_out(&mut self, bytes: usize) {
        self.host.leave_out(bytes);
    }
}

impl<H: Host> SharedData for Inside<'_, H> {
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        self.host.shared(key)
    }

    fn set_shared(&mut self, key: &str, value: &[u8], token: Option<u32>) -> bool {
        self.host.set_shared(key, value, token)
    }
}

impl<H: Host> Replies for Inside<'_, H> {
    fn reply(&mut self, reply: &Reply) {
        self.host.reply(reply);
    }
}

impl<H: Host> Clock for Inside<'_, H> {
    fn now(&self) -> u64 {
        self.host.now()
    }
}

impl<H: Host> Random for Inside<'_, H> {
    fn random(&mut self) -> Option<[u8; 32]> {
        self.host.random()
    }
}

impl<H: Host> Metrics for Inside<'_, H> {
    fn count(&mut self, metric: &str, by: u64) {
        self.host.count(metric, by);
    }

    fn gauge(&mut self, metric: &str, value: u64) {
        self.host.gauge(metric, value);
    }

    fn shift(&mut self, metric: &str, by: i64) {
        self.host.shift(metric, by);
    }

    fn observe(&mut self, metric: &str, value: u64) {
        self.host.observe(metric, value);
    }
}

impl<H: Host> Log for Inside<'_, H> {
    fn log(&self, level: Level, message: &str) {
        self.host.log(level, message);
    }
}
