//! `GET /generation`: OpenRouter's fields, with `null` for what the gateway does not know.

use std::collections::BTreeMap;

use meshrouter_core::ApiError;
use meshrouter_host::{Host, Reply};
use meshrouter_ledger::generation;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::caller::Caller;

/// The generation of an id: to whoever paid for it, and to provisioning keys.
///
/// # Errors
/// 404 for one that is not remembered.
pub(super) fn reply(host: &impl Host, caller: &Caller<'_>, id: &str) -> Result<Reply, ApiError> {
    let json = generation::json(host.shared(&generation::key(id)).0).unwrap_or_default();
    let found = serde_json::from_slice::<Remembered<'_>>(&json).ok();
    let may_see = |account: &str| caller.is_provisioning() || caller.account().id() == account;
    match found.filter(|found| may_see(&found.account) && found.is(id)) {
        Some(found) => Ok(super::data(found)),
        None => {
            let message = format!(
                "No generation `{id}` of this key is remembered. The gateway keeps some thousands, the latest; \
                 all of them are in its access log."
            );
            Err(ApiError::new(404, message))
        }
    }
}

/// What `usage` left of it: whose it is, and its record as the access log has it.
#[derive(Debug, Deserialize)]
struct Remembered<'a> {
    account: String,
    api_type: String,
    created_at: String,
    #[serde(borrow)]
    record: BTreeMap<&'a str, &'a RawValue>,
}

/// OpenRouter's names of what stands in the record.
const RECORDED: &[(&str, &str)] = &[
    ("id", "id"),
    ("total_cost", "cost"),
    ("usage", "cost"),
    ("model", "model"),
    ("http_referer", "app_url"),
    ("streamed", "stream"),
    ("cancelled", "cancelled"),
    ("provider_name", "provider"),
    ("latency", "first_byte_ms"),
    ("generation_time", "latency_ms"),
    ("finish_reason", "finish"),
    ("native_finish_reason", "finish"),
    ("tokens_prompt", "prompt_tokens"),
    ("tokens_completion", "completion_tokens"),
    ("native_tokens_prompt", "prompt_tokens"),
    ("native_tokens_completion", "completion_tokens"),
    ("native_tokens_reasoning", "reasoning_tokens"),
    ("native_tokens_cached", "cached_tokens"),
    ("num_media_prompt", "images"),
    ("num_search_results", "web_searches"),
    ("is_byok", "byok"),
    // Ours: whether the tokens are estimated.
    ("estimated", "estimated"),
];

/// What nobody knows of any generation.
const UNKNOWN: &[&str] = &[
    "upstream_id",
    "cache_discount",
    "app_id",
    "moderation_latency",
    "native_tokens_completion_images",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_fetches",
    "external_user",
    "preset_id",
    "provider_responses",
    "router",
    "service_tier",
    "user_agent",
    "web_search_engine",
];

impl Remembered<'_> {
    /// A member of the record, where it is known.
    fn recorded(&self, name: &str) -> Option<&RawValue> {
        let value = self.record.get(name).copied();
        value.filter(|value| value.get() != "null")
    }

    /// Whether it has this id: another one may have taken its place.
    fn is(&self, id: &str) -> bool {
        let known = self.recorded("id").map(RawValue::get);
        known.is_some_and(|known| serde_json::from_str::<String>(known).is_ok_and(|own| own == id))
    }
}

impl Serialize for Remembered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, recorded) in RECORDED {
            map.serialize_entry(name, &self.recorded(recorded))?;
        }
        // Only of the caller's own account it is said what the provider takes.
        let is_byok = self.recorded("byok").map(RawValue::get) == Some("true");
        let upstream = self.recorded("upstream_cost").filter(|_| is_byok);
        map.serialize_entry("upstream_inference_cost", &upstream)?;
        match self.recorded("app_url") {
            Some(url) => map.serialize_entry("origin", url)?,
            None => map.serialize_entry("origin", "")?,
        }
        map.serialize_entry("created_at", &self.created_at)?;
        map.serialize_entry("api_type", &self.api_type)?;
        map.serialize_entry("data_region", "global")?;
        map.serialize_entry("workspace_id", "default")?;
        for name in UNKNOWN {
            map.serialize_entry(name, &())?;
        }
        map.end()
    }
}
