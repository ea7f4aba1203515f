//! What a filter of a chain is configured with.

use std::path::PathBuf;

/// One wasm filter, as Envoy's `PluginConfig` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Its name; also the root id.
    pub name: String,
    /// The `.wasm` file.
    pub module: PathBuf,
    /// What `on_configure` reads. Envoy 1.40 hands a `Struct` over as its serialised bytes, earlier versions as
    /// JSON, and a `StringValue` as its text.
    pub configuration: Vec<u8>,
    /// Shared data is per VM id; one id for all filters by default.
    pub vm_id: String,
    /// True: a pause of the headers lets the body callbacks come. False: Envoy's older rule, everything stops.
    pub allow_on_headers_stop_iteration: bool,
}

impl Plugin {
    /// A filter with the settings that the shipped configuration uses.
    pub fn new(
        name: impl Into<String>,
        module: impl Into<PathBuf>,
        configuration: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            name: name.into(),
            module: module.into(),
            configuration: configuration.into(),
            vm_id: "meshrouter".to_owned(),
            allow_on_headers_stop_iteration: true,
        }
    }

    /// The same with another VM id: other shared data.
    #[must_use]
    pub fn with_vm_id(mut self, vm_id: impl Into<String>) -> Self {
        self.vm_id = vm_id.into();
        self
    }
}
