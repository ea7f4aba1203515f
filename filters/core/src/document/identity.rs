//! `identities`: who may call by what the mesh says of them, without a key.

use serde::Deserialize;

/// Somebody whom Envoy has authenticated, and the key whose policy holds for them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The URI in the certificate of a caller over mutual TLS: `spiffe://cluster.local/ns/shop/sa/web`.
    pub principal: Option<String>,
    /// What a token says that Envoy's `jwt_authn` has verified.
    pub claim: Option<Claim>,
    /// The name of a key of the document.
    pub key: String,
}

/// A claim of a JSON Web Token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name, such as `sub`.
    pub name: String,
    /// What it says; a string.
    pub value: String,
    /// Where `jwt_authn` leaves the tokens of this issuer: its `payload_in_metadata`.
    #[serde(default = "payload")]
    pub payload: String,
}

/// What Istio's `jwt_authn` leaves it under.
fn payload() -> String {
    "payload".to_owned()
}
