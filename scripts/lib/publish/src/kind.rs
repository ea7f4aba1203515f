//! What a resource is.

use serde_json::Value;

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key of a provider.
    Secret,
    /// Where requests go.
    Cluster,
    /// The configuration of an HTTP filter.
    Filter,
    /// Where requests come from.
    Listener,
}

impl Kind {
    const ALL: [(Self, &'static str); 4] = [
        (
            Self::Secret,
            "envoy.extensions.transport_sockets.tls.v3.Secret",
        ),
        (Self::Cluster, "envoy.config.cluster.v3.Cluster"),
        (Self::Filter, "envoy.config.core.v3.TypedExtensionConfig"),
        (Self::Listener, "envoy.config.listener.v3.Listener"),
    ];

    /// By its `@type`.
    pub fn of(resource: &Value) -> Result<Self, String> {
        let given = resource
            .get("@type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let bare = given.rsplit('/').next().unwrap_or_default();
        let known = Self::ALL.iter().find(|(_, name)| *name == bare);
        known.map(|(kind, _)| *kind).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            format!("expected an `@type` of these: {names}; found {given:?}")
        })
    }

    /// Whether Envoy wants each in a file of its own.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Self::Secret | Self::Filter)
    }

    /// The file of a resource.
    pub(crate) fn file(self, name: &str) -> String {
        let stem = if self.is_alone() { name } else { self.list() };
        format!("{stem}.json")
    }

    /// Where they stand among a bootstrap's `static_resources`; a filter stands in its listener.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Cluster => "clusters",
            Self::Filter => "filters",
            Self::Listener => "listeners",
        }
    }
}
