//! What stays of a request for `GET /generation`: OpenRouter's fields, with `null` for what the gateway does not know.

use meshrouter_core::timestamp::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::Record;

/// A generation, and whose it is.
#[derive(Debug, Serialize)]
pub(crate) struct Remembered<'a> {
    /// The account that paid: nobody else may ask for it.
    pub(crate) account: &'a str,
    pub(crate) data: Generation<'a>,
}

/// A generation.
#[derive(Debug, Serialize)]
pub(crate) struct Generation<'a> {
    id: &'a str,
    upstream_id: Option<&'a str>,
    total_cost: &'a RawValue,
    usage: &'a RawValue,
    cache_discount: Option<()>,
    upstream_inference_cost: Option<&'a RawValue>,
    created_at: Timestamp,
    model: &'a str,
    app_id: Option<()>,
    origin: &'a str,
    http_referer: Option<&'a str>,
    streamed: bool,
    cancelled: bool,
    provider_name: &'a str,
    latency: Option<u64>,
    moderation_latency: Option<()>,
    generation_time: u64,
    finish_reason: Option<&'a str>,
    native_finish_reason: Option<&'a str>,
    tokens_prompt: Option<u64>,
    tokens_completion: Option<u64>,
    native_tokens_prompt: Option<u64>,
    native_tokens_completion: Option<u64>,
    native_tokens_completion_images: Option<()>,
    native_tokens_reasoning: Option<u64>,
    native_tokens_cached: Option<u64>,
    num_media_prompt: u64,
    num_input_audio_prompt: Option<()>,
    num_media_completion: Option<()>,
    num_search_results: Option<u64>,
    num_fetches: Option<()>,
    is_byok: bool,
    api_type: &'static str,
    data_region: &'static str,
    external_user: Option<()>,
    preset_id: Option<()>,
    provider_responses: Option<()>,
    router: Option<()>,
    service_tier: Option<()>,
    user_agent: Option<()>,
    web_search_engine: Option<()>,
    workspace_id: &'static str,
    /// Ours: whether the tokens are estimated.
    estimated: bool,
}

impl<'a> Generation<'a> {
    /// What a record says of an answer that was paid for or given; `None` of all others.
    pub(crate) fn of(record: &'a Record<'a>, api_type: &'static str, created: u64) -> Option<Self> {
        let cost = record.cost.as_deref()?;
        Some(Self {
            id: record.id,
            upstream_id: None,
            total_cost: cost,
            usage: cost,
            cache_discount: None,
            upstream_inference_cost: record.upstream_cost.as_deref().filter(|_| record.byok),
            created_at: Timestamp::from_seconds(created),
            model: record.model?,
            app_id: None,
            origin: record.app_url.unwrap_or_default(),
            http_referer: record.app_url,
            streamed: record.stream,
            cancelled: record.cancelled,
            provider_name: record.provider?,
            latency: record.first_byte_ms,
            moderation_latency: None,
            generation_time: record.latency_ms,
            finish_reason: record.finish,
            native_finish_reason: record.finish,
            tokens_prompt: record.prompt_tokens,
            tokens_completion: record.completion_tokens,
            native_tokens_prompt: record.prompt_tokens,
            native_tokens_completion: record.completion_tokens,
            native_tokens_completion_images: None,
            native_tokens_reasoning: record.reasoning_tokens,
            native_tokens_cached: record.cached_tokens,
            num_media_prompt: record.images,
            num_input_audio_prompt: None,
            num_media_completion: None,
            num_search_results: record.web_searches,
            num_fetches: None,
            is_byok: record.byok,
            api_type,
            data_region: "global",
            external_user: None,
            preset_id: None,
            provider_responses: None,
            router: None,
            service_tier: None,
            user_agent: None,
            web_search_engine: None,
            workspace_id: "default",
            estimated: record.estimated,
        })
    }
}
