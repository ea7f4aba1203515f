//! The names that filters and configuration share: headers, properties, metrics.
//!
//! Each stands here once, so that no two filters can disagree about one.

/// The cluster of attempts that ask nobody, in the native shape: there `fallback` has its last word.
pub const NOBODY: &str = "nobody";

/// Headers between the filters, and Envoy's own that steer its router.
pub mod header {
    /// Every header with this prefix is the router's own: stripped at ingress, before a provider
    /// and before the caller, whoever sent it.
    pub const INTERNAL_PREFIX: &str = "x-meshrouter-";
    /// Envoy's control headers: a caller may not set them.
    pub const ENVOY_PREFIX: &str = "x-envoy-";
    /// Where providers and the gateway take credentials, as `Bearer …`.
    pub const AUTHORIZATION: &str = "authorization";
    /// `select` → attempt chain: the ordered candidates, see [`Plan`](crate::Plan).
    pub const PLAN: &str = "x-meshrouter-plan";
    /// `normalize` → attempt chain: what an attempt must know, see
    /// [`AttemptRequest`](crate::AttemptRequest).
    pub const REQUEST: &str = "x-meshrouter-request";
    /// In the native shape, `select` → the edge's route: where each attempt goes, see
    /// [`groups`](crate::groups).
    pub const GROUPS: &str = "x-meshrouter-groups";
    /// `fallback` → the attempt chain's route: the cluster of the chosen provider.
    pub const CLUSTER: &str = "x-meshrouter-cluster";
    /// `fallback` → the edge: who answered, see [`Outcome`](crate::Outcome).
    ///
    /// Also the edge's retry rule: a response *without* it is tried elsewhere. Not the other way
    /// round, because Envoy's own reply to a provider that breaks off while `fallback` holds its
    /// headers passes no filter of the attempt chain.
    pub const OUTCOME: &str = "x-meshrouter-outcome";
    /// `middle-out` → `fallback`, on its own reply: not even what must stay of the prompt fits.
    pub const UNFIT: &str = "x-meshrouter-unfit";
    /// From the caller: `true` asks for the plan in the place of an answer.
    pub const EXPLAIN: &str = "x-router-explain";
    /// To the caller: how many attempts the answer, or the error, took.
    pub const ATTEMPTS: &str = "x-router-attempts";
    /// To the caller: what became of an answer that was to be repaired, and by which repairs:
    /// `repaired;trailing_comma,unquoted_key`.
    pub const HEALING: &str = "x-router-healing";
    /// How many retries Envoy's router may make for this request.
    pub const ENVOY_MAX_RETRIES: &str = "x-envoy-max-retries";
    /// After how many milliseconds an attempt counts as too slow.
    pub const ENVOY_PER_TRY_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";
    /// Which attempt this is, counted from 1 by Envoy's router.
    pub const ENVOY_ATTEMPT_COUNT: &str = "x-envoy-attempt-count";
}

/// Properties that one filter of a chain leaves for the later ones.
///
/// Envoy shows them to access logs as `%FILTER_STATE(wasm.<name>:PLAIN)%`.
pub mod property {
    /// `auth`: whose request it is and who pays, an [`Account`](crate::account::Account).
    pub const KEY: &str = "meshrouter.key";
    /// `normalize`: the request's [`Facts`](crate::Facts).
    pub const FACTS: &str = "meshrouter.facts";
    /// In the native shape, `fallback` of the first attempt → `fallback` of the others: the request's headers, of which
    /// a provider's have taken the place.
    pub const CARRIED: &str = "meshrouter.carried";
    /// `fallback` → `middle-out`: the [`Attempt`](crate::facts::Attempt), where its prompt is to be compressed.
    pub const ATTEMPT: &str = "meshrouter.attempt";
    /// `middle-out` → `fallback`: there, where the prompt was compressed.
    pub const COMPRESSED: &str = "meshrouter.compressed";
    /// `normalize` → `healing`: the [`shapes`](crate::shapes) that the answer should have, as JSON; only where it is to be repaired.
    pub const SHAPES: &str = "meshrouter.shapes";
    /// `healing` → `usage`: what became of the answer's JSON, as the header
    /// [`HEALING`](super::header::HEALING) says it.
    pub const HEALING: &str = "meshrouter.healing";
    /// `usage`: the access-log record, one JSON object.
    pub const RECORD: &str = "meshrouter.record";

    /// Whether a property never leaves its chain's stream: neither Envoy reads it nor another attempt.
    #[must_use]
    pub fn is_between_filters(name: &str) -> bool {
        matches!(name, KEY | FACTS | ATTEMPT | COMPRESSED | SHAPES | HEALING)
    }
}

/// What spans say, where the document asks for it: properties that `envoy/tracing.yaml` makes attributes of the same names.
///
/// Those of `gen_ai` and `error` are OpenTelemetry's, by its conventions for generative AI. `fallback` writes the first six for
/// its attempt, `usage` the first three and all after the reason for the whole request.
pub mod attribute {
    /// What is done: `chat`, `text_completion` or `embeddings`.
    pub const OPERATION: &str = "gen_ai.operation.name";
    /// The model that was asked for, of an attempt that which it asked.
    pub const REQUEST_MODEL: &str = "gen_ai.request.model";
    /// The slug of the provider.
    pub const PROVIDER: &str = "gen_ai.provider.name";
    /// What became of an attempt, as the counter [`ATTEMPTS`](super::metric::ATTEMPTS) says it.
    pub const VERDICT: &str = "meshrouter.verdict";
    /// Whom an attempt asked, as a plan writes it: `model@endpoint`; [`NOBODY`](super::NOBODY) where it has the last word.
    pub const CANDIDATE: &str = "meshrouter.candidate";
    /// Why an attempt failed, in one word; empty where it did not.
    pub const REASON: &str = "meshrouter.reason";
    /// The status of a request that was not answered. Of an attempt it is the reason, but for the native shape.
    pub const ERROR: &str = "error.type";
    /// The generation's id.
    pub const RESPONSE_ID: &str = "gen_ai.response.id";
    /// The model that served.
    pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
    /// The finish reason.
    pub const FINISH: &str = "gen_ai.response.finish_reasons";
    /// Tokens of the prompt.
    pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    /// Of these, from the provider's cache.
    pub const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
    /// Of these, written to the provider's cache.
    pub const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
    /// Tokens of the completion.
    pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    /// Of these, reasoning.
    pub const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
    /// Attempts made.
    pub const ATTEMPTS: &str = "meshrouter.attempts";
    /// What the caller pays, in USD.
    pub const COST: &str = "meshrouter.cost";
    /// The name of the caller's key. Not `meshrouter.key`: that is [`auth`'s](super::property::KEY).
    pub const KEY_NAME: &str = "meshrouter.key_name";
}

/// Metric names. Labels follow as `;name=value`, see [`label`](metric::label).
pub mod metric {
    /// Requests by model, provider and status.
    pub const REQUESTS: &str = "meshrouter_requests_total";
    /// Requests that another than the first of their plan answered, by model and provider.
    pub const FALLBACKS: &str = "meshrouter_fallbacks_total";
    /// What requests that go on may still cost, in nano-dollars.
    pub const RESERVED: &str = "meshrouter_reserved_nanodollars";
    /// From the request's headers to the end of the answer, by model and provider: OpenTelemetry's
    /// `gen_ai.server.request.duration`.
    pub const DURATION: &str = "gen_ai_server_request_duration_milliseconds";
    /// To the first token of a stream: `gen_ai.server.time_to_first_token`.
    pub const FIRST_TOKEN: &str = "gen_ai_server_time_to_first_token_milliseconds";
    /// Between the tokens of a stream behind the first: `gen_ai.server.time_per_output_token`. Milliseconds would be
    /// too coarse.
    pub const PER_TOKEN: &str = "gen_ai_server_time_per_output_token_microseconds";
    /// Tokens by model, provider and type: `input` and `output`; of the former `cached` and `cache_write`, of the latter
    /// `reasoning`.
    pub const TOKENS: &str = "meshrouter_tokens_total";
    /// Cost in nano-dollars by model and provider.
    pub const COST: &str = "meshrouter_cost_nanodollars_total";
    /// Requests that may not begin, by the limit that they would break.
    pub const LIMITED: &str = "meshrouter_limited_total";
    /// Calls to the store, by result.
    pub const STORE_CALLS: &str = "meshrouter_store_calls_total";
    /// Balances written to the store.
    pub const STORE_WRITTEN: &str = "meshrouter_store_written_total";
    /// 1 while the store answers, else 0.
    pub const STORE_UP: &str = "meshrouter_store_up";
    /// Attempts by provider and verdict, from `fallback`.
    pub const ATTEMPTS: &str = "meshrouter_attempts_total";
    /// Cool-downs that began, by model and provider, from `fallback`.
    pub const COOL_DOWNS: &str = "meshrouter_cooldowns_total";

    /// A metric's name with its labels, in the form that the shipped `stats_tags` take apart:
    /// `name;label=value;label=value`.
    #[must_use]
    pub fn label(name: &str, labels: &[(&str, &str)]) -> String {
        let mut text = String::from(name);
        for (label, value) in labels {
            text.push(';');
            text.push_str(label);
            text.push('=');
            // A `;` in a value would start another label.
            match value.contains(';') {
                true => text.push_str(&value.replace(';', "_")),
                false => text.push_str(value),
            }
        }
        text
    }
}
