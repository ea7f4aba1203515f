//! What is done beside the streams: what was added up is told, and carried to the store.

use std::rc::Rc;

use meshrouter_host::{Answer, Background, Backstage};
use meshrouter_store::Worker;

use crate::filter::Settings;

/// The work of one VM.
#[derive(Debug)]
pub(crate) struct Chores {
    settings: Rc<Settings>,
    store: Option<Worker>,
}

impl Chores {
    /// Those of these settings.
    pub(crate) fn new(settings: &Rc<Settings>) -> Self {
        Self {
            settings: Rc::clone(settings),
            store: settings.store.clone().map(Worker::new),
        }
    }
}

impl Background for Chores {
    fn on_tick(&mut self, host: &mut dyn Backstage) {
        self.settings.tally(|tally| tally.tell(host));
        if let Some(store) = &mut self.store {
            store.on_tick(host);
        }
    }

    fn on_answer(&mut self, host: &mut dyn Backstage, call: u32, answer: &Answer) {
        if let Some(store) = &mut self.store {
            store.on_answer(host, call, answer);
        }
    }

    fn on_end(&mut self, host: &mut dyn Backstage) {
        self.settings.tally(|tally| tally.tell(host));
    }
}
