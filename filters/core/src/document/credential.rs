//! `keys[].credentials`: the accounts at providers that a key brings along.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A key's own account at a provider.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The provider's slug.
    pub provider: String,
    /// What the provider wants to see; without it, Envoy adds that on `cluster`.
    pub secret: Option<Secret>,
    /// The only models that it serves, by id or alias; all of the provider's by default.
    pub models: Option<Vec<String>>,
    /// Whether its requests never go to the gateway's own account at this provider.
    #[serde(default)]
    pub always: bool,
    /// The header that carries the secret; the provider's `credential_header` by default.
    pub header: Option<String>,
    /// The Envoy cluster of an endpoint of its own; the provider's by default.
    pub cluster: Option<String>,
    /// The `:authority` there; the name of its own cluster, or the provider's, by default.
    pub authority: Option<String>,
    /// The path of chat completions there; the endpoint's by default. `{model}` stands for the model.
    pub path: Option<String>,
    /// The provider's name of the model there, such as a deployment's; the endpoint's by default.
    pub model: Option<String>,
}

/// What nobody but a provider may see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the provider.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Reads strings; an error about anything else does not repeat it, as serde's own would.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
                Err(E::invalid_type(Unexpected::Other("boolean"), &self))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::invalid_type(Unexpected::Other("number"), &self))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::invalid_type(Unexpected::Other("number"), &self))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::invalid_type(Unexpected::Other("number"), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
