//! `GET /models/{author}/{slug}/endpoints`: who serves a model, and how it goes there now.

use std::collections::BTreeMap;

use meshrouter_core::Catalog;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::document::{self, Auto};
use meshrouter_core::health::{Board, REPORTED_SECONDS, Vitals};
use meshrouter_core::money::Price;
use meshrouter_core::slug::Variants;
use serde::Serialize;

use super::auto;
use super::schema::{Data, Modalities, Prices, json};
use super::tagged::Tagged;

#[derive(Serialize)]
struct List<'a> {
    id: &'a str,
    name: &'a str,
    created: u64,
    description: &'a str,
    architecture: Modalities<'a>,
    endpoints: Vec<Entry<'a>>,
}

/// An endpoint, with all that OpenRouter's own SDK insists on.
#[derive(Serialize)]
struct Entry<'a> {
    name: String,
    model_id: &'a str,
    model_name: &'a str,
    context_length: u64,
    pricing: Prices,
    provider_name: &'a str,
    tag: &'a str,
    quantization: &'static str,
    /// Flex or priority: endpoints have no such tiers.
    service_tier: Option<()>,
    max_completion_tokens: Option<u64>,
    /// What bounds a prompt is the context alone.
    max_prompt_tokens: Option<u64>,
    supported_parameters: &'a [String],
    supports_tool_choice: ToolChoice,
    /// Tools that the provider itself runs.
    native_tools: BTreeMap<String, ()>,
    supports_implicit_caching: bool,
    /// Of transcriptions, which are not served.
    supports_diarization: bool,
    #[serde(flatten)]
    live: Live,
}

/// The forms of `tool_choice`.
#[derive(Serialize)]
struct ToolChoice {
    auto: bool,
    function: bool,
    none: bool,
    required: bool,
}

/// How it goes at an endpoint now.
#[derive(Debug, Serialize)]
struct Live {
    status: i32,
    /// Percent.
    uptime_last_30m: Option<f64>,
    /// Health records have no windows of these lengths.
    uptime_last_5m: Option<f64>,
    uptime_last_1d: Option<f64>,
    /// Milliseconds to the first token.
    latency_last_30m: Option<Percentiles>,
    /// Tokens a second.
    throughput_last_30m: Option<Percentiles>,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: f64,
    p75: f64,
    p90: f64,
    p99: f64,
}

/// Nothing speaks against the endpoint. OpenRouter documents which values there are (0, -1, -2, -3,
/// -5, -10), and not what they mean; here, less is worse. These take the mildest, because either
/// ends by itself, within a minute.
const GOOD: i32 = 0;
/// It had a significant outage in the last 30 seconds: it is asked after the others.
const AILING: i32 = -1;
/// It asked for a pause, or failed so that it needs one: it is asked last.
const COOLING: i32 = -2;

/// The endpoints of a model that is asked for with these variants. `now` is in Unix milliseconds.
pub(super) fn body(
    catalog: &Catalog,
    model: &Model,
    variants: Variants,
    board: &Board,
    now: u64,
) -> Tagged {
    let entry = &model.entry;
    let endpoints = entry.endpoints.iter().zip(&model.endpoints);
    let list = List {
        id: &entry.id,
        name: name(model),
        created: entry.created,
        description: &entry.description,
        architecture: (&entry.architecture).into(),
        endpoints: endpoints
            .filter(|(_, endpoint)| endpoint.exacto || !variants.exacto)
            .map(|(written, endpoint)| {
                let live = Live::of(board.vitals(endpoint.hash), now);
                of_endpoint(catalog, model, written, endpoint, live)
            })
            .collect(),
    };
    Tagged::json(json(&Data { data: list }))
}

/// The auto router has no endpoints of its own, which is what the list says: it is a model of the
/// model list, whose link must lead somewhere.
pub(super) fn of_auto(catalog: &Catalog, pool: &Auto) -> Tagged {
    let auto = auto::Entry::new(catalog, pool);
    let list = List {
        id: auto.id,
        name: auto.name,
        created: 0,
        description: &auto.description,
        architecture: (&auto.architecture).into(),
        endpoints: Vec::new(),
    };
    Tagged::json(json(&Data { data: list }))
}

/// An endpoint and its entry in the document.
fn of_endpoint<'a>(
    catalog: &'a Catalog,
    model: &'a Model,
    written: &'a document::Endpoint,
    endpoint: &'a Endpoint,
    live: Live,
) -> Entry<'a> {
    let provider = catalog.provider(&endpoint.provider);
    let provider_name = provider.map_or(&*endpoint.provider, |provider| &provider.name);
    let id = &model.entry.id;
    let parameters = written.supported_parameters.as_ref();
    let chooses = endpoint.lists("tool_choice");
    let pricing = &endpoint.pricing;
    Entry {
        name: format!("{provider_name} | {id}"),
        model_id: id,
        model_name: name(model),
        context_length: endpoint.context_length,
        pricing: pricing.into(),
        provider_name,
        tag: &endpoint.tag,
        quantization: endpoint.quantization.name(),
        service_tier: None,
        max_completion_tokens: endpoint.max_completion_tokens,
        max_prompt_tokens: None,
        supported_parameters: parameters.unwrap_or(&model.entry.supported_parameters),
        supports_tool_choice: ToolChoice {
            auto: chooses,
            function: chooses,
            none: chooses,
            required: chooses,
        },
        native_tools: BTreeMap::new(),
        // What is read from the cache has a price, and nobody pays for having it put there: so nobody
        // has to ask for it either.
        supports_implicit_caching: pricing.input_cache_read.is_some()
            && pricing.input_cache_write.unwrap_or_default() == Price::default(),
        supports_diarization: false,
        live,
    }
}

fn name(model: &Model) -> &str {
    let entry = &model.entry;
    entry.name.as_deref().unwrap_or(&entry.id)
}

impl Live {
    fn of(vitals: Vitals<'_>, now: u64) -> Self {
        let status = if vitals.cooling_until(now).is_some() {
            COOLING
        } else if vitals.recent(now).is_outage() {
            AILING
        } else {
            GOOD
        };
        Self {
            status,
            uptime_last_30m: vitals.half_hour(now).uptime(),
            uptime_last_5m: None,
            uptime_last_1d: None,
            latency_last_30m: Percentiles::of(|percent| {
                vitals.latency(now, REPORTED_SECONDS, percent)
            }),
            // The 90th percentile of a speed is what nine of ten answers reach, not what one exceeds.
            throughput_last_30m: Percentiles::of(|percent| {
                vitals.throughput(now, REPORTED_SECONDS, 100 - percent)
            }),
        }
    }
}

impl Percentiles {
    fn of(percentile: impl Fn(u32) -> Option<f64>) -> Option<Self> {
        Some(Self {
            p50: percentile(50)?,
            p75: percentile(75)?,
            p90: percentile(90)?,
            p99: percentile(99)?,
        })
    }
}
