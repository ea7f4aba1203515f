//! The work with the store: reads what other gateways wrote, then writes what is queued, one call after the other.

mod pass;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use meshrouter_core::created_key::{INDEX, Index, shared_key};
use meshrouter_core::document::Store;
use meshrouter_core::keys::hex;
use meshrouter_core::names::metric;
use meshrouter_host::{Answer, Background, Backstage, Level, update_shared};

use crate::etcd::{self, Entry, Outcome, Write};
use crate::{leader, queue, state};
use pass::Pass;
use values::{Flight, Kind, Values};

/// What this gateway calls itself in the store: new with every start.
const GATEWAY: &str = "store/gateway";

/// The names that are not known to be written. Whoever leads next sends them again.
const FLYING: &str = "store/flying";

/// How long the store may take for an answer, in milliseconds.
const TIMEOUT_MS: u64 = 2_000;

/// How long nothing is asked of a store that failed, in milliseconds.
const PAUSE_MS: u64 = 1_000;

/// The most values of one write: etcd takes 128 operations.
const BATCH: usize = 64;

/// The most writes between two readings: what more there is waits, so that etcd has a bounded number a second.
const MOST_WRITES: u32 = 8;

/// How often others are told again that something is reserved, in seconds.
const REMIND_SECONDS: u64 = 20;

/// The part of the work that is this VM's, where it leads.
#[derive(Debug)]
pub struct Worker {
    store: Store,
    vm: Option<u64>,
    leads: bool,
    /// The store's revision up to which all was read.
    revision: Option<u64>,
    values: Values,
    /// What is to be written, and what of it only where there is room.
    waiting: BTreeSet<String>,
    generations: BTreeSet<String>,
    /// Of these in the store something stands that is not ours: they are not written, and stay as they are.
    foreign: BTreeSet<String>,
    /// Balances with reservations, and when others are to be reminded of them, in Unix seconds.
    reminders: BTreeMap<String, u64>,
    /// The call that is under way.
    call: Option<(u32, Call)>,
    /// When to begin again, in Unix milliseconds.
    next: u64,
    writes: u32,
    /// Whether the store answered last time; `None` before the first answer.
    is_up: Option<bool>,
}

/// A call that is under way.
#[derive(Debug)]
enum Call {
    Read(Pass),
    Write(Vec<Flight>),
}

impl Background for Worker {
    fn on_tick(&mut self, host: &mut dyn Backstage) {
        let now = host.now() / 1_000_000;
        let vm = *self.vm.get_or_insert_with(|| leader::enrol(host));
        if !leader::leads(host, vm, now) {
            self.leads = false;
            return;
        }
        if !self.leads {
            self.take_over(host);
        }
        if self.call.is_none() && now >= self.next {
            self.next = now.saturating_add(self.store.interval_ms);
            self.writes = 0;
            let pass = Pass::new(self.revision.unwrap_or_default());
            self.read(host, pass);
        }
    }

    fn on_answer(&mut self, host: &mut dyn Backstage, call: u32, answer: &Answer) {
        let Some((_, call)) = self.call.take_if(|(number, _)| *number == call) else {
            return;
        };
        let body = answer.body.as_slice();
        let body = (answer.status == Some(200)).then_some(body);
        match call {
            Call::Read(pass) => match body.and_then(etcd::read_page) {
                Some(page) => self.on_page(host, pass, page),
                None => self.fail(host, answer),
            },
            Call::Write(flights) => match body.and_then(etcd::read_txn) {
                Some(outcome) => self.on_outcome(host, flights, outcome),
                None => {
                    // Whether it was written is not known: they go again, as the same flights.
                    self.wait(flights.into_iter().map(|flight| flight.name));
                    self.fail(host, answer);
                }
            },
        }
    }
}

impl Worker {
    /// The worker of a VM that has just been configured.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            vm: None,
            leads: false,
            revision: None,
            values: Values::default(),
            waiting: BTreeSet::new(),
            generations: BTreeSet::new(),
            foreign: BTreeSet::new(),
            reminders: BTreeMap::new(),
            call: None,
            next: 0,
            writes: 0,
            is_up: None,
        }
    }

    /// Begins to lead: with what the last leader left, and with all that the store has.
    fn take_over(&mut self, host: &mut dyn Backstage) {
        self.leads = true;
        self.revision = None;
        self.call = None;
        self.values.clear();
        state::turn_on(host);
        let born = host.now();
        update_shared(host, GATEWAY, |id| {
            let id = id.unwrap_or_else(|| format!("{born:x}").into_bytes());
            self.values.gateway = String::from_utf8_lossy(&id).into_owned();
            id
        });
        let flying = host.shared(FLYING).0.unwrap_or_default();
        let names = flying.split(|byte| *byte == 0);
        self.wait(names.map(|name| String::from_utf8_lossy(name).into_owned()));
        // Keys may have been created before anybody led.
        let keys = Index::decode(host.shared(INDEX).0.as_deref());
        self.wait(keys.iter().map(|hash| shared_key(&hex(hash))));
    }

    /// Puts names among those that wait.
    fn wait(&mut self, names: impl Iterator<Item = String>) {
        for name in names {
            match Kind::of(&name) {
                Some(Kind::Generation) => self.generations.insert(name),
                Some(_) => self.waiting.insert(name),
                None => false,
            };
        }
    }

    fn read(&mut self, host: &mut dyn Backstage, pass: Pass) {
        let body = pass.request(&self.store.prefix);
        self.post(host, etcd::RANGE, &body, Call::Read(pass));
    }

    fn on_page(&mut self, host: &mut dyn Backstage, mut pass: Pass, page: etcd::Page) {
        for entry in &page.entries {
            self.learn(host, entry);
        }
        if let Some(revision) = pass.take(&page) {
            self.revision = Some(revision);
            self.values.list_keys(host);
            self.succeed(host);
            self.write(host);
        } else {
            self.read(host, pass);
        }
    }

    /// Takes in what the store says of a value.
    fn learn(&mut self, host: &mut dyn Backstage, entry: &Entry) {
        let Entry {
            key,
            value,
            revision,
        } = entry;
        let name = key.strip_prefix(&self.store.prefix).unwrap_or_default();
        let Err(what) = self.values.learn(host, name, value, *revision) else {
            self.foreign.remove(name);
            return;
        };
        if self.foreign.insert(name.to_owned()) {
            let message = format!(
                "store: what stands at `{key}` {what}, and is left alone; delete it if it is not somebody else's"
            );
            host.log(Level::Warn, &message);
        }
    }

    /// Writes what waits, as much as goes into one write.
    fn write(&mut self, host: &mut dyn Backstage) {
        if self.writes == MOST_WRITES {
            return;
        }
        self.wait(queue::take(host).into_iter());
        let now = host.now() / 1_000_000_000;
        let due = self.reminders.iter().filter(|(_, at)| **at <= now);
        let due: Vec<_> = due.map(|(name, _)| name.clone()).collect();
        self.reminders.retain(|_, at| *at > now);
        self.wait(due.into_iter());
        let names = self.next_batch();
        if names.is_empty() {
            return;
        }
        self.writes = self.writes.saturating_add(1);
        let all = names.iter().chain(&self.waiting).map(String::as_str);
        let all = all.collect::<Vec<_>>().join("\0");
        host.set_shared(FLYING, all.as_bytes(), None);
        let (mut writes, mut flights): (Vec<Write>, Vec<Flight>) = Default::default();
        for name in names {
            let (write, flight, reserved) = self.values.take_off(host, &self.store.prefix, name);
            if reserved > 0 {
                let at = now.saturating_add(REMIND_SECONDS);
                self.reminders.insert(flight.name.clone(), at);
            }
            writes.push(write);
            flights.push(flight);
        }
        let body = etcd::txn(&writes);
        self.post(host, etcd::TXN, &body, Call::Write(flights));
    }

    /// As many of the names that wait as go into one write.
    fn next_batch(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < BATCH {
            let next = self.waiting.pop_first();
            match next.or_else(|| self.generations.pop_first()) {
                Some(name) if self.foreign.contains(&name) => {}
                Some(name) => names.push(name),
                None => break,
            }
        }
        names
    }

    fn on_outcome(&mut self, host: &mut dyn Backstage, flights: Vec<Flight>, outcome: Outcome) {
        match outcome {
            Outcome::Written(revision) => {
                let count = u64::try_from(flights.len()).unwrap_or_default();
                host.count(metric::STORE_WRITTEN, count);
                for flight in flights {
                    self.values.land(host, flight, revision);
                }
                self.count(host, "written");
            }
            Outcome::Conflict(entries) => {
                for entry in &entries {
                    self.learn(host, entry);
                }
                self.wait(flights.into_iter().map(|flight| flight.name));
                self.count(host, "conflict");
            }
        }
        if self.waiting.is_empty() {
            host.set_shared(FLYING, b"", None);
        }
        self.write(host);
    }

    fn post(&mut self, host: &mut dyn Backstage, path: &str, body: &[u8], call: Call) {
        let Store {
            cluster, authority, ..
        } = &self.store;
        match host.post(cluster, authority, path, body, TIMEOUT_MS) {
            Some(number) => self.call = Some((number, call)),
            None => {
                if let Call::Write(flights) = call {
                    self.wait(flights.into_iter().map(|flight| flight.name));
                }
                self.fail(host, &Answer::default());
            }
        }
    }

    fn succeed(&mut self, host: &mut dyn Backstage) {
        state::answered(host, host.now() / 1_000_000_000);
        host.gauge(metric::STORE_UP, 1);
        self.count(host, "read");
        if self.is_up.replace(true) == Some(false) {
            host.log(Level::Warn, "store: it answers again");
        }
    }

    fn fail(&mut self, host: &mut dyn Backstage, answer: &Answer) {
        let now = host.now() / 1_000_000;
        self.next = now.saturating_add(PAUSE_MS);
        host.gauge(metric::STORE_UP, 0);
        self.count(host, "failed");
        if self.is_up.replace(false) != Some(false) {
            let Store { cluster, .. } = &self.store;
            let why = match answer.status {
                Some(200) => "answers with what is no answer of etcd's JSON gateway".to_owned(),
                Some(status) => format!("answers {status}: nobody is there, or it is no etcd"),
                None => "does not answer, or is no cluster of this Envoy".to_owned(),
            };
            let message = format!(
                "store: `{cluster}` {why}. What is spent is kept and written later; limits do not see other gateways."
            );
            host.log(Level::Warn, &message);
        }
    }

    fn count(&self, host: &mut dyn Backstage, result: &str) {
        host.count(
            &metric::label(metric::STORE_CALLS, &[("result", result)]),
            1,
        );
    }
}
