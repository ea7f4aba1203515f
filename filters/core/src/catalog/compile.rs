//! From the document as it is written to the catalog: every check that needs more than one field.

use std::collections::BTreeMap;

use super::{Catalog, Endpoint, Model, Provider};
use crate::document::{self, Document, DocumentError};
use crate::names::header::{ENVOY_PREFIX, INTERNAL_PREFIX};

impl Catalog {
    /// Checks a document's providers and models and indexes them.
    ///
    /// # Errors
    /// The path of the first field that contradicts another or cannot be used.
    pub fn compile(document: Document) -> Result<Self, DocumentError> {
        let mut providers = BTreeMap::new();
        for (slug, provider) in document.providers {
            let path = format!("providers.{slug}");
            check_id(&path, &slug)?;
            providers.insert(slug.clone(), compile_provider(&path, slug, provider)?);
        }
        let mut models = BTreeMap::new();
        let mut order = Vec::with_capacity(document.models.len());
        for (n, entry) in document.models.into_iter().enumerate() {
            let path = format!("models[{n}]");
            check_id(&format!("{path}.id"), &entry.id)?;
            let endpoints = compile_endpoints(&path, &entry, &providers)?;
            order.push(entry.id.clone());
            let id = entry.id.clone();
            if models.insert(id, Model { entry, endpoints }).is_some() {
                return Err(DocumentError::new(
                    format!("{path}.id"),
                    "this id stands twice",
                ));
            }
        }
        let aliases = compile_aliases(&models, &order)?;
        Ok(Self {
            models,
            order,
            aliases,
            providers,
        })
    }
}

/// Aliases must be told from ids and from each other.
fn compile_aliases(
    models: &BTreeMap<String, Model>,
    order: &[String],
) -> Result<BTreeMap<String, String>, DocumentError> {
    let mut aliases = BTreeMap::new();
    for (n, id) in order.iter().enumerate() {
        let names = models.get(id).map_or(&[][..], |model| &model.entry.aliases);
        for (k, alias) in names.iter().enumerate() {
            let taken = models.contains_key(alias) || aliases.contains_key(alias);
            if taken || alias.is_empty() {
                let message = format!("`{alias}` already names a model, or nothing");
                return Err(DocumentError::new(
                    format!("models[{n}].aliases[{k}]"),
                    message,
                ));
            }
            aliases.insert(alias.clone(), id.clone());
        }
    }
    Ok(aliases)
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
        let path = format!("{path}.{name}");
        check_header(&path, &own)?;
        if !own.starts_with('/') {
            return Err(DocumentError::new(path, "must begin with `/`"));
        }
        Ok(own)
    });
    let [chat, completions, embeddings] = paths;
    let mut forward_headers = BTreeMap::new();
    for (from, to) in provider.forward_headers {
        for name in [&from, &to] {
            check_header_name(&format!("{path}.forward_headers.{from}"), name)?;
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
        forward_headers,
        paths: [chat?, completions?, embeddings?],
    })
}

fn compile_endpoints(
    path: &str,
    entry: &document::Model,
    providers: &BTreeMap<String, Provider>,
) -> Result<Vec<Endpoint>, DocumentError> {
    if entry.endpoints.is_empty() {
        return Err(DocumentError::new(
            format!("{path}.endpoints"),
            "a model needs at least one endpoint",
        ));
    }
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(entry.endpoints.len());
    for (n, endpoint) in entry.endpoints.iter().enumerate() {
        let at = format!("{path}.endpoints[{n}].provider");
        if !providers.contains_key(&endpoint.provider) {
            let known: Vec<&str> = providers.keys().map(String::as_str).collect();
            return Err(DocumentError::new(
                at,
                format!(
                    "no provider `{}`; known: {}",
                    endpoint.provider,
                    known.join(", ")
                ),
            ));
        }
        if endpoints
            .iter()
            .any(|other| other.provider == endpoint.provider)
        {
            return Err(DocumentError::new(
                at,
                "this provider serves the model twice",
            ));
        }
        endpoints.push(Endpoint {
            provider: endpoint.provider.clone(),
            model: endpoint.model.clone().unwrap_or_else(|| entry.id.clone()),
            context_length: endpoint.context_length.unwrap_or(entry.context_length),
            max_completion_tokens: endpoint.max_completion_tokens,
            operations: endpoint.operations.clone(),
            supported_parameters: endpoint
                .supported_parameters
                .clone()
                .unwrap_or_else(|| entry.supported_parameters.clone()),
            reasoning: endpoint.reasoning.clone(),
            is_moderated: endpoint.is_moderated,
            exacto: endpoint.exacto,
            throughput: endpoint.throughput.unwrap_or(0),
            pricing: endpoint.pricing.clone(),
        });
    }
    Ok(endpoints)
}

/// Ids travel in headers and in plans: visible ASCII without the plan's own separators.
fn check_id(path: &str, id: &str) -> Result<(), DocumentError> {
    let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b',' | b'@' | b'"' | b'\\');
    if id.is_empty() || !id.bytes().all(allowed) {
        let message = format!(
            "`{id}` is not an id: expected ASCII without spaces, `,`, `@`, quotes and backslashes"
        );
        return Err(DocumentError::new(path, message));
    }
    Ok(())
}

fn check_header(path: &str, value: &str) -> Result<(), DocumentError> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(DocumentError::new(
            path,
            format!("`{value}` must be ASCII without spaces"),
        ));
    }
    Ok(())
}

/// A caller's header that may be passed on: none of the router's, none of HTTP's own.
fn check_header_name(path: &str, name: &str) -> Result<(), DocumentError> {
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let reserved = [
        "authorization",
        "content-length",
        "host",
        "transfer-encoding",
        "connection",
    ];
    let internal = name.starts_with(INTERNAL_PREFIX) || name.starts_with(ENVOY_PREFIX);
    if name.is_empty() || !name.bytes().all(token) || internal || reserved.contains(&name) {
        let message =
            format!("`{name}` is no header that can be forwarded: expected a lower-case name");
        return Err(DocumentError::new(path, message));
    }
    Ok(())
}
