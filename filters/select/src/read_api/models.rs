//! `GET /models` and `GET /models/count`, in the Models API's schema.
//!
//! Beyond the documented fields entries have those without which OpenRouter's own SDK refuses the
//! list: `modality`, `default_parameters`, `supported_voices`, and `links`. Each entry is made once,
//! when the document is compiled, and so is the list of all; a request only picks and joins.

use std::borrow::Cow;

use meshrouter_core::Catalog;
use meshrouter_core::catalog::Model;
use serde::Serialize;

use super::query::{Page, Query};
use super::rss::{self, Item};
use super::schema::{Data, Modalities, Prices, json};
use super::tagged::Tagged;
use super::traits::Traits;
use super::{auto, url};

/// All models, in the document's order, and the auto router behind them.
#[derive(Debug)]
pub(super) struct Models {
    all: Vec<Listed>,
    /// The list of all.
    whole: Tagged,
}

/// A model of the list.
#[derive(Debug)]
struct Listed {
    traits: Traits,
    /// Its entry in the list.
    json: Vec<u8>,
    /// Its entry in the feed.
    item: Item,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    canonical_slug: &'a str,
    name: &'a str,
    created: u64,
    description: &'a str,
    context_length: u64,
    architecture: Modalities<'a>,
    pricing: Prices,
    top_provider: TopProvider,
    /// Rate limits of the model; there are none.
    per_request_limits: Option<()>,
    supported_parameters: &'a [String],
    default_parameters: Option<()>,
    supported_voices: Option<()>,
    links: Links,
}

#[derive(Serialize)]
struct Links {
    details: String,
}

#[derive(Serialize)]
struct TopProvider {
    context_length: Option<u64>,
    max_completion_tokens: Option<u64>,
    is_moderated: bool,
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

impl Models {
    pub(super) fn compile(catalog: &Catalog) -> Self {
        let models = catalog.models().filter_map(listed);
        let auto = auto::Entry::of(catalog);
        let all: Vec<Listed> = models.chain(auto.map(|auto| listed_auto(&auto))).collect();
        let whole = list(&all.iter().collect::<Vec<_>>(), all.len(), None);
        Self { all, whole }
    }

    /// The list.
    pub(super) fn list(&self, query: &Query) -> Cow<'_, Tagged> {
        let wanted = self.wanted(query);
        let total = wanted.len();
        let page = query.page.unwrap_or(Page {
            offset: 0,
            limit: usize::MAX,
        });
        let rest = wanted.get(page.offset..).unwrap_or_default();
        let shown = rest.get(..page.limit).unwrap_or(rest);
        if shown.len() == self.all.len() {
            return Cow::Borrowed(&self.whole);
        }
        let next = (shown.len() < rest.len())
            .then(|| query.link(page.offset.saturating_add(page.limit), page.limit));
        Cow::Owned(list(shown, total, next.as_deref()))
    }

    /// How many models the list has.
    pub(super) fn count(&self, query: &Query) -> Tagged {
        let count = self.wanted(query).len();
        Tagged::json(json(&Data {
            data: Count { count },
        }))
    }

    /// The list as a feed, for who knows the gateway by this origin.
    pub(super) fn feed(&self, query: &Query, origin: &str) -> Tagged {
        let wanted = self.wanted(query).into_iter();
        rss::feed(wanted.map(|listed| &listed.item).collect(), origin)
    }

    fn wanted(&self, query: &Query) -> Vec<&Listed> {
        let all = self.all.iter();
        all.filter(|listed| query.wants(&listed.traits)).collect()
    }
}

/// The body of a list with these models, out of so many. `next` is the next page's URL.
fn list(models: &[&Listed], total: usize, next: Option<&str>) -> Tagged {
    let entries: Vec<&[u8]> = models.iter().map(|listed| &*listed.json).collect();
    let mut body = b"{\"data\":[".to_vec();
    body.extend(entries.join(&b","[..]));
    body.extend(format!("],\"total_count\":{total},\"links\":{{\"next\":").into_bytes());
    body.extend(json(&next));
    body.extend(b"}}");
    Tagged::json(body)
}

/// Of how many tokens the prices are compared: so many that discounts make no fractions.
const MANY: u64 = 1_000_000;

/// A model's entries. Its prices and its top provider are those of the cheapest endpoint.
fn listed(model: &Model) -> Option<Listed> {
    let cheapest = model.endpoints.iter().min_by_key(|endpoint| {
        let prices = &endpoint.pricing;
        let [prompt, completion] =
            [prices.prompt, prices.completion].map(|price| price.times(MANY));
        prices.discounted(prompt.saturating_add(completion))
    })?;
    let entry = &model.entry;
    let name = entry.name.as_deref().unwrap_or(&entry.id);
    let listed = Entry {
        id: &entry.id,
        canonical_slug: entry.canonical_slug.as_deref().unwrap_or(&entry.id),
        name,
        created: entry.created,
        description: &entry.description,
        context_length: entry.context_length,
        architecture: (&entry.architecture).into(),
        pricing: (&cheapest.pricing).into(),
        top_provider: TopProvider {
            context_length: Some(cheapest.context_length),
            max_completion_tokens: cheapest.max_completion_tokens,
            is_moderated: cheapest.is_moderated,
        },
        per_request_limits: None,
        supported_parameters: &entry.supported_parameters,
        default_parameters: None,
        supported_voices: None,
        links: Links {
            details: url::endpoints(&entry.id),
        },
    };
    Some(Listed {
        traits: Traits::of([model]),
        item: Item::new(
            &entry.id,
            name,
            &entry.description,
            entry.created,
            &entry.categories,
        ),
        json: json(&listed),
    })
}

/// The auto router's entries. Of its top provider nothing can be said before it has picked.
fn listed_auto(auto: &auto::Entry<'_>) -> Listed {
    let listed = Entry {
        id: auto.id,
        canonical_slug: auto.id,
        name: auto.name,
        created: 0,
        description: &auto.description,
        context_length: auto.context_length,
        architecture: (&auto.architecture).into(),
        pricing: Prices::varying(),
        top_provider: TopProvider {
            context_length: None,
            max_completion_tokens: None,
            is_moderated: false,
        },
        per_request_limits: None,
        supported_parameters: &auto.supported_parameters,
        default_parameters: None,
        supported_voices: None,
        links: Links {
            details: url::endpoints(auto.id),
        },
    };
    Listed {
        traits: Traits::of(auto.pool.iter().copied()),
        item: Item::new(auto.id, auto.name, &auto.description, 0, &[]),
        json: json(&listed),
    }
}
