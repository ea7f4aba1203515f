//! What callers say of a key. Fields that are not known say nothing, as at OpenRouter.

use meshrouter_core::ApiError;
use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::document::{self, LimitReset};
use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// The longest name, in characters.
const MAX_NAME: usize = 256;

/// A key that is to be made.
#[derive(Debug, Deserialize)]
pub(super) struct NewKey {
    #[serde(default)]
    pub(super) name: String,
    pub(super) limit: Option<Usd>,
    pub(super) limit_reset: Option<LimitReset>,
    pub(super) include_byok_in_limit: Option<bool>,
    pub(super) expires_at: Option<Timestamp>,
}

impl NewKey {
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let key: Self = read(body)?;
        check_name(&key.name)?;
        Ok(key)
    }
}

/// What is to be different with a key; what is not mentioned stays.
#[derive(Debug, Deserialize)]
pub(super) struct Changes {
    name: Option<String>,
    disabled: Option<bool>,
    #[serde(default, deserialize_with = "mentioned")]
    limit: Option<Option<Usd>>,
    #[serde(default, deserialize_with = "mentioned")]
    limit_reset: Option<Option<LimitReset>>,
    include_byok_in_limit: Option<bool>,
    /// Not at OpenRouter, where it would be ignored.
    #[serde(default, deserialize_with = "mentioned")]
    pub(super) expires_at: Option<Option<Timestamp>>,
}

impl Changes {
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let changes: Self = read(body)?;
        changes.name.as_deref().map_or(Ok(()), check_name)?;
        Ok(changes)
    }

    pub(super) fn apply(&self, key: &mut CreatedKey) {
        if let Some(name) = &self.name {
            key.name.clone_from(name);
        }
        key.disabled = self.disabled.unwrap_or(key.disabled);
        key.limit = self.limit.unwrap_or(key.limit);
        if let Some(reset) = self.limit_reset {
            key.limit_reset = reset.unwrap_or_default();
        }
        let include = self.include_byok_in_limit;
        key.include_byok_in_limit = include.unwrap_or(key.include_byok_in_limit);
        key.expires_at = self.expires_at.unwrap_or(key.expires_at);
    }
}

/// A field that is there, `null` or not.
fn mentioned<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads an object; errors name the field.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        let message = format!("The request body is not valid JSON: {error}.");
        return Err(ApiError::new(400, message));
    }
    // Also an array of values would do for a type.
    if body.trim_ascii_start().first() != Some(&b'{') {
        let message = "The request body must be a JSON object, such as {\"name\": \"Customer 1\"}.";
        return Err(ApiError::new(400, message));
    }
    document::from_json(body).map_err(|error| {
        let message = format!("`{}`: {}", error.path, error.message);
        ApiError::bad_field(error.path, message)
    })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() {
        let message =
            "`name` is missing or empty: expected what to call the key, such as \"Customer 1\".";
        return Err(ApiError::bad_field("name", message));
    }
    if name.chars().count() > MAX_NAME {
        let message = format!("`name` must not have more than {MAX_NAME} characters.");
        return Err(ApiError::bad_field("name", message));
    }
    Ok(())
}
