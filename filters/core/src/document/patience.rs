//! `timeouts` and `hold`: how long an attempt may be silent, and what is held of it meanwhile.

use serde::Deserialize;

/// How long an attempt may take, in milliseconds; 0 for as long as it likes. What is not given is that
/// of the wider level: endpoint, provider, gateway. They are looked at ten times a second.
///
/// How long a connection may take to come about is Envoy's affair: the cluster's `connect_timeout`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// From the request to the response's headers; of a stream, to its first token.
    pub first_byte_ms: Option<u64>,
    /// Between two pieces of the response, after that.
    pub idle_ms: Option<u64>,
    /// From the request to the response's end.
    pub total_ms: Option<u64>,
}

impl Timeouts {
    /// These, and what they leave open as in `wider`.
    #[must_use]
    pub fn over(self, wider: Self) -> Self {
        Self {
            first_byte_ms: self.first_byte_ms.or(wider.first_byte_ms),
            idle_ms: self.idle_ms.or(wider.idle_ms),
            total_ms: self.total_ms.or(wider.total_ms),
        }
    }

    /// What holds where nobody says anything: models that reason are silent for minutes.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            first_byte_ms: Some(300_000),
            idle_ms: Some(300_000),
            total_ms: Some(0),
        }
    }
}

/// What is held of a stream, so that a provider which fails after its headers can still be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hold {
    /// What ends it.
    pub until: HoldUntil,
    /// For how long at most, from the response's headers, in milliseconds; 0 for as long as it takes.
    pub max_ms: u64,
    /// How much at most, in bytes.
    pub max_bytes: usize,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            until: HoldUntil::Token,
            max_ms: 30_000,
            max_bytes: 64 << 10,
        }
    }
}

/// What ends the hold of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldUntil {
    /// The first chunk in which something is said: a role alone is no token.
    #[default]
    Token,
    /// The first event with data.
    Event,
}
