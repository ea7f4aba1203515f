//! The compiled catalog: who serves which model, at what price, and how to reach them.

mod compile;

use std::collections::BTreeMap;

use crate::document::{self, Pricing, ReasoningDialect};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, DocumentError};

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
