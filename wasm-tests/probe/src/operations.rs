//! What a line of the configuration can do.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls as host;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status};

/// Which body and headers a callback is about.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Request { end: bool },
    Response { end: bool },
}

impl Way {
    fn maps(self) -> (MapType, MapType) {
        match self {
            Self::Request { .. } => (MapType::HttpRequestHeaders, MapType::HttpResponseHeaders),
            Self::Response { .. } => (MapType::HttpResponseHeaders, MapType::HttpRequestHeaders),
        }
    }

    fn buffer(self) -> (BufferType, bool) {
        match self {
            Self::Request { end } => (BufferType::HttpRequestBody, end),
            Self::Response { end } => (BufferType::HttpResponseBody, end),
        }
    }
}

/// The parsed configuration: callback, operation, its words.
#[derive(Clone, Default)]
pub(crate) struct Script(Vec<(String, String, String)>);

impl Script {
    pub(crate) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.trim().splitn(3, ' ').map(str::to_owned);
            Some((
                words.next()?,
                words.next()?,
                words.next().unwrap_or_default(),
            ))
        };
        Self(text.lines().filter_map(line).collect())
    }

    pub(crate) fn has(&self, callback: &str) -> bool {
        self.0.iter().any(|(when, ..)| when == callback)
    }

    /// False if a line said `pause` or `reject`.
    pub(crate) fn run(&self, callback: &str, way: Option<Way>) -> bool {
        let mut go_on = true;
        for (_, operation, rest) in self.0.iter().filter(|(when, ..)| when == callback) {
            match operation.as_str() {
                "pause" | "reject" => go_on = false,
                "panic" => panic!("told to: {rest}"),
                "spin" => loop {
                    std::hint::black_box(rest);
                },
                _ => general(operation, rest)
                    .or_else(|| stream(operation, rest, way?))
                    .expect("an operation"),
            }
        }
        go_on
    }
}

fn say(text: &str) {
    host::log(LogLevel::Info, text).expect("the log takes everything");
}

fn split(rest: &str) -> (&str, &str) {
    rest.split_once(' ').unwrap_or((rest, ""))
}

fn general(operation: &str, rest: &str) -> Option<()> {
    let (name, value) = split(rest);
    match operation {
        "say" => say(rest),
        "time" => {
            let now = host::get_current_time()
                .expect("a clock")
                .duration_since(UNIX_EPOCH);
            say(&format!("time {}", now.expect("after 1970").as_nanos()));
        }
        "prop" => host::set_property(vec![name], Some(value.as_bytes())).expect("a stream"),
        "show" => {
            let found = host::get_property(name.split('.').collect());
            say(&format!("{name} = {}", shown(found.ok().flatten())));
        }
        "count" => count(name),
        "metric" => {
            let id = host::define_metric(MetricType::Counter, name).expect("a counter");
            host::increment_metric(id, value.parse().expect("a number")).expect("more than zero");
        }
        "foreign" => say(&format!(
            "{name}: {:?}",
            host::call_foreign_function(name, None)
        )),
        "call" => {
            let headers = vec![(":method", "GET"), (":path", "/"), (":authority", "x")];
            let called =
                host::dispatch_http_call(name, headers, None, vec![], Duration::from_secs(1));
            say(&format!("call: {called:?}"));
        }
        _ => return None,
    }
    Some(())
}

fn stream(operation: &str, rest: &str, way: Way) -> Option<()> {
    let (name, value) = split(rest);
    let (own, other) = way.maps();
    match operation {
        "set" => host::set_map_value(own, name, Some(value)).expect("headers"),
        "add" => host::add_map_value(own, name, value).expect("headers"),
        "remove" => host::remove_map_value(own, name).expect("headers"),
        "header" => say(&format!(
            "{name}: {}",
            shown(host::get_map_value_bytes(own, name).expect("a map"))
        )),
        "other" => say(&format!(
            "{name}: {}",
            shown(host::get_map_value_bytes(other, name).expect("a map"))
        )),
        "bin" => say(&format!(
            "{name}: {:?}",
            host::get_map_value_bytes(own, name).expect("a map")
        )),
        "names" => {
            let pairs = host::get_map_bytes(own).expect("a map");
            say(&pairs
                .iter()
                .map(|(n, _)| n.as_str())
                .collect::<Vec<_>>()
                .join(","));
        }
        "body" => {
            let (buffer, end) = way.buffer();
            let bytes = host::get_buffer(buffer, 0, usize::MAX).expect("a buffer");
            say(&format!(
                "body {}{}",
                shown(bytes),
                if end { " end" } else { "" }
            ));
        }
        "splice" => {
            let (length, text) = split(value);
            let (start, length) = (
                name.parse().expect("a number"),
                length.parse().expect("a number"),
            );
            host::set_buffer(way.buffer().0, start, length, text.as_bytes()).expect("a place");
        }
        "reply" => {
            let status = name.parse().expect("a status");
            host::send_http_response(status, vec![("x-probe", "reply")], Some(value.as_bytes()))
                .expect("sent");
        }
        _ => return None,
    }
    Some(())
}

fn count(key: &str) {
    loop {
        let (value, cas) = host::get_shared_data(key).expect("a value or none");
        let number: u64 = shown(value).parse().unwrap_or(0);
        let next = (number + 1).to_string();
        match host::set_shared_data(key, Some(next.as_bytes()), cas) {
            Err(Status::CasMismatch) => {}
            other => return other.expect("written"),
        }
    }
}

fn shown(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or_else(
        || "none".to_owned(),
        |b| String::from_utf8_lossy(&b).into_owned(),
    )
}
