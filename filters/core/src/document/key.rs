//! `keys`: who may call. `plugins`: what is on for them.

use serde::{Deserialize, Serialize};

use super::{Credential, Identity};
use crate::money::Usd;
use crate::preferences::Preferences;
use crate::timestamp::Timestamp;

/// A caller's key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name in records.
    pub name: String,
    /// SHA-256 of the key, 64 hex digits. The key itself stands nowhere.
    pub hash: String,
    /// How it is shown, such as `sk-or-v1-abc...123`; by its name where there is none.
    pub label: Option<String>,
    /// A disabled key is refused.
    #[serde(default)]
    pub disabled: bool,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it makes and changes other keys, in the place of completions.
    #[serde(default)]
    pub provisioning: bool,
    /// The model of this key's requests that name none, in place of the gateway's.
    pub default_model: Option<String>,
    /// Plugin settings in place of the gateway's.
    #[serde(default)]
    pub plugins: Plugins,
    /// How endpoints are chosen where its requests do not say: as a request's `provider`.
    #[serde(default)]
    pub preferences: Preferences,
    /// The only models that it may use; all by default.
    pub allowed_models: Option<Vec<String>>,
    /// The only providers that it may use, by slug; all by default.
    pub allowed_providers: Option<Vec<String>>,
    /// Whether it may ask why a request would go where it would, with `x-router-explain: true`.
    #[serde(default)]
    pub explain: bool,
    /// Its own accounts at providers: they come before the gateway's. Several of one provider share
    /// its requests.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// As [`Allowance::limit`].
    pub limit: Option<Usd>,
    /// As [`Allowance::limit_reset`].
    #[serde(default)]
    pub limit_reset: LimitReset,
    /// As [`Allowance::include_byok_in_limit`].
    #[serde(default)]
    pub include_byok_in_limit: bool,
    /// As [`Allowance::requests_per_minute`].
    pub requests_per_minute: Option<u32>,
    /// As [`Allowance::tokens_per_minute`].
    pub tokens_per_minute: Option<u32>,
    /// As [`Allowance::free_requests_per_day`].
    pub free_requests_per_day: Option<u32>,
    /// As [`Allowance::budgets`].
    #[serde(default)]
    pub budgets: Vec<Budget>,
}

impl Key {
    /// What it may use up.
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        Allowance {
            limit: self.limit,
            limit_reset: self.limit_reset,
            include_byok_in_limit: self.include_byok_in_limit,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            free_requests_per_day: self.free_requests_per_day,
            budgets: self.budgets.clone(),
        }
    }
}

/// What a key may use up. What stands nowhere is not bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// What it may spend, in USD: in all, or until `limit_reset` comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Usd>,
    /// When what was spent counts as nothing again.
    #[serde(default)]
    pub limit_reset: LimitReset,
    /// Whether what the key's own accounts cost it elsewhere counts against the limit.
    #[serde(default)]
    pub include_byok_in_limit: bool,
    /// How many requests it may begin in any minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// How many tokens its prompts and completions may have in any minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// How many requests for `:free` models it may begin a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_requests_per_day: Option<u32>,
    /// What it may spend on single models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
}

impl Allowance {
    /// Whether there is any bound.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let rates = [
            self.requests_per_minute,
            self.tokens_per_minute,
            self.free_requests_per_day,
        ];
        self.limit.is_some() || rates.iter().any(Option::is_some) || !self.budgets.is_empty()
    }
}

/// What a key may spend on one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The model's id.
    pub model: String,
    /// As [`Allowance::limit`].
    pub limit: Usd,
    /// As [`Allowance::limit_reset`].
    #[serde(default)]
    pub limit_reset: LimitReset,
}

/// When what was spent counts as nothing again (Provisioning API Keys page): at midnight UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitReset {
    /// Never.
    #[default]
    Never,
    /// Of each day.
    Daily,
    /// Of each Monday.
    Weekly,
    /// Of each month's first.
    Monthly,
}

/// The document as `auth` reads it: who may call, and nothing else.
#[derive(Debug, Clone, Deserialize)]
pub struct Callers {
    /// Who may call.
    #[serde(default)]
    pub keys: Vec<Caller>,
    /// Who may call without a key.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// As [`Document::credits`](super::Document::credits).
    #[serde(default)]
    pub credits: Usd,
}

/// A [`Key`] without what other filters make of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Caller {
    /// As [`Key::name`].
    pub name: String,
    /// As [`Key::hash`].
    pub hash: String,
    /// As [`Key::label`].
    pub label: Option<String>,
    /// As [`Key::disabled`].
    #[serde(default)]
    pub disabled: bool,
    /// As [`Key::expires_at`].
    pub expires_at: Option<Timestamp>,
    /// As [`Key::provisioning`].
    #[serde(default)]
    pub provisioning: bool,
    /// As [`Allowance::limit`].
    pub limit: Option<Usd>,
    /// As [`Allowance::limit_reset`].
    #[serde(default)]
    pub limit_reset: LimitReset,
    /// As [`Allowance::include_byok_in_limit`].
    #[serde(default)]
    pub include_byok_in_limit: bool,
    /// As [`Allowance::requests_per_minute`].
    pub requests_per_minute: Option<u32>,
    /// As [`Allowance::tokens_per_minute`].
    pub tokens_per_minute: Option<u32>,
    /// As [`Allowance::free_requests_per_day`].
    pub free_requests_per_day: Option<u32>,
    /// As [`Allowance::budgets`].
    #[serde(default)]
    pub budgets: Vec<Budget>,
}

// Not a flattened `Allowance`, in which errors would not be at the path of their field.
impl Caller {
    /// As [`Key::allowance`].
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        Allowance {
            limit: self.limit,
            limit_reset: self.limit_reset,
            include_byok_in_limit: self.include_byok_in_limit,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            free_requests_per_day: self.free_requests_per_day,
            budgets: self.budgets.clone(),
        }
    }

    /// As what it is shown.
    #[must_use]
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }
}

/// Plugin settings by plugin id (Plugins page: account defaults).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    /// Repair of JSON answers.
    #[serde(rename = "response-healing")]
    pub response_healing: Option<Plugin>,
    /// Web search, by providers that have their own.
    pub web: Option<Plugin>,
}

/// The settings of one plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Whether it works for requests that do not mention it.
    #[serde(default)]
    pub enabled: bool,
    /// Whether requests cannot say otherwise.
    #[serde(default)]
    pub prevent_overrides: bool,
}
