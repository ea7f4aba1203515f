//! A shipped configuration for our own host: its chains, with the gateway document as Envoy hands it over.

use std::path::Path;

use serde_json::{Value, json};

use crate::envoy::config;
use crate::shape;
use crate::vm::{Gateway, Plugin, World, built};

mod protobuf;

pub use protobuf::struct_bytes;

/// The configuration, read once and perhaps edited.
#[derive(Clone, Debug)]
pub struct Shipped(Value);

impl Default for Shipped {
    fn default() -> Self {
        Self::read()
    }
}

impl Shipped {
    /// The configuration of the suite's [shape], as it is shipped.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read() -> Self {
        Self::of(&shape::name())
    }

    /// The configuration in which each filter is a module of its own, whatever the suite's shape.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn seven() -> Self {
        Self::of(shape::SEVEN)
    }

    /// The configuration of a shape.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn of(shape: &str) -> Self {
        Self(config::read(&shape::file(shape)).expect("the shipped file"))
    }

    /// The same with an edited gateway document.
    ///
    /// # Panics
    /// If no filter has one.
    #[must_use]
    pub fn document(mut self, edit: impl FnOnce(&mut Value) + 'static) -> Self {
        config::edit_document(&mut self.0, vec![Box::new(edit)]).expect("a gateway document");
        self
    }

    /// The same with the cheapest endpoint always first, whatever failed before, for tests that say
    /// whom a request asks.
    #[must_use]
    pub fn cheapest_first(self) -> Self {
        self.document(cheapest_first)
    }

    /// The same with the configuration itself edited.
    #[must_use]
    pub fn config(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        edit(&mut self.0);
        self
    }

    /// A value anywhere in the configuration.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.0.pointer(pointer);
        found.unwrap_or_else(|| panic!("nothing at {pointer}"))
    }

    /// The gateway document, the same for every filter.
    ///
    /// # Panics
    /// If the first filter has none.
    pub fn gateway_document(&self) -> &Value {
        let first = self.filters("edge").next();
        let document = first.and_then(|config| config.pointer("/configuration/value"));
        document.expect("a gateway document")
    }

    /// The wasm filters of a chain, in order, with the settings that they have there.
    ///
    /// # Panics
    /// If there is no such chain, or a module is not built.
    pub fn chain(&self, chain: &str) -> Vec<Plugin> {
        self.filters(chain).map(plugin).collect()
    }

    fn filters(&self, chain: &str) -> impl Iterator<Item = &Value> {
        let listeners = self.at("/static_resources/listeners").as_array();
        let mut listeners = listeners.expect("listeners").iter();
        let found = listeners.find(|found| found["name"] == chain);
        let manager = "/filter_chains/0/filters/0/typed_config/http_filters";
        let filters = found.and_then(|found| found.pointer(manager)?.as_array());
        let filters = filters.expect("a listener of this name").iter();
        filters.filter_map(|filter| filter.pointer("/typed_config/config"))
    }

    /// One wasm filter, of whichever chain.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn plugin(&self, name: &str) -> Plugin {
        let mut all = ["edge", "attempt"].into_iter().flat_map(|l| self.chain(l));
        all.find(|plugin| plugin.name == name)
            .unwrap_or_else(|| panic!("no filter {name}"))
    }

    /// Both chains in our host.
    ///
    /// # Panics
    /// If a filter refuses its configuration.
    pub fn gateway(&self, world: &World) -> Gateway {
        let (edge, attempt) = (self.chain("edge"), self.chain("attempt"));
        Gateway::new(world, &edge, &attempt).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Edits a gateway document so that the cheapest endpoint is always first, whatever failed before.
pub fn cheapest_first(document: &mut Value) {
    document["preferences"] = json!({"sort": "price"});
    document["cool_down_after"] = json!(0);
}

/// Puts modules in the filters' place that make their calls into the host and do no work: those of `wasm-tests/floor`.
pub fn idle_modules(configuration: &mut Value) {
    config::visit(configuration, &mut |object| {
        if let Some(Value::String(module)) = object.get_mut("filename") {
            *module = module.replace("target/wasm/", "target/wasm/floor-");
        }
    });
}

fn plugin(config: &Value) -> Plugin {
    let text = |pointer: &str| {
        let found = config.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer}: {config}"))
    };
    let module = Path::new(text("/vm_config/code/local/filename")).file_stem();
    let module = built(&module.unwrap_or_default().to_string_lossy());
    let value = &config["configuration"]["value"];
    let document = match value.as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => struct_bytes(value),
    };
    let mut plugin =
        Plugin::new(text("/name"), module, document).with_vm_id(text("/vm_config/vm_id"));
    plugin.allow_on_headers_stop_iteration = config["allow_on_headers_stop_iteration"] == true;
    plugin
}
