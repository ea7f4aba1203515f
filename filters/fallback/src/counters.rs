//! How attempts and cool-downs are counted: added up in the VM and told by the tick, because each change of a counter is
//! a call of the host.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::Catalog;
use meshrouter_core::names::metric;
use meshrouter_host::Metrics;

use crate::cause::Verdict;

/// The counters of one provider's attempts, and of its endpoints' cool-downs.
#[derive(Debug)]
pub(crate) struct Counters {
    provider: String,
    answered: Counter,
    failed: Counter,
    refused: Counter,
    /// Of attempts of which nobody wanted to know any more how they went.
    pub(crate) cancelled: Counter,
    /// By model: those of the document at most.
    cool_downs: RefCell<BTreeMap<String, Counter>>,
}

impl Counters {
    fn new(provider: &str) -> Self {
        let counter = |verdict| {
            let labels = [("provider", provider), ("verdict", verdict)];
            Counter::new(metric::ATTEMPTS, &labels)
        };
        Self {
            provider: provider.to_owned(),
            answered: counter(Verdict::Answered.name()),
            failed: counter(Verdict::TryNext.name()),
            refused: counter(Verdict::Final.name()),
            cancelled: counter("cancelled"),
            cool_downs: RefCell::default(),
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
    pub(crate) fn of(&self, verdict: Verdict) -> &Counter {
        match verdict {
            Verdict::Answered => &self.answered,
            Verdict::TryNext => &self.failed,
            Verdict::Final => &self.refused,
        }
    }

    /// The provider's endpoint of this model begins to cool down.
    pub(crate) fn cools_down(&self, model: &str) {
        let mut counters = self.cool_downs.borrow_mut();
        let counter = counters.entry(model.to_owned()).or_insert_with(|| {
            let labels = [("model", model), ("provider", &self.provider)];
            Counter::new(metric::COOL_DOWNS, &labels)
        });
        counter.add();
    }

    /// Tells what was counted since the last time.
    pub(crate) fn tell(&self, host: &mut (impl Metrics + ?Sized)) {
        let attempts = [&self.answered, &self.failed, &self.refused, &self.cancelled];
        let cool_downs = self.cool_downs.borrow();
        for counter in attempts.into_iter().chain(cool_downs.values()) {
            counter.tell(host);
        }
    }
}

/// A counter, and what the host has not been told of it.
#[derive(Debug)]
pub(crate) struct Counter {
    name: String,
    waits: Cell<u64>,
}

impl Counter {
    fn new(metric: &str, labels: &[(&str, &str)]) -> Self {
        Self {
            name: metric::label(metric, labels),
            waits: Cell::new(0),
        }
    }

    /// Counts one more.
    pub(crate) fn add(&self) {
        self.waits.set(self.waits.get().saturating_add(1));
    }

    fn tell(&self, host: &mut (impl Metrics + ?Sized)) {
        let waits = self.waits.take();
        if waits > 0 {
            host.count(&self.name, waits);
        }
    }
}
