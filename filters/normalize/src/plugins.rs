//! Which plugins work for a request: what it says, and what key and gateway say (Plugins page).

use std::collections::BTreeMap;

use meshrouter_core::Document;
use meshrouter_core::document::{Plugin, Plugins};
use meshrouter_wire::request::Mentions;

/// The plugins that work for one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Enabled {
    pub(crate) response_healing: bool,
    pub(crate) web: bool,
}

/// The settings of gateway and keys.
#[derive(Debug, Default)]
pub(crate) struct PluginDefaults {
    gateway: Plugins,
    /// By the name of the key.
    keys: BTreeMap<String, Plugins>,
}

impl PluginDefaults {
    pub(crate) fn compile(document: &Document) -> Self {
        let keys = document.keys.iter();
        Self {
            gateway: document.plugins.clone(),
            keys: keys
                .map(|key| (key.name.clone(), key.plugins.clone()))
                .collect(),
        }
    }

    /// The plugins of a request with this key that says this.
    pub(crate) fn of(&self, key: &str, request: Mentions) -> Enabled {
        let key = self.keys.get(key);
        let decide = |plugin: fn(&Plugins) -> Option<Plugin>, mention| {
            decide(plugin(&self.gateway), key.and_then(plugin), mention)
        };
        Enabled {
            response_healing: decide(|plugins| plugins.response_healing, request.response_healing),
            web: decide(|plugins| plugins.web, request.web),
        }
    }
}

/// The gateway's word is final where it prevents overrides, then the key's; otherwise the request's
/// own counts most.
fn decide(gateway: Option<Plugin>, key: Option<Plugin>, request: Option<bool>) -> bool {
    let mut levels = [gateway, key].into_iter().flatten();
    if let Some(last) = levels.find(|plugin| plugin.prevent_overrides) {
        return last.enabled;
    }
    let default = key.or(gateway).is_some_and(|plugin| plugin.enabled);
    request.unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        let plugin = |enabled, prevent_overrides| {
            Some(Plugin {
                enabled,
                prevent_overrides,
            })
        };
        let cases = [
            (None, None, None, false),
            (None, None, Some(true), true),
            (plugin(true, false), None, None, true),
            (plugin(true, false), None, Some(false), false),
            (plugin(true, false), plugin(false, false), None, false),
            (plugin(false, false), plugin(true, false), None, true),
            (plugin(true, true), None, Some(false), true),
            (plugin(false, true), plugin(true, true), Some(true), false),
            (plugin(true, false), plugin(false, true), Some(true), false),
        ];
        for (gateway, key, request, expected) in cases {
            assert_eq!(
                decide(gateway, key, request),
                expected,
                "{gateway:?} {key:?} {request:?}"
            );
        }
    }
}
