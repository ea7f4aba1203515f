//! What stays of a request for `GET /generation`: OpenRouter's fields, with `null` for what the gateway does not know.

use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;

use crate::json::{Object, name};
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
        created,
        api_type,
    };
    let mut json = Object::behind(Vec::with_capacity(LENGTH));
    json.member(name!("account"), account);
    json.object(name!("data"), |data| write(data, record, &about));
    Some(json.finish())
}

/// Most are shorter.
const LENGTH: usize = 1_536;

/// What a generation is beside its record.
struct About<'a> {
    cost: Usd,
    model: &'a str,
    provider: &'a str,
    created: Timestamp,
    api_type: &'a str,
}

fn write(data: &mut Object, record: &Record<'_>, about: &About<'_>) {
    let upstream = record.upstream_cost.filter(|_| record.byok);
    data.member(name!("id"), record.id)
        .members(r#","upstream_id":null"#)
        .member(name!("total_cost"), about.cost)
        .member(name!("usage"), about.cost)
        .members(r#","cache_discount":null"#)
        .member(name!("upstream_inference_cost"), upstream)
        .member(name!("created_at"), about.created)
        .member(name!("model"), about.model)
        .members(r#","app_id":null"#)
        .member(name!("origin"), record.app_url.unwrap_or_default())
        .member(name!("http_referer"), record.app_url)
        .member(name!("streamed"), record.stream)
        .member(name!("cancelled"), record.cancelled)
        .member(name!("provider_name"), about.provider)
        .member(name!("latency"), record.first_byte_ms)
        .members(r#","moderation_latency":null"#)
        .member(name!("generation_time"), record.latency_ms)
        .member(name!("finish_reason"), record.finish)
        .member(name!("native_finish_reason"), record.finish)
        .member(name!("tokens_prompt"), record.prompt_tokens)
        .member(name!("tokens_completion"), record.completion_tokens)
        .member(name!("native_tokens_prompt"), record.prompt_tokens)
        .member(name!("native_tokens_completion"), record.completion_tokens)
        .members(r#","native_tokens_completion_images":null"#)
        .member(name!("native_tokens_reasoning"), record.reasoning_tokens)
        .member(name!("native_tokens_cached"), record.cached_tokens)
        .member(name!("num_media_prompt"), record.images)
        .members(r#","num_input_audio_prompt":null,"num_media_completion":null"#)
        .member(name!("num_search_results"), record.web_searches)
        .members(r#","num_fetches":null"#)
        .member(name!("is_byok"), record.byok)
        .member(name!("api_type"), about.api_type)
        .members(UNKNOWN)
        // Ours: whether the tokens are estimated.
        .member(name!("estimated"), record.estimated);
}

/// What is the same of every generation.
const UNKNOWN: &str = concat!(
    r#","data_region":"global","external_user":null,"preset_id":null,"provider_responses":null,"#,
    r#""router":null,"service_tier":null,"user_agent":null,"web_search_engine":null,"workspace_id":"default""#,
);
