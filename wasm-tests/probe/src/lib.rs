//! A filter without a purpose of its own: each line of its configuration is `<callback> <operation>`, and each
//! callback runs its lines in order. The same module and configuration run in our host and in Envoy, so
//! that the two can be compared.
//!
//! Callbacks: `configure`, `request_headers`, `request_body`, `request_end` (a body callback with the end),
//! `response_headers`, `response_body`, `response_end`, `log`, `tick`.
//!
//! Operations: `pause`; `set`, `add` NAME VALUE and `remove` NAME on this way's headers; `header` NAME and
//! `other` NAME log a header of this way, or of the other one; `prop` NAME VALUE; `show` NAME.NAME logs a property;
//! `body` logs what the callback sees; `splice` START LENGTH TEXT changes it; `reply` STATUS TEXT;
//! `count` KEY increments a shared number; `metric` NAME VALUE; `foreign` NAME; `call` CLUSTER; `time`; `say` TEXT;
//! `bin` logs a header's bytes; `panic`; `spin`; `reject`.

mod operations;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use operations::{Script, Way};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(Root { script: Script::default() }));
}}

struct Root {
    script: Script,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.script = Script::parse(&String::from_utf8_lossy(&text));
        self.script.run("configure", None)
    }

    fn on_tick(&mut self) {
        self.script.run("tick", None);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            script: self.script.clone(),
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    script: Script,
}

impl Stream {
    fn run(&self, callback: &str, way: Way) -> Action {
        if self.script.run(callback, Some(way)) {
            Action::Continue
        } else {
            Action::Pause
        }
    }

    fn body(&self, (any, end): (&str, &str), way: Way, last: bool) -> Action {
        let action = self.run(any, way);
        // The end has its own say in whether to pause, if it says anything.
        if last && self.script.has(end) {
            self.run(end, way)
        } else {
            action
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        self.run("request_headers", Way::Request { end })
    }

    fn on_http_request_body(&mut self, _: usize, end: bool) -> Action {
        self.body(("request_body", "request_end"), Way::Request { end }, end)
    }

    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        self.run("response_headers", Way::Response { end })
    }

    fn on_http_response_body(&mut self, _: usize, end: bool) -> Action {
        self.body(
            ("response_body", "response_end"),
            Way::Response { end },
            end,
        )
    }

    fn on_log(&mut self) {
        self.run("log", Way::Response { end: true });
    }
}
