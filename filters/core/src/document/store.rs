//! `store`: where balances survive a restart.

use serde::Deserialize;

/// An etcd, by its JSON gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The Envoy cluster that reaches it.
    pub cluster: String,
    /// The `:authority` of calls.
    #[serde(default = "authority")]
    pub authority: String,
    /// What its keys begin with; the last byte is ASCII.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// How often it is read and written, in milliseconds.
    #[serde(default = "interval_ms")]
    pub interval_ms: u64,
    /// What becomes of requests of keys with limits while it does not answer.
    #[serde(default)]
    pub when_down: WhenDown,
}

/// What becomes of requests of keys with limits while the store does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenDown {
    /// They go on, by what this gateway knows.
    #[default]
    Allow,
    /// They are refused with a 503.
    Refuse,
}

fn authority() -> String {
    "etcd".to_owned()
}

fn prefix() -> String {
    "meshrouter/".to_owned()
}

fn interval_ms() -> u64 {
    500
}
