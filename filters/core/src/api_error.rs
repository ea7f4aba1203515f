//! Errors as callers see them: `{"error": {"code", "message", "metadata"}}`, as OpenRouter documents.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::money::Usd;

/// An error for a caller: an HTTP status and a body that says what was wrong, where, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status; also `error.code` in the body.
    pub status: u16,
    /// For people: what was wrong, what was expected, how to mend it.
    pub message: String,
    /// For programs: the field, the provider, the provider's own words. Boxed, so that where an error
    /// may be returned not every success is as large as one.
    pub metadata: Box<Metadata>,
}

/// The machine-readable part of an [`ApiError`]. Empty fields are left out of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Path of the request field at fault, such as `messages[2].role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The provider whose error this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_name: Option<String>,
    /// The provider's own error body, bounded and without credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// What is left of the limit that the request would break, in USD.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "number")]
    pub limit_remaining: Option<Usd>,
    /// Why the endpoints were left out, where none was left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What was tried before this error, for keys that may ask why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Tried>,
}

/// As a JSON number with all its digits.
fn number<S: Serializer>(amount: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = amount.map(|amount| amount.to_string());
    let number = text.and_then(|text| RawValue::from_string(text).ok());
    number.serialize(serializer)
}

/// One attempt that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The router's id of the model.
    pub model: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// Whether it was asked on the caller's own account.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// The provider's status; `null` where it gave none.
    pub status: Option<u16>,
    /// What was wrong, in one word.
    pub reason: &'static str,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// Why an endpoint is left out of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The router's id of the model.
    pub model: String,
    /// The endpoint's tag.
    pub endpoint: String,
    /// The constraint that it does not meet, for programs.
    pub constraint: &'static str,
    /// The same for people.
    pub reason: String,
}

impl ApiError {
    /// An error with a status and a message only.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            metadata: Box::default(),
        }
    }

    /// A 400 for one field of the request.
    #[must_use]
    pub fn bad_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(400, message);
        error.metadata.field = Some(field.into());
        error
    }

    /// The error as a JSON body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        [br#"{"error":"#, self.object().as_slice(), b"}"].concat()
    }

    /// The error object alone, as JSON.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Object<'a> {
            code: u16,
            message: &'a str,
            #[serde(skip_serializing_if = "is_empty")]
            metadata: &'a Metadata,
        }
        fn is_empty(metadata: &Metadata) -> bool {
            *metadata == Metadata::default()
        }
        let object = Object {
            code: self.status,
            message: &self.message,
            metadata: &self.metadata,
        };
        // Strings and an integer: serialisation cannot fail.
        serde_json::to_vec(&object).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_the_documented_shape() {
        let error = ApiError::bad_field("messages[0].role", "`messages[0].role` must be a string");
        let body: serde_json::Value = serde_json::from_slice(&error.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"error": {
                "code": 400,
                "message": "`messages[0].role` must be a string",
                "metadata": {"field": "messages[0].role"}
            }})
        );
    }

    #[test]
    fn empty_metadata_is_left_out() {
        let body = String::from_utf8(ApiError::new(401, "No key").body()).unwrap();
        assert_eq!(body, r#"{"error":{"code":401,"message":"No key"}}"#);
    }
}
