//! What is done beside the streams: what was added up is told.

use std::rc::Rc;

use meshrouter_host::{Answer, Background, Backstage};

use crate::filter::Settings;

/// The work of one VM.
#[derive(Debug)]
pub(crate) struct Chores(pub(crate) Rc<Settings>);

impl Background for Chores {
    fn on_tick(&mut self, host: &mut dyn Backstage) {
        self.0.tell(host);
    }

    fn on_answer(&mut self, _host: &mut dyn Backstage, _call: u32, _answer: &Answer) {}

    fn on_end(&mut self, host: &mut dyn Backstage) {
        self.0.tell(host);
    }
}
