//! From the document as it is written to the catalog: every check that needs more than one field.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;

use super::{Catalog, Endpoint, Index, Model, Paths, Provider, paths};
use crate::document::{self, Auto, Document, DocumentError, Timeouts};
use crate::health::EndpointHash;
use crate::names::header::{AUTHORIZATION, ENVOY_PREFIX, INTERNAL_PREFIX};
use crate::parameters::ParameterSet;
use crate::preferences::DataCollection;
use crate::tokens::Family;

impl Catalog {
    /// Checks a document's providers and models and indexes them.
    ///
    /// # Errors
    /// The path of the first field that contradicts another or cannot be used.
    pub fn compile(document: Document) -> Result<Self, DocumentError> {
        let mut providers = BTreeMap::new();
        let mut policies = BTreeMap::new();
        let timeouts = document.timeouts.over(Timeouts::usual());
        for (slug, provider) in document.providers {
            let path = format!("providers.{slug}");
            check_slug(&path, &slug)?;
            let policy = Policy {
                data_collection: provider.data_collection,
                zdr: provider.zdr,
                timeouts: provider.timeouts.over(timeouts),
            };
            policies.insert(slug.clone(), policy);
            providers.insert(slug.clone(), compile_provider(&path, slug, provider)?);
        }
        let mut models = Vec::with_capacity(document.models.len());
        for (n, entry) in document.models.into_iter().enumerate() {
            let path = format!("models[{n}]");
            check_id(&format!("{path}.id"), &entry.id)?;
            let endpoints = compile_endpoints(&path, &entry, &providers, &policies)?;
            models.push(Model { entry, endpoints });
        }
        let index = compile_index(&models)?;
        if let Some(auto) = &document.auto {
            check_auto(auto, &index)?;
        }
        Ok(Self {
            models,
            index,
            providers,
            auto: document.auto,
            byok_fee: document.byok_fee,
        })
    }
}

/// The auto router picks from models that there are.
fn check_auto(auto: &Auto, models: &Index) -> Result<(), DocumentError> {
    if auto.models.is_empty() {
        return Err(DocumentError::new(
            "auto.models",
            "needs at least one model",
        ));
    }
    for (n, model) in auto.models.iter().enumerate() {
        if !models.contains_key(&model.id) {
            let message = format!("there is no model `{}`", model.id);
            return Err(DocumentError::new(format!("auto.models[{n}].id"), message));
        }
        let ratings = [model.quality]
            .into_iter()
            .chain(model.strengths.values().copied());
        if ratings.max() > Some(100) {
            let message = "ratings are points from 0 to 100";
            return Err(DocumentError::new(format!("auto.models[{n}]"), message));
        }
    }
    Ok(())
}

/// Where each id and each alias stands. All of them must be told from each other.
fn compile_index(models: &[Model]) -> Result<Index, DocumentError> {
    let mut index = Index::with_capacity_and_hasher(models.len(), BuildHasherDefault::default());
    for (n, model) in models.iter().enumerate() {
        if index.insert(model.entry.id.clone(), n).is_some() {
            let path = format!("models[{n}].id");
            return Err(DocumentError::new(path, "this id stands twice"));
        }
    }
    for (n, model) in models.iter().enumerate() {
        for (k, alias) in model.entry.aliases.iter().enumerate() {
            if alias.is_empty() || index.insert(alias.clone(), n).is_some() {
                let message = format!("`{alias}` already names a model, or nothing");
                let path = format!("models[{n}].aliases[{k}]");
                return Err(DocumentError::new(path, message));
            }
        }
    }
    Ok(index)
}

fn compile_provider(
    path: &str,
    slug: String,
    provider: document::Provider,
) -> Result<Provider, DocumentError> {
    check_header(&format!("{path}.cluster"), &provider.cluster)?;
    let paths = [
        ("path", provider.path, "/v1/chat/completions"),
        (
            "completions_path",
            provider.completions_path,
            "/v1/completions",
        ),
        (
            "embeddings_path",
            provider.embeddings_path,
            "/v1/embeddings",
        ),
    ];
    let paths = paths.map(|(name, own, usual)| {
        let own = own.unwrap_or_else(|| usual.to_owned());
        paths::check(&format!("{path}.{name}"), &own)?;
        Ok(own)
    });
    let [chat, completions, embeddings] = paths;
    let authorization = || AUTHORIZATION.to_owned();
    let credential_header = provider.credential_header.unwrap_or_else(authorization);
    if credential_header != AUTHORIZATION {
        check_header_name(&format!("{path}.credential_header"), &credential_header)?;
    }
    let mut forward_headers = BTreeMap::new();
    for (from, to) in provider.forward_headers {
        let path = format!("{path}.forward_headers.{from}");
        for name in [&from, &to] {
            check_header_name(&path, name)?;
        }
        if to == credential_header {
            let message = format!("`{to}` holds the provider's credential");
            return Err(DocumentError::new(path, message));
        }
        forward_headers.insert(from, to);
    }
    let authority = provider
        .authority
        .unwrap_or_else(|| provider.cluster.clone());
    check_header(&format!("{path}.authority"), &authority)?;
    Ok(Provider {
        name: provider.name.unwrap_or(slug),
        cluster: provider.cluster,
        authority,
        credential_header,
        forward_headers,
        pages: [
            provider.privacy_policy_url,
            provider.terms_of_service_url,
            provider.status_page_url,
        ],
        paths: [chat?, completions?, embeddings?],
    })
}

/// What holds for all endpoints of a provider, unless they say otherwise.
struct Policy {
    data_collection: DataCollection,
    zdr: bool,
    timeouts: Timeouts,
}

/// By slug.
type Policies = BTreeMap<String, Policy>;

fn compile_endpoints(
    path: &str,
    entry: &document::Model,
    providers: &BTreeMap<String, Provider>,
    policies: &Policies,
) -> Result<Vec<Endpoint>, DocumentError> {
    if entry.endpoints.is_empty() {
        return Err(DocumentError::new(
            format!("{path}.endpoints"),
            "a model needs at least one endpoint",
        ));
    }
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(entry.endpoints.len());
    for (n, endpoint) in entry.endpoints.iter().enumerate() {
        let path = format!("{path}.endpoints[{n}]");
        let compiled = compile_endpoint(&path, entry, endpoint, providers, policies)?;
        if endpoints.iter().any(|other| other.tag == compiled.tag) {
            let message =
                "this provider serves the model twice: a `variant` tells its endpoints apart";
            return Err(DocumentError::new(format!("{path}.provider"), message));
        }
        endpoints.push(compiled);
    }
    Ok(endpoints)
}

fn compile_endpoint(
    path: &str,
    entry: &document::Model,
    endpoint: &document::Endpoint,
    providers: &BTreeMap<String, Provider>,
    policies: &Policies,
) -> Result<Endpoint, DocumentError> {
    let known = providers.get(&endpoint.provider);
    let known = known.zip(policies.get(&endpoint.provider));
    let Some((provider, policy)) = known else {
        let known: Vec<&str> = policies.keys().map(String::as_str).collect();
        return Err(DocumentError::new(
            format!("{path}.provider"),
            format!(
                "no provider `{}`; known: {}",
                endpoint.provider,
                known.join(", ")
            ),
        ));
    };
    let tag = match &endpoint.variant {
        None => endpoint.provider.clone(),
        Some(variant) => {
            check_slug(&format!("{path}.variant"), variant)?;
            format!("{}/{variant}", endpoint.provider)
        }
    };
    let max_messages = endpoint.max_messages.or(entry.max_messages);
    if max_messages == Some(0) {
        let message = "no request has so few messages";
        return Err(DocumentError::new(format!("{path}.max_messages"), message));
    }
    let names = endpoint.supported_parameters.as_ref();
    let names = names.unwrap_or(&entry.supported_parameters);
    let parameters = ParameterSet::all(names.iter().map(String::as_str));
    let parameters = (!names.is_empty()).then_some(parameters);
    let model = endpoint.model.clone().unwrap_or_else(|| entry.id.clone());
    let own_path = endpoint.path.as_deref();
    Ok(Endpoint {
        paths: Paths::compile(path, provider, own_path, &model, &endpoint.operations)?,
        provider: endpoint.provider.clone(),
        hash: EndpointHash::of(&tag),
        tag,
        model,
        family: Family::of(&entry.architecture.tokenizer),
        context_length: endpoint.context_length.unwrap_or(entry.context_length),
        max_messages,
        max_completion_tokens: endpoint.max_completion_tokens,
        operations: endpoint.operations.clone(),
        parameters,
        understands: parameters.map(with_other_words),
        reasoning: endpoint.reasoning.clone(),
        is_moderated: endpoint.is_moderated,
        exacto: endpoint.exacto,
        throughput: endpoint.throughput,
        latency_ms: endpoint.latency_ms,
        quantization: endpoint.quantization,
        data_collection: endpoint.data_collection.unwrap_or(policy.data_collection),
        zdr: endpoint.zdr.unwrap_or(policy.zdr),
        timeouts: endpoint.timeouts.over(policy.timeouts),
        pricing: endpoint.pricing.clone(),
    })
}

/// Adds the parameters that an attempt says in the words of these: a bound on the completion under
/// its other name, reasoning in the form that the endpoint knows.
fn with_other_words(listed: ParameterSet) -> ParameterSet {
    let same = [
        ["max_tokens", "max_completion_tokens"].as_slice(),
        &["reasoning", "reasoning_effort", "include_reasoning"],
    ];
    let same = same.map(|names| ParameterSet::all(names.iter().copied()));
    same.into_iter()
        .filter(|group| listed.meets(*group))
        .fold(listed, ParameterSet::with)
}

/// Slugs and variants are joined by `/` to an endpoint's tag.
fn check_slug(path: &str, slug: &str) -> Result<(), DocumentError> {
    check_id(path, slug)?;
    if slug.contains('/') {
        let message =
            format!("`{slug}` must not contain `/`: `variant` names an endpoint's variant");
        return Err(DocumentError::new(path, message));
    }
    Ok(())
}

/// Ids travel in headers and in plans: visible ASCII without the plan's own separators.
fn check_id(path: &str, id: &str) -> Result<(), DocumentError> {
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b',' | b'@' | b'#' | b'"' | b'\\');
    if id.is_empty() || !id.bytes().all(allowed) {
        let message = format!(
            "`{id}` is not an id: expected ASCII without spaces, `,`, `@`, `#`, quotes and backslashes"
        );
        return Err(DocumentError::new(path, message));
    }
    Ok(())
}

pub(crate) fn check_header(path: &str, value: &str) -> Result<(), DocumentError> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(DocumentError::new(
            path,
            format!("`{value}` must be ASCII without spaces"),
        ));
    }
    Ok(())
}

/// A caller's header that may be passed on: none of the router's, none of HTTP's own.
pub(crate) fn check_header_name(path: &str, name: &str) -> Result<(), DocumentError> {
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let reserved = [
        AUTHORIZATION,
        "content-length",
        "host",
        "transfer-encoding",
        "connection",
    ];
    let internal = name.starts_with(INTERNAL_PREFIX) || name.starts_with(ENVOY_PREFIX);
    if name.is_empty() || !name.bytes().all(token) || internal || reserved.contains(&name) {
        let message = format!(
            "`{name}` is no header that can be set: expected a lower-case name that is free"
        );
        return Err(DocumentError::new(path, message));
    }
    Ok(())
}
