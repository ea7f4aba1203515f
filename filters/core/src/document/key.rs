//! `keys`: who may call. `plugins`: what is on for them.

use serde::Deserialize;

use super::Credential;
use crate::preferences::Preferences;

/// A caller's key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name in records.
    pub name: String,
    /// SHA-256 of the key, 64 hex digits. The key itself stands nowhere.
    pub hash: String,
    /// A disabled key is refused.
    #[serde(default)]
    pub disabled: bool,
    /// The model of this key's requests that name none, in place of the gateway's.
    pub default_model: Option<String>,
    /// Plugin settings in place of the gateway's.
    #[serde(default)]
    pub plugins: Plugins,
    /// How endpoints are chosen where its requests do not say: as a request's `provider`.
    #[serde(default)]
    pub preferences: Preferences,
    /// The only models that it may use; all by default.
    pub allowed_models: Option<Vec<String>>,
    /// The only providers that it may use, by slug; all by default.
    pub allowed_providers: Option<Vec<String>>,
    /// Whether it may ask why a request would go where it would, with `x-router-explain: true`.
    #[serde(default)]
    pub explain: bool,
    /// Its own accounts at providers: they come before the gateway's. Several of one provider share
    /// its requests.
    #[serde(default)]
    pub credentials: Vec<Credential>,
}

/// The document as `auth` reads it: who may call, and nothing else.
#[derive(Debug, Clone, Deserialize)]
pub struct Callers {
    /// Who may call.
    #[serde(default)]
    pub keys: Vec<Caller>,
}

/// A [`Key`] without what other filters make of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Caller {
    /// As [`Key::name`].
    pub name: String,
    /// As [`Key::hash`].
    pub hash: String,
    /// As [`Key::disabled`].
    #[serde(default)]
    pub disabled: bool,
}

/// Plugin settings by plugin id (Plugins page: account defaults).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    /// Repair of JSON answers.
    #[serde(rename = "response-healing")]
    pub response_healing: Option<Plugin>,
    /// Web search, by providers that have their own.
    pub web: Option<Plugin>,
}

/// The settings of one plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Whether it works for requests that do not mention it.
    #[serde(default)]
    pub enabled: bool,
    /// Whether requests cannot say otherwise.
    #[serde(default)]
    pub prevent_overrides: bool,
}
