//! `providers`: who serves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Timeouts;
use crate::preferences::DataCollection;

/// A provider: where its API is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The name that callers see in `provider`; the slug by default.
    pub name: Option<String>,
    /// The Envoy cluster of the provider.
    pub cluster: String,
    /// The `:authority` that the provider expects; the cluster's name by default.
    pub authority: Option<String>,
    /// The path of its chat completions; `/v1/chat/completions` by default. In this and the other
    /// paths, `{model}` stands for the provider's own name of the model.
    pub path: Option<String>,
    /// The path of its legacy completions; `/v1/completions` by default.
    pub completions_path: Option<String>,
    /// The path of its embeddings; `/v1/embeddings` by default.
    pub embeddings_path: Option<String>,
    /// The header in which it takes credentials, and in which Envoy gives it the gateway's:
    /// `authorization` by default, as `Bearer …`; any other holds nothing but the credential.
    pub credential_header: Option<String>,
    /// Caller's headers that the provider is to see, and the names under which it knows them,
    /// such as `x-anthropic-beta: anthropic-beta`.
    #[serde(default)]
    pub forward_headers: BTreeMap<String, String>,
    /// Whether it may store what it is sent; `allow` where nobody knows.
    #[serde(default)]
    pub data_collection: DataCollection,
    /// Whether it retains nothing.
    #[serde(default)]
    pub zdr: bool,
    /// Where they differ from the gateway's.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Shown by `GET /providers`.
    pub privacy_policy_url: Option<String>,
    /// Shown by `GET /providers`.
    pub terms_of_service_url: Option<String>,
    /// Shown by `GET /providers`.
    pub status_page_url: Option<String>,
}
