//! The gateway document: what the filters refuse, and what they take but hardly anybody means.

use auth::Auth;
use fallback::Fallback;
use healing::Healing;
use meshrouter_core::document::{Document, DocumentError, Endpoint, Model};
use meshrouter_core::money::Price;
use meshrouter_host::{Filter, Refusal};
use middle_out::MiddleOut;
use normalize::Normalize;
use select::Select;
use serde_json::Value;
use usage::UsageFilter;

use crate::finding::Findings;

/// How a filter reads a document.
type Compile = fn(&[u8]) -> Result<(), Refusal>;

/// All of them.
const FILTERS: [Compile; 7] = [
    compile::<Auth>,
    compile::<Normalize>,
    compile::<Select>,
    compile::<Healing>,
    compile::<UsageFilter>,
    compile::<Fallback>,
    compile::<MiddleOut>,
];

/// What a filter does with the document when Envoy starts.
fn compile<F: Filter>(document: &[u8]) -> Result<(), Refusal> {
    F::settings(document).map(drop)
}

/// Checks a document by itself; returns it where it can be read.
pub(crate) fn check(document: &Value, findings: &mut Findings) -> Option<Document> {
    let json = as_envoy_has_it(document).to_string();
    let refusals = FILTERS.map(|compile| compile(json.as_bytes()).err());
    tell_refusals(refusals.into_iter().flatten(), findings);
    let document = Document::from_json(json.as_bytes()).ok()?;
    check_callers(&document, findings);
    check_models(&document, findings);
    Some(document)
}

/// Where in the document something is.
pub(crate) fn at(path: &str) -> String {
    format!("gateway document: {path}")
}

/// What several filters say stands once.
fn tell_refusals(refusals: impl Iterator<Item = Refusal>, findings: &mut Findings) {
    let mut told: Vec<(DocumentError, Vec<&str>)> = Vec::new();
    for Refusal { filter, error } in refusals {
        match told.iter_mut().find(|(told, _)| *told == error) {
            Some((_, filters)) => filters.push(filter),
            None => told.push((error, vec![filter])),
        }
    }
    for (error, filters) in told {
        let path = match error.path.as_str() {
            "" => "gateway document".to_owned(),
            path => at(path),
        };
        let what = format!("{} (refused by {})", error.message, filters.join(", "));
        let mend = "correct it; README.md lists all fields under \"The gateway document\"";
        findings.error(path, what, mend);
    }
}

fn check_callers(document: &Document, findings: &mut Findings) {
    if document.keys.is_empty() && document.identities.is_empty() {
        let what = "nobody may call: every request but those of the read APIs gets a 401";
        findings.warning(
            at("keys"),
            what,
            "add a key, which `scripts/key NAME` makes",
        );
    }
}

fn check_models(document: &Document, findings: &mut Findings) {
    if document.models.is_empty() {
        let what = "there is no model: every completion gets a 404";
        findings.warning(at("models"), what, "list what is served, and by whom");
    }
    for (n, model) in document.models.iter().enumerate() {
        for (k, endpoint) in model.endpoints.iter().enumerate() {
            if costs_nothing(endpoint) && !is_meant_to_be_free(model) {
                let path = at(&format!("models[{n}].endpoints[{k}].pricing"));
                let what = format!(
                    "`{}` is free at `{}`: every price is 0",
                    model.id, endpoint.provider
                );
                let mend = "set `prompt` and `completion` in USD per token, or give the model an id that ends with `:free`";
                findings.warning(path, what, mend);
            }
        }
    }
}

/// As `usage` tells it for `free_requests_per_day`.
fn is_meant_to_be_free(model: &Model) -> bool {
    model.id.ends_with(":free")
}

fn costs_nothing(endpoint: &Endpoint) -> bool {
    let pricing = &endpoint.pricing;
    let optional = [
        pricing.request,
        pricing.image,
        pricing.web_search,
        pricing.internal_reasoning,
        pricing.input_cache_read,
        pricing.input_cache_write,
    ];
    let mut prices = [pricing.prompt, pricing.completion]
        .into_iter()
        .chain(optional.into_iter().flatten());
    prices.all(|price| price == Price::default())
}

/// The document as filters get it: Envoy has doubles only, and whole ones are written without a fraction.
fn as_envoy_has_it(value: &Value) -> Value {
    /// Up to here doubles have every integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() <= EXACT => {
                Value::from(double as i64)
            }
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(as_envoy_has_it).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), as_envoy_has_it(value)))
                .collect()
        }
        _ => value.clone(),
    }
}
