//! What the model list can be filtered by.

use std::collections::BTreeSet;

use meshrouter_core::catalog::Model;

/// The traits of a model, or of the models that the auto router picks from: what any of those can,
/// it can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// The parameters of the model, and those of each endpoint that has a list of its own: a request
    /// goes to one of them, so two halves make no whole.
    parameters: Vec<BTreeSet<String>>,
    categories: BTreeSet<String>,
}

impl Traits {
    pub(super) fn of<'a>(models: impl IntoIterator<Item = &'a Model>) -> Self {
        let mut traits = Self::default();
        for Model { entry, .. } in models {
            let own = entry.endpoints.iter();
            let own = own.filter_map(|endpoint| endpoint.supported_parameters.as_ref());
            for list in [&entry.supported_parameters].into_iter().chain(own) {
                let list = list.iter().cloned().collect();
                if !traits.parameters.contains(&list) {
                    traits.parameters.push(list);
                }
            }
            traits.categories.extend(entry.categories.iter().cloned());
        }
        traits
    }

    /// Whether it is known to understand all of these together.
    pub(super) fn support(&self, parameters: &BTreeSet<String>) -> bool {
        // With none to understand, it does not matter whether anything is known.
        parameters.is_empty()
            || self
                .parameters
                .iter()
                .any(|known| parameters.is_subset(known))
    }

    pub(super) fn is_in(&self, category: &str) -> bool {
        self.categories.contains(category)
    }
}
