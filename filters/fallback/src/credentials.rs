//! Where an attempt goes, and as whom: the gateway's own account at the provider, or the caller's.

use meshrouter_core::affinity;
use meshrouter_core::catalog::{Catalog, Endpoint, Provider};
use meshrouter_core::credentials::{Access, Credentials, Own};
use meshrouter_core::document::Secret;
use meshrouter_core::health::{self, EndpointHash};
use meshrouter_core::route::Operation;
use meshrouter_core::{AttemptRequest, Candidate};

/// Where an attempt goes, and as whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) endpoint: &'a Endpoint,
    /// The caller's own account; `None` for the gateway's, which is Envoy's business.
    own: Option<&'a Own>,
    /// Whether a conversation that is served here should come back.
    pub(crate) sticks: bool,
}

impl<'a> Place<'a> {
    /// The place of a candidate; `None` after a change of the document took it, or the caller's own
    /// account there, away.
    pub(crate) fn of(
        catalog: &'a Catalog,
        credentials: &'a Credentials,
        request: &AttemptRequest,
        candidate: &Candidate,
    ) -> Option<Self> {
        let model = catalog.model(&candidate.model)?;
        let endpoint = model.endpoint(&candidate.endpoint)?;
        let provider = catalog.provider(&endpoint.provider)?;
        let own = match candidate.own {
            Some(_) => Some(credentials.of(&request.key, candidate)?),
            None => None,
        };
        let other = own.and_then(|own| own.access.endpoint(candidate));
        Some(Self {
            provider,
            endpoint: other.unwrap_or(endpoint),
            own,
            sticks: affinity::can_matter(model.endpoints.len(), credentials.count(&request.key)),
        })
    }

    /// The headers that are none of the caller's: path, authority, and the credential where
    /// it is the caller's own. Envoy leaves that as it is, and adds the gateway's elsewhere.
    pub(crate) fn headers(self, operation: Operation) -> Vec<(&'a str, &'a [u8])> {
        let authority = self.access().and_then(|access| access.authority.as_ref());
        let authority = authority.unwrap_or(&self.provider.authority);
        let path = self.endpoint.path(self.provider, operation);
        // The caller's follow.
        let mut headers = Vec::with_capacity(16);
        headers.push((":path", path.as_bytes()));
        headers.push((":authority", authority.as_bytes()));
        let credential = self.access().and_then(|access| access.header.as_ref());
        headers.extend(credential.map(|(name, value)| (&**name, value.reveal().as_bytes())));
        headers
    }

    /// The Envoy cluster.
    pub(crate) fn cluster(self) -> &'a str {
        let own = self.own.and_then(|own| own.rule.cluster.as_ref());
        own.unwrap_or(&self.provider.cluster)
    }

    fn access(self) -> Option<&'a Access> {
        self.own.map(|own| &own.access)
    }

    /// Whether a header is the one that carries the caller's own credential.
    pub(crate) fn is_credential(self, name: &str) -> bool {
        let header = self.access().and_then(|access| access.header.as_ref());
        header.is_some_and(|(own, _)| own == name)
    }

    /// The caller's own credential, where the provider is sent one.
    pub(crate) fn secret(self) -> Option<&'a Secret> {
        self.access()?.secret.as_ref()
    }
}

/// The key of the health record that an attempt is counted in, and its place there: what happens to a
/// caller's own account says nothing of the gateway's.
pub(crate) fn record(
    request: &AttemptRequest,
    candidate: &Candidate,
    endpoint: &Endpoint,
) -> (String, EndpointHash) {
    match candidate.own {
        Some(own) => (
            health::own_key(&candidate.model, &request.key),
            EndpointHash::own(&endpoint.tag, own),
        ),
        None => (health::key(&candidate.model), endpoint.hash),
    }
}
