//! Who is calling: by what Envoy has verified of them, where they sent no key.
//!
//! Nothing here comes from a header: those are the caller's own words.

use std::collections::BTreeMap;

use meshrouter_core::document::{Claim, DocumentError, Identity};
use meshrouter_core::keys::{KeyRing, Known};
use meshrouter_host::Properties;

/// Where Envoy has the URI of the certificate that the caller showed.
const PRINCIPAL: [&str; 2] = ["connection", "uri_san_peer_certificate"];

/// Where Envoy's `jwt_authn` leaves the tokens that it has verified.
const TOKENS: [&str; 3] = [
    "metadata",
    "filter_metadata",
    "envoy.filters.http.jwt_authn",
];

/// The names of the keys whose policies hold for identities.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    principals: BTreeMap<String, String>,
    /// By where a claim is, and what it says.
    claims: BTreeMap<(String, String), BTreeMap<String, String>>,
}

impl Identities {
    /// Checks and indexes a document's identities.
    ///
    /// # Errors
    /// The path of the first that is none, that stands twice, or whose key is not there.
    pub(crate) fn compile(
        identities: Vec<Identity>,
        keys: &KeyRing,
    ) -> Result<Self, DocumentError> {
        let mut compiled = Self::default();
        for (n, identity) in identities.into_iter().enumerate() {
            let error = |field: &str, message: String| {
                let path = format!("identities[{n}]{field}");
                DocumentError::new(path, message)
            };
            if keys.named(&identity.key).is_none() {
                let message = format!("there is no key `{}` in `keys`", identity.key);
                return Err(error(".key", message));
            }
            let known = match (identity.principal, identity.claim) {
                (Some(uri), None) if uri.contains("://") => {
                    compiled.principals.insert(uri, identity.key)
                }
                (Some(_), None) => {
                    let message = "expected a URI, such as `spiffe://cluster.local/ns/shop/sa/web`";
                    return Err(error(".principal", message.to_owned()));
                }
                (None, Some(claim)) => compiled.add_claim(claim, identity.key),
                _ => {
                    let message = "expected either `principal` or `claim`";
                    return Err(error("", message.to_owned()));
                }
            };
            if known.is_some() {
                return Err(error("", "this identity stands twice".to_owned()));
            }
        }
        Ok(compiled)
    }

    fn add_claim(&mut self, claim: Claim, key: String) -> Option<String> {
        let values = self.claims.entry((claim.payload, claim.name)).or_default();
        values.insert(claim.value, key)
    }

    /// Whether there is any.
    pub(crate) fn is_empty(&self) -> bool {
        self.principals.is_empty() && self.claims.is_empty()
    }

    /// The key whose policy holds for this caller: that of the certificate's principal before that of a claim.
    pub(crate) fn find<'a>(&self, host: &impl Properties, keys: &'a KeyRing) -> Option<&'a Known> {
        let name = self.by_principal(host).or_else(|| self.by_claim(host))?;
        keys.named(name)
    }

    fn by_principal(&self, host: &impl Properties) -> Option<&String> {
        if self.principals.is_empty() {
            return None;
        }
        self.principals.get(&text(host, &PRINCIPAL)?)
    }

    fn by_claim(&self, host: &impl Properties) -> Option<&String> {
        let [metadata, namespaces, namespace] = TOKENS;
        self.claims.iter().find_map(|((payload, name), values)| {
            let path = [metadata, namespaces, namespace, payload, name];
            values.get(&text(host, &path)?)
        })
    }
}

/// A property that is a text.
fn text(host: &impl Properties, path: &[&str]) -> Option<String> {
    String::from_utf8(host.property(path)?).ok()
}
