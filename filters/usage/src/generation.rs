//! What stays of a request for `GET /generation`: OpenRouter's fields, with `null` for what the gateway does not know.

use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;

use crate::json::Object;
use crate::record::Record;

/// A generation, and whose it is: nobody but the account that paid may ask for it. `None` of what was neither paid for
/// nor given.
pub(crate) fn remembered(
    record: &Record<'_>,
    account: &str,
    api_type: &str,
    created: Timestamp,
) -> Option<Vec<u8>> {
    let about = About {
        cost: record.cost?,
        model: record.model?,
        provider: record.provider?,
        created: created.to_string(),
        api_type,
    };
    let mut json = Object::behind(Vec::with_capacity(LENGTH));
    json.member("account", account);
    json.object("data", |data| write(data, record, &about));
    Some(json.finish())
}

/// Most are shorter.
const LENGTH: usize = 1_536;

/// What a generation is beside its record.
struct About<'a> {
    cost: Usd,
    model: &'a str,
    provider: &'a str,
    created: String,
    api_type: &'a str,
}

fn write(data: &mut Object, record: &Record<'_>, about: &About<'_>) {
    let upstream = record.upstream_cost.filter(|_| record.byok);
    data.member("id", record.id)
        .members(r#""upstream_id":null"#)
        .member("total_cost", about.cost)
        .member("usage", about.cost)
        .members(r#""cache_discount":null"#)
        .member("upstream_inference_cost", upstream)
        .member("created_at", about.created.as_str())
        .member("model", about.model)
        .members(r#""app_id":null"#)
        .member("origin", record.app_url.unwrap_or_default())
        .member("http_referer", record.app_url)
        .member("streamed", record.stream)
        .member("cancelled", record.cancelled)
        .member("provider_name", about.provider)
        .member("latency", record.first_byte_ms)
        .members(r#""moderation_latency":null"#)
        .member("generation_time", record.latency_ms)
        .member("finish_reason", record.finish)
        .member("native_finish_reason", record.finish)
        .member("tokens_prompt", record.prompt_tokens)
        .member("tokens_completion", record.completion_tokens)
        .member("native_tokens_prompt", record.prompt_tokens)
        .member("native_tokens_completion", record.completion_tokens)
        .members(r#""native_tokens_completion_images":null"#)
        .member("native_tokens_reasoning", record.reasoning_tokens)
        .member("native_tokens_cached", record.cached_tokens)
        .member("num_media_prompt", record.images)
        .members(r#""num_input_audio_prompt":null,"num_media_completion":null"#)
        .member("num_search_results", record.web_searches)
        .members(r#""num_fetches":null"#)
        .member("is_byok", record.byok)
        .member("api_type", about.api_type)
        .members(UNKNOWN)
        // Ours: whether the tokens are estimated.
        .member("estimated", record.estimated);
}

/// What is the same of every generation.
const UNKNOWN: &str = concat!(
    r#""data_region":"global","external_user":null,"preset_id":null,"provider_responses":null,"#,
    r#""router":null,"service_tier":null,"user_agent":null,"web_search_engine":null,"workspace_id":"default""#,
);
