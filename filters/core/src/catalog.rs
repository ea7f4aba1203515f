//! The compiled catalog: who serves which model, at what price, and how to reach them.

use std::collections::BTreeMap;

use crate::document::{self, Document, DocumentError, Pricing, ReasoningDialect};
use crate::names::header::{ENVOY_PREFIX, INTERNAL_PREFIX};
use crate::plan::Candidate;
use crate::route::Operation;

/// All models and providers, checked and indexed. Immutable; made once per VM and document.
#[derive(Debug)]
pub struct Catalog {
    models: BTreeMap<String, Model>,
    /// Ids in the document's order.
    order: Vec<String>,
    /// Ids by alias.
    aliases: BTreeMap<String, String>,
    providers: BTreeMap<String, Provider>,
}

/// A provider: how an attempt reaches it.
#[derive(Debug)]
pub struct Provider {
    /// The name that callers see.
    pub name: String,
    /// The Envoy cluster.
    pub cluster: String,
    /// The `:authority` of its requests.
    pub authority: String,
    /// Caller's headers that it is to see, by lower-case name, and its own names for them.
    pub forward_headers: BTreeMap<String, String>,
    paths: [String; 3],
}

impl Provider {
    /// The `:path` of an operation.
    #[must_use]
    pub fn path(&self, operation: Operation) -> &str {
        let [chat, completions, embeddings] = &self.paths;
        match operation {
            Operation::ChatCompletions => chat,
            Operation::Completions => completions,
            Operation::Embeddings => embeddings,
        }
    }
}

/// A model: the document's entry and its compiled endpoints.
#[derive(Debug)]
pub struct Model {
    /// The entry as it was written.
    pub entry: document::Model,
    /// Its endpoints in the document's order; at least one.
    pub endpoints: Vec<Endpoint>,
}

/// A model at a provider.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The provider's slug; in the catalog.
    pub provider: String,
    /// The provider's own name of the model.
    pub model: String,
    /// Tokens of prompt and completion together.
    pub context_length: u64,
    /// The longest completion, in tokens.
    pub max_completion_tokens: Option<u64>,
    /// What it does.
    pub operations: Vec<Operation>,
    /// Parameters that it understands; nobody knows where there are none.
    pub supported_parameters: Vec<String>,
    /// How it is told to reason, where not as the request says it.
    pub reasoning: Option<ReasoningDialect>,
    /// Whether the provider moderates prompts.
    pub is_moderated: bool,
    /// Whether the variant `:exacto` includes it.
    pub exacto: bool,
    /// Tokens a second that it usually writes; 0 where nobody says.
    pub throughput: u64,
    /// What it costs.
    pub pricing: Pricing,
}

impl Endpoint {
    /// Whether it understands a parameter, as far as the catalog knows.
    #[must_use]
    pub fn supports(&self, parameter: &str) -> bool {
        self.supported_parameters.is_empty() || self.lists(parameter)
    }

    /// Whether the catalog says that it understands a parameter.
    #[must_use]
    pub fn lists(&self, parameter: &str) -> bool {
        self.supported_parameters
            .iter()
            .any(|name| name == parameter)
    }
}

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

    /// The id that an id or an alias stands for.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<&str> {
        let known = self.models.get_key_value(name).map(|(id, _)| id);
        known.or_else(|| self.aliases.get(name)).map(String::as_str)
    }

    /// The model of an id.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id)
    }

    /// All models in the document's order.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.order.iter().filter_map(|id| self.models.get(id))
    }

    /// The provider of a slug.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.get(slug)
    }

    /// The endpoint that a candidate names; `None` after a change of the document took it away.
    #[must_use]
    pub fn endpoint(&self, candidate: &Candidate) -> Option<&Endpoint> {
        let model = self.model(&candidate.model)?;
        model
            .endpoints
            .iter()
            .find(|endpoint| endpoint.provider == candidate.provider)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(json: &str) -> Result<Catalog, DocumentError> {
        Catalog::compile(Document::from_json(json.as_bytes()).unwrap())
    }

    const GOOD: &str = r#"{"providers": {"alpha": {"cluster": "a"}},
        "models": [{"id": "m/one", "context_length": 8192, "endpoints":
            [{"provider": "alpha", "pricing": {"prompt": "0.1", "completion": "0.2"}}]}]}"#;

    #[test]
    fn defaults_are_filled_in() {
        let catalog = compile(GOOD).unwrap();
        let provider = catalog.provider("alpha").unwrap();
        assert_eq!(
            (provider.name.as_str(), provider.authority.as_str()),
            ("alpha", "a")
        );
        assert_eq!(
            provider.path(Operation::ChatCompletions),
            "/v1/chat/completions"
        );
        assert_eq!(provider.path(Operation::Embeddings), "/v1/embeddings");
        let candidate = Candidate {
            model: "m/one".to_owned(),
            provider: "alpha".to_owned(),
        };
        let endpoint = catalog.endpoint(&candidate).unwrap();
        assert_eq!(
            (endpoint.model.as_str(), endpoint.context_length),
            ("m/one", 8192)
        );
    }

    #[test]
    fn contradictions_name_their_path() {
        let cases = [
            (
                r#""provider": "alpha""#,
                r#""provider": "omega""#,
                "models[0].endpoints[0].provider: no provider `omega`; known: alpha",
            ),
            ("m/one", "m one", "models[0].id: `m one` is not an id"),
            (
                r#""alpha": {"#,
                r#""al@pha": {"#,
                "providers.al@pha: `al@pha` is not an id",
            ),
            (
                r#""cluster": "a""#,
                r#""cluster": "a", "path": "v1""#,
                "providers.alpha.path: must begin with `/`",
            ),
            (
                r#""cluster": "a""#,
                r#""cluster": """#,
                "providers.alpha.cluster: `` must be ASCII",
            ),
        ];
        for (from, to, expected) in cases {
            let error = compile(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("gateway document: {expected}")),
                "{error}"
            );
        }
    }
}
