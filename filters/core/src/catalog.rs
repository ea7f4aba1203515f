//! The compiled catalog: who serves which model, at what price, and how to reach them.

mod compile;
mod paths;

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use crate::document::{self, Auto, Pricing, ReasoningDialect, Timeouts};
use crate::fnv::Fnv;
use crate::health::EndpointHash;
use crate::money::Share;
use crate::parameters::ParameterSet;
use crate::plan::Candidate;
use crate::preferences::{DataCollection, Quantization};
use crate::route::Operation;
use crate::tokens::Family;
pub(crate) use compile::{check_header, check_header_name};
pub(crate) use paths::Paths;

/// All models and providers, checked and indexed. Immutable; made once per VM and document.
#[derive(Debug)]
pub struct Catalog {
    /// In the document's order.
    models: Vec<Model>,
    /// Where the model of an id or an alias stands. Callers choose what is looked up, never what is
    /// in it, so that a hash without a seed does no harm; and it does not slow down with its size.
    index: Index,
    providers: BTreeMap<String, Provider>,
    auto: Option<Auto>,
    byok_fee: Share,
}

/// Where the model of each id and each alias stands.
type Index = HashMap<String, usize, BuildHasherDefault<Fnv>>;

/// The model that picks a model, and OpenRouter's name for it.
pub const AUTO: [&str; 2] = ["meshrouter/auto", "openrouter/auto"];

/// A provider: how an attempt reaches it.
#[derive(Debug)]
pub struct Provider {
    /// The name that callers see.
    pub name: String,
    /// The Envoy cluster.
    pub cluster: String,
    /// The `:authority` of its requests.
    pub authority: String,
    /// The header in which it takes credentials.
    pub credential_header: String,
    /// Caller's headers that it is to see, by lower-case name, and its own names for them.
    pub forward_headers: BTreeMap<String, String>,
    /// Its privacy policy, terms of service and status page.
    pub pages: [Option<String>; 3],
    paths: [String; 3],
}

impl Provider {
    /// The `:path` of an operation, `{model}` in the place of the model where the path has it: see
    /// [`Endpoint::path`].
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

impl Model {
    /// The endpoint of a tag.
    #[must_use]
    pub fn endpoint(&self, tag: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.tag == tag)
    }

    /// How its tokenizer counts.
    #[must_use]
    pub fn family(&self) -> Family {
        let first = self.endpoints.first();
        first.map_or_else(Family::default, |endpoint| endpoint.family)
    }
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// The provider's slug; in the catalog.
    pub provider: String,
    /// How callers name it: the provider's slug, and its variant if it has one: `deepinfra/turbo`.
    pub tag: String,
    /// Its place in its model's health record.
    pub hash: EndpointHash,
    /// The provider's own name of the model.
    pub model: String,
    /// How the model's tokenizer counts.
    pub family: Family,
    /// Tokens of prompt and completion together.
    pub context_length: u64,
    /// The most messages of a request.
    pub max_messages: Option<u64>,
    /// The longest completion, in tokens.
    pub max_completion_tokens: Option<u64>,
    /// What it does.
    pub operations: Vec<Operation>,
    /// Parameters that it understands; `None` where nobody knows.
    pub parameters: Option<ParameterSet>,
    /// These, and those that the router says to it in other words.
    pub understands: Option<ParameterSet>,
    /// How it is told to reason, where not as the request says it.
    pub reasoning: Option<ReasoningDialect>,
    /// Whether the provider moderates prompts.
    pub is_moderated: bool,
    /// Whether the variant `:exacto` includes it.
    pub exacto: bool,
    /// Tokens a second that it usually writes, where the document says so.
    pub throughput: Option<u64>,
    /// Milliseconds to its first token, where the document says so.
    pub latency_ms: Option<u64>,
    /// How the model's weights are quantized there.
    pub quantization: Quantization,
    /// Whether it may store what it is sent.
    pub data_collection: DataCollection,
    /// Whether it retains nothing.
    pub zdr: bool,
    /// How long an attempt there may take; none is left open.
    pub timeouts: Timeouts,
    /// What it costs.
    pub pricing: Pricing,
    pub(crate) paths: Paths,
}

impl Endpoint {
    /// The `:path` of an operation there. `provider` is the endpoint's.
    #[must_use]
    pub fn path<'a>(&'a self, provider: &'a Provider, operation: Operation) -> &'a str {
        self.paths.of(operation).unwrap_or(provider.path(operation))
    }

    /// Whether it understands a parameter, as far as the catalog knows.
    #[must_use]
    pub fn supports(&self, parameter: &str) -> bool {
        let known = self
            .parameters
            .map(|known| ParameterSet::of(parameter).without(known));
        known.unwrap_or_default().is_empty()
    }

    /// What it does not understand of a request's parameters, whatever words they are said in, as
    /// far as the catalog knows.
    #[must_use]
    pub fn lacks(&self, parameters: ParameterSet) -> ParameterSet {
        let known = self.understands.map(|known| parameters.without(known));
        known.unwrap_or_default()
    }

    /// Whether the catalog says that it understands a parameter.
    #[must_use]
    pub fn lists(&self, parameter: &str) -> bool {
        self.parameters.is_some() && self.supports(parameter)
    }
}

impl Catalog {
    /// The id that an id or an alias stands for; the first of [`AUTO`] for the auto router.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<&str> {
        let known = self.model(name).map(|model| model.entry.id.as_str());
        known.or_else(|| (self.auto.is_some() && AUTO.contains(&name)).then_some(AUTO[0]))
    }

    /// The pool that an id picks from, if it is the auto router's.
    #[must_use]
    pub fn auto(&self, id: &str) -> Option<&Auto> {
        let auto = self.auto.as_ref().filter(|_| id == AUTO[0]);
        auto.filter(|_| !self.index.contains_key(id))
    }

    /// The model of an id or an alias.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(*self.index.get(name)?)
    }

    /// All models in the document's order.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.iter()
    }

    /// The provider of a slug.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.get(slug)
    }

    /// The endpoint that a candidate names; `None` after a change of the document took it away.
    #[must_use]
    pub fn endpoint(&self, candidate: &Candidate) -> Option<&Endpoint> {
        self.model(&candidate.model)?.endpoint(&candidate.endpoint)
    }

    /// The share of its usual cost that a request on the caller's own account costs.
    #[must_use]
    pub fn byok_fee(&self) -> Share {
        self.byok_fee
    }

    /// All providers, by slug.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &Provider)> {
        let providers = self.providers.iter();
        providers.map(|(slug, provider)| (slug.as_str(), provider))
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
            endpoint: "alpha".to_owned(),
            own: None,
        };
        let endpoint = catalog.endpoint(&candidate).unwrap();
        assert_eq!(
            (endpoint.model.as_str(), endpoint.context_length),
            ("m/one", 8192)
        );
    }

    #[test]
    fn paths_hold_the_name_that_the_provider_gives_the_model() {
        let json = r#"{"providers": {"az": {"cluster": "a", "path": "/d/{model}/chat?v=1",
                "completions_path": "/d/{model}/text", "credential_header": "api-key"},
                "plain": {"cluster": "b"}},
            "models": [{"id": "m/one", "context_length": 8192, "endpoints": [
                {"provider": "az", "model": "mine", PRICING},
                {"provider": "az", "variant": "x", "model": "a/b", "path": "/x/{model}/{model}", PRICING},
                {"provider": "plain", "model": "no path: \"?", PRICING},
                {"provider": "plain", "variant": "x", "path": "/own", PRICING}]}]}"#;
        let pricing = r#""pricing": {"prompt": "0", "completion": "0"}"#;
        let catalog = compile(&json.replace("PRICING", pricing)).unwrap();
        let paths = |tag: &str| {
            let model = catalog.model("m/one").unwrap();
            let found = model.endpoints.iter().find(|found| found.tag == tag);
            let provider = catalog.provider(&found.unwrap().provider).unwrap();
            let all = [Operation::ChatCompletions, Operation::Embeddings];
            all.map(|operation| found.unwrap().path(provider, operation).to_owned())
        };
        assert_eq!(paths("az"), ["/d/mine/chat?v=1", "/v1/embeddings"]);
        assert_eq!(paths("az/x"), ["/x/a/b/a/b", "/v1/embeddings"]);
        assert_eq!(paths("plain"), ["/v1/chat/completions", "/v1/embeddings"]);
        assert_eq!(paths("plain/x"), ["/own", "/v1/embeddings"]);
        let az = catalog.provider("az").unwrap();
        assert_eq!(az.credential_header, "api-key");
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
                r#""cluster": "a", "embeddings_path": "/{deployment}""#,
                "providers.alpha.embeddings_path: has braces, but the only placeholder is `{model}`",
            ),
            (
                r#""provider": "alpha""#,
                r#""provider": "alpha", "path": "v1""#,
                "models[0].endpoints[0].path: must begin with `/`",
            ),
            (
                r#""provider": "alpha""#,
                r#""provider": "alpha", "path": "/{model}/chat", "model": "a b""#,
                "models[0].endpoints[0].model: `a b` stands in a path",
            ),
            (
                r#""cluster": "a""#,
                r#""cluster": "a", "credential_header": "X-Api-Key""#,
                "providers.alpha.credential_header: `X-Api-Key` is no header",
            ),
            (
                r#""cluster": "a""#,
                r#""cluster": "a", "credential_header": "x-k", "forward_headers": {"a": "x-k"}"#,
                "providers.alpha.forward_headers.a: `x-k` holds the provider's credential",
            ),
            (
                r#""alpha": {"#,
                r#""al#pha": {"#,
                "providers.al#pha: `al#pha` is not an id",
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
