//! The auto router as a model of the list: what any model of its pool can, it can.

use meshrouter_core::Catalog;
use meshrouter_core::catalog::{AUTO, Model};
use meshrouter_core::document::{Architecture, Auto};

/// The auto router's entry, in the terms of a model.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: String,
    pub(super) context_length: u64,
    pub(super) architecture: Architecture,
    pub(super) supported_parameters: Vec<String>,
    /// The models that it picks from.
    pub(super) pool: Vec<&'a Model>,
}

impl<'a> Entry<'a> {
    /// The entry where an auto router is configured.
    pub(super) fn of(catalog: &'a Catalog) -> Option<Self> {
        let [id, _] = AUTO;
        catalog.auto(id).map(|auto| Self::new(catalog, auto))
    }

    pub(super) fn new(catalog: &'a Catalog, auto: &Auto) -> Self {
        let [id, _] = AUTO;
        let pool = auto
            .models
            .iter()
            .filter_map(|model| catalog.model(&model.id));
        let pool: Vec<&Model> = pool.collect();
        let ids: Vec<&str> = pool.iter().map(|model| &*model.entry.id).collect();
        let lengths = pool.iter().map(|model| model.entry.context_length);
        Self {
            id,
            name: "Auto Router",
            description: format!(
                "Picks the model that suits a request best, at that model's price: {}.",
                ids.join(", ")
            ),
            context_length: lengths.max().unwrap_or(0),
            architecture: Architecture {
                input_modalities: union(&pool, |m| &m.entry.architecture.input_modalities),
                output_modalities: union(&pool, |m| &m.entry.architecture.output_modalities),
                // What OpenRouter calls the tokenizer of models that are none.
                tokenizer: "Router".to_owned(),
                instruct_type: None,
            },
            supported_parameters: union(&pool, |m| &m.entry.supported_parameters),
            pool,
        }
    }
}

/// What any of the pool has, in the order in which it first stands.
fn union(pool: &[&Model], of: impl Fn(&Model) -> &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in pool.iter().flat_map(|model| of(model)) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}
