//! What a request demands of an endpoint, and whether one meets it: the hard filters.

use std::borrow::Cow;
use std::sync::LazyLock;

use meshrouter_core::Facts;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::parameters::ParameterSet;
use meshrouter_core::preferences::{DataCollection, Preferences};
use meshrouter_core::slug::Variants;
use meshrouter_core::tokens::{Correction, Scale};

use crate::constraint::Constraint;
use crate::policy::Policy;

/// The parameters that ask for tools. Found by their names once.
static TOOLS: LazyLock<ParameterSet> =
    LazyLock::new(|| ParameterSet::all(["tools", "tool_choice"]));

/// Everything about a request that does not depend on the endpoint.
#[derive(Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) facts: &'a Facts,
    /// The request's preferences over those of key and gateway.
    pub(crate) preferences: Cow<'a, Preferences>,
    pub(crate) policy: &'a Policy,
    /// Whether tools are asked for.
    tools: bool,
    /// Parameters that must be understood.
    required: ParameterSet,
}

impl<'a> Demand<'a> {
    pub(crate) fn new(facts: &'a Facts, policy: &'a Policy) -> Self {
        // Most requests have none of their own.
        let preferences = match facts.preferences == Preferences::default() {
            true => Cow::Borrowed(&policy.preferences),
            false => Cow::Owned(facts.preferences.clone().over(&policy.preferences)),
        };
        let requires = preferences.require_parameters == Some(true);
        Self {
            facts,
            policy,
            tools: facts.parameters.meets(*TOOLS),
            required: if requires {
                facts.parameters
            } else {
                ParameterSet::default()
            },
            preferences,
        }
    }

    /// The tokens of the prompt by a model's tokenizer, with what was learned of it.
    pub(crate) fn prompt_tokens(&self, model: &Model, learned: Option<Correction>) -> u64 {
        let family = model.family();
        let scale = Scale::of(family).corrected(learned.unwrap_or_default());
        scale.tokens(self.facts.estimate.weight(family))
    }

    /// The tokens that a context must hold: the prompt's, and those that the caller allows the
    /// completion.
    pub(crate) fn total_tokens(&self, prompt: u64) -> u64 {
        prompt.saturating_add(self.facts.max_tokens.unwrap_or(0))
    }

    /// The first constraint that an endpoint does not meet; `None` where it may serve. `prompt` is in tokens,
    /// by the model's tokenizer.
    ///
    /// The context comes last, because it alone can be mended: what fails there meets all others.
    pub(crate) fn unmet(
        &self,
        model: &Model,
        endpoint: &Endpoint,
        variants: Variants,
        prompt: u64,
    ) -> Option<Constraint> {
        let of_model = self.unmet_by_model(model);
        let unmet = of_model.or_else(|| self.unmet_by_policy(model, endpoint));
        let unmet = unmet.or_else(|| self.unmet_by_ability(endpoint, variants));
        unmet.or_else(|| self.unmet_by_size(endpoint, prompt))
    }

    fn unmet_by_model(&self, model: &Model) -> Option<Constraint> {
        let architecture = &model.entry.architecture;
        let has = |known: &[String], needed: &[String]| needed.iter().all(|n| known.contains(n));
        let allowed = self.policy.models.as_ref();
        if allowed.is_some_and(|allowed| !allowed.contains(&model.entry.id)) {
            return Some(Constraint::KeyModels);
        }
        if !has(&architecture.input_modalities, &self.facts.input_modalities) {
            return Some(Constraint::InputModalities);
        }
        if !has(
            &architecture.output_modalities,
            &self.facts.output_modalities,
        ) {
            return Some(Constraint::OutputModalities);
        }
        None
    }

    /// Whom the caller, the key and the gateway allow to serve.
    fn unmet_by_policy(&self, model: &Model, endpoint: &Endpoint) -> Option<Constraint> {
        let preferences = &self.preferences;
        let lists = |slugs: &Vec<String>| slugs.iter().any(|slug| names(slug, endpoint));
        let providers = self.policy.providers.as_ref();
        if providers.is_some_and(|allowed| !allowed.contains(&endpoint.provider)) {
            return Some(Constraint::KeyProviders);
        }
        if preferences
            .only
            .as_ref()
            .is_some_and(|only| !only.is_empty() && !lists(only))
        {
            return Some(Constraint::Only);
        }
        if preferences.ignore.as_ref().is_some_and(lists) {
            return Some(Constraint::Ignore);
        }
        let deny = preferences.data_collection == Some(DataCollection::Deny);
        if deny && endpoint.data_collection == DataCollection::Allow {
            return Some(Constraint::DataCollection);
        }
        if preferences.zdr == Some(true) && !endpoint.zdr {
            return Some(Constraint::Zdr);
        }
        if preferences.enforce_distillable_text == Some(true) && !model.entry.distillable {
            return Some(Constraint::Distillable);
        }
        let levels = preferences.quantizations.as_ref();
        if levels
            .is_some_and(|levels| !levels.is_empty() && !levels.contains(&endpoint.quantization))
        {
            return Some(Constraint::Quantizations);
        }
        self.is_too_expensive(endpoint)
            .then_some(Constraint::MaxPrice)
    }

    fn is_too_expensive(&self, endpoint: &Endpoint) -> bool {
        let Some(max) = &self.preferences.max_price else {
            return false;
        };
        let pricing = &endpoint.pricing;
        let million = 1_000_000;
        let prices = [
            (max.prompt, pricing.prompt.times(million)),
            (max.completion, pricing.completion.times(million)),
            (max.request, pricing.request.unwrap_or_default().times(1)),
            (max.image, pricing.image.unwrap_or_default().times(1)),
        ];
        prices
            .into_iter()
            .any(|(max, price)| max.is_some_and(|max| pricing.discounted(price) > max.pico()))
    }

    /// Whether the endpoint can do it at all.
    fn unmet_by_ability(&self, endpoint: &Endpoint, variants: Variants) -> Option<Constraint> {
        let facts = self.facts;
        if !endpoint.operations.contains(&facts.operation) {
            return Some(Constraint::Operation);
        }
        if variants.exacto && !endpoint.exacto {
            return Some(Constraint::Exacto);
        }
        if self.tools && !endpoint.supports("tools") {
            return Some(Constraint::Tools);
        }
        if facts.structured && !endpoint.supports("structured_outputs") {
            return Some(Constraint::StructuredOutputs);
        }
        if !endpoint.lacks(self.required).is_empty() {
            return Some(Constraint::Parameters);
        }
        let most = endpoint.max_completion_tokens;
        if facts
            .max_tokens
            .zip(most)
            .is_some_and(|(wanted, most)| wanted > most)
        {
            return Some(Constraint::MaxTokens);
        }
        None
    }

    /// Whether the prompt fits there, compressed where it may be.
    fn unmet_by_size(&self, endpoint: &Endpoint, prompt: u64) -> Option<Constraint> {
        let compresses = self.facts.transforms.compresses(endpoint.context_length);
        let most = endpoint.max_messages.filter(|_| !compresses);
        if most.is_some_and(|most| self.facts.message_count > most) {
            return Some(Constraint::Messages);
        }
        let total = self.total_tokens(prompt);
        let context = endpoint.context_length;
        // Message Transforms page: what is compressed must hold at least half of it all.
        let holds = match self.can_compress(endpoint) {
            true => context.saturating_mul(2),
            false => context,
        };
        (total > holds).then_some(Constraint::Context)
    }

    /// Whether the prompt is compressed where it does not fit an endpoint's context, and room is left
    /// for it beside the completion: that is not compressed.
    pub(crate) fn can_compress(&self, endpoint: &Endpoint) -> bool {
        let context = endpoint.context_length;
        let completion = self.facts.max_tokens.unwrap_or(0);
        completion < context && self.facts.transforms.compresses(context)
    }
}

/// Whether a slug names an endpoint: its own tag, or its provider, whatever the variant.
pub(crate) fn names(slug: &str, endpoint: &Endpoint) -> bool {
    slug.eq_ignore_ascii_case(&endpoint.tag) || slug.eq_ignore_ascii_case(&endpoint.provider)
}
