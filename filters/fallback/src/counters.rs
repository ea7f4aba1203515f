//! The names under which attempts are counted: made once, because every request needs one.

use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::Catalog;
use meshrouter_core::names::metric;

use crate::cause::Verdict;

/// The names of the counters of one provider's attempts.
#[derive(Debug)]
pub(crate) struct Counters {
    answered: String,
    failed: String,
    refused: String,
    /// Of attempts of which nobody wanted to know any more how they went.
    pub(crate) cancelled: String,
}

impl Counters {
    fn new(provider: &str) -> Self {
        let name = |verdict| {
            let labels = [("provider", provider), ("verdict", verdict)];
            metric::label(metric::ATTEMPTS, &labels)
        };
        Self {
            answered: name(Verdict::Answered.name()),
            failed: name(Verdict::TryNext.name()),
            refused: name(Verdict::Final.name()),
            cancelled: name("cancelled"),
        }
    }

    /// Those of all providers, by their slugs.
    pub(crate) fn of_all(catalog: &Catalog) -> BTreeMap<String, Rc<Self>> {
        let providers = catalog.providers();
        providers
            .map(|(slug, _)| (slug.to_owned(), Rc::new(Self::new(slug))))
            .collect()
    }

    /// Where attempts are counted that ended so.
    pub(crate) fn of(&self, verdict: Verdict) -> &str {
        match verdict {
            Verdict::Answered => &self.answered,
            Verdict::TryNext => &self.failed,
            Verdict::Final => &self.refused,
        }
    }
}
