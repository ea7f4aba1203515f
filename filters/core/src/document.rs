//! The gateway document: the one YAML document that configures every filter, as it is written.
//!
//! Envoy hands it over as JSON. Unknown fields are refused, by the filters that read the whole of it;
//! others read their part ([`Callers`]) and skip the rest. What needs knowledge of more than one
//! field is checked where the document is compiled: [`Catalog`](crate::Catalog),
//! [`KeyRing`](crate::keys::KeyRing).

mod auto;
mod credential;
mod identity;
mod key;
mod model;
mod patience;
mod protobuf;
mod provider;
mod store;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json_error;
use crate::money::{Share, Usd};
use crate::preferences::Preferences;
pub use auto::{Auto, AutoModel, Difficulty, Task};
pub use credential::{Credential, Secret};
pub use identity::{Claim, Identity};
pub use key::{Allowance, Budget, Caller, Callers, Key, LimitReset, Plugin, Plugins};
pub use model::{Architecture, Endpoint, Model, Pricing, ReasoningDialect, ReasoningStyle};
pub use patience::{Hold, HoldUntil, Timeouts};
pub use provider::Provider;
pub use store::{Store, WhenDown};

/// The whole document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Who serves, by slug.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
    /// What is served, and by whom.
    #[serde(default)]
    pub models: Vec<Model>,
    /// Who may call.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// Who may call without a key, because the mesh says who they are.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// The model of requests that name none.
    pub default_model: Option<String>,
    /// The largest request body, in bytes. Envoy's own buffer limits must not be lower.
    #[serde(default = "max_body_bytes")]
    pub max_body_bytes: usize,
    /// Request fields under a name (Presets page). `system` is a system prompt.
    #[serde(default)]
    pub presets: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// Gateway-wide plugin settings.
    #[serde(default)]
    pub plugins: Plugins,
    /// How endpoints are chosen where key and request do not say: as a request's `provider`.
    #[serde(default)]
    pub preferences: Preferences,
    /// What `meshrouter/auto` picks from.
    pub auto: Option<Auto>,
    /// For how long a conversation prefers the endpoint that served its last turn, in seconds;
    /// 0 for not at all.
    #[serde(default = "sticky_seconds")]
    pub sticky_seconds: u32,
    /// After how many failures in a row an endpoint cools down; 0 for never.
    #[serde(default = "cool_down_after")]
    pub cool_down_after: u32,
    /// How long an attempt may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// How long all attempts of a request may take together, in milliseconds; 0 for as long as they like.
    #[serde(default)]
    pub request_timeout_ms: u64,
    /// After how many milliseconds without a first byte the next candidate is asked, too, and the first of
    /// both to answer wins; 0 for never.
    #[serde(default)]
    pub hedge_after_ms: u64,
    /// What is held of a stream.
    #[serde(default)]
    pub hold: Hold,
    /// What `GET /credits` says that was bought, in USD. It bounds nothing.
    #[serde(default)]
    pub credits: Usd,
    /// Whether `fallback` and `middle-out` are upstream filters of the providers' clusters, as in `envoy/native.yaml`:
    /// then the edge's route sends each attempt to its provider itself.
    #[serde(default)]
    pub native: bool,
    /// Whether the filters say what spans are to have, as in `envoy/tracing.yaml`.
    #[serde(default)]
    pub traces: bool,
    /// Where balances survive a restart, and are shared by several gateways; nowhere by default.
    pub store: Option<Store>,
    /// What a request on the caller's own account costs the caller here: this share of what it would have cost
    /// on the gateway's.
    #[serde(default)]
    pub byok_fee: Share,
}

fn max_body_bytes() -> usize {
    32 << 20
}

/// What most providers keep a prompt cache for.
fn sticky_seconds() -> u32 {
    300
}

/// More than a slip, and soon enough that few requests pay for it.
fn cool_down_after() -> u32 {
    5
}

impl Document {
    /// Reads the whole document from JSON.
    ///
    /// # Errors
    /// The path of the first field that is unknown, missing or of the wrong type.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        from_json(json)
    }
}

/// Reads what a filter needs of the document as Envoy hands it over: a `google.protobuf.Struct`,
/// which some versions turn into JSON and others leave serialised, or JSON from a `StringValue`.
///
/// # Errors
/// The path of the first field that is unknown, missing or of the wrong type.
pub fn from_plugin_configuration<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    match protobuf::struct_to_json(bytes) {
        Some(json) => from_json(json.as_bytes()),
        None => from_json(bytes),
    }
}

/// The same from JSON.
///
/// # Errors
/// The path of the first field that is unknown, missing or of the wrong type.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, DocumentError> {
    json_error::read(json).map_err(|(path, message)| DocumentError::new(path, message))
}

/// What is wrong with a gateway document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// Path of the field, such as `models[0].endpoints[1].provider`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl DocumentError {
    /// An error at a field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway document: {}: {}", self.path, self.message)
    }
}

impl std::error::Error for DocumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        Document::from_json(json.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_empty_document_is_one() {
        assert!(Document::from_json(b"{}").unwrap().models.is_empty());
    }

    #[test]
    fn errors_name_the_path() {
        assert_eq!(
            error(r#"{"providers": {"alpha": {"cluster": "a", "colour": 1}}}"#),
            "gateway document: providers.alpha.colour: unknown field `colour`, \
             expected one of `name`, `cluster`, `authority`, `path`, \
             `completions_path`, `embeddings_path`, `credential_header`, \
             `forward_headers`, `data_collection`, `zdr`, `timeouts`, `privacy_policy_url`, \
             `terms_of_service_url`, `status_page_url`"
        );
        assert_eq!(
            error(
                r#"{"models": [{"id": "a/b", "context_length": 1, "endpoints":
                [{"provider": "p", "pricing": {"prompt": 0.1, "completion": "0"}}]}]}"#
            ),
            "gateway document: models[0].endpoints[0].pricing.prompt: \
             invalid type: floating point `0.1`, expected a string"
        );
        assert_eq!(
            error(
                r#"{"models": [{"id": "a/b", "context_length": 1, "endpoints":
                [{"provider": "p", "pricing": {"prompt": "free", "completion": "0"}}]}]}"#
            ),
            "gateway document: models[0].endpoints[0].pricing.prompt: `free` is not a price: expected USD \
             per unit as a plain decimal string, such as \"0.0000025\""
        );
        assert_eq!(
            error(r#"{"byok_fee": "5%"}"#),
            "gateway document: byok_fee: `5%` is not a share of one: expected a decimal string \
             from \"0\" to \"1\" with at most 4 decimal places, such as \"0.25\""
        );
        assert_eq!(
            error(r#"{"keys": [{"name": "x"}]}"#),
            "gateway document: keys[0]: missing field `hash`"
        );
    }
}
