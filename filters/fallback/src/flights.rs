//! Attempts that run, added up in the VM: a health record is told of its own with whatever else there is to say, or by
//! the tick, because each change of a record is two calls of the host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::health::{Board, EndpointHash};
use meshrouter_host::{Clock, SharedData, update_shared};

/// By how many attempts each endpoint has more, or less, than its record says.
type Shifts = Vec<(EndpointHash, i32)>;

/// What the records do not know yet of attempts in flight, by their keys. As many as the document has models, and keys
/// with accounts of their own.
#[derive(Debug, Default)]
pub(crate) struct Flights(RefCell<BTreeMap<String, Rc<Record>>>);

/// What one record does not know yet.
#[derive(Debug)]
pub(crate) struct Record {
    key: String,
    shifts: RefCell<Shifts>,
}

impl Flights {
    /// The record of this key.
    pub(crate) fn record(&self, key: String) -> Rc<Record> {
        let mut records = self.0.borrow_mut();
        if let Some(record) = records.get(&key) {
            return Rc::clone(record);
        }
        let record = Rc::new(Record {
            key: key.clone(),
            shifts: RefCell::default(),
        });
        records.insert(key, Rc::clone(&record));
        record
    }

    /// Tells all records what waits.
    pub(crate) fn tell(&self, host: &mut (impl SharedData + Clock + ?Sized)) {
        for record in self.0.borrow().values() {
            if record.shifts.borrow().iter().any(|(_, by)| *by != 0) {
                record.update(host, host.now() / 1_000_000, |_, _| {});
            }
        }
    }
}

impl Record {
    /// An attempt at an endpoint begins (1) or is over (-1).
    pub(crate) fn shift(&self, endpoint: EndpointHash, by: i32) {
        let mut shifts = self.shifts.borrow_mut();
        match shifts.iter_mut().find(|(known, _)| *known == endpoint) {
            Some((_, waits)) => *waits = waits.saturating_add(by),
            None => shifts.push((endpoint, by)),
        }
    }

    /// Changes the record, and tells it what waits. The change is told the moment in milliseconds.
    pub(crate) fn update(
        &self,
        host: &mut (impl SharedData + ?Sized),
        now: u64,
        mut change: impl FnMut(&mut Board, u64),
    ) {
        let mut shifts = self.shifts.borrow_mut();
        update_shared(host, &self.key, |bytes| {
            let mut board = Board::of(bytes);
            for (endpoint, by) in shifts.iter().filter(|(_, by)| *by != 0) {
                board.entry(*endpoint, now).shift(*by);
            }
            change(&mut board, now);
            board.into_bytes()
        });
        shifts.iter_mut().for_each(|(_, by)| *by = 0);
    }
}

#[cfg(test)]
mod tests {
    use meshrouter_host::fake::Fake;

    use super::*;

    const RECORD: &str = "health/a/one";

    fn in_flight(host: &Fake, endpoint: EndpointHash) -> u32 {
        let board = Board::of(host.shared(RECORD).0);
        board.vitals(endpoint).in_flight(host.now() / 1_000_000)
    }

    #[test]
    fn the_tick_tells_what_runs() {
        let (flights, mut host) = (Flights::default(), Fake::default());
        let record = flights.record(RECORD.to_owned());
        let [one, other] = ["p", "q"].map(EndpointHash::of);
        for (endpoint, by) in [(one, 1), (other, 1), (one, 1), (other, -1)] {
            record.shift(endpoint, by);
        }
        assert_eq!(in_flight(&host, one), 0);
        for _ in 0..2 {
            flights.tell(&mut host);
            assert_eq!((in_flight(&host, one), in_flight(&host, other)), (2, 0));
        }
        record.shift(one, -1);
        record.update(&mut host, 0, |_, _| {});
        assert_eq!(in_flight(&host, one), 1, "with what else there is to say");
    }

    #[test]
    fn what_came_and_went_is_not_told() {
        let (flights, mut host) = (Flights::default(), Fake::default());
        flights
            .record(RECORD.to_owned())
            .shift(EndpointHash::of("p"), 1);
        flights
            .record(RECORD.to_owned())
            .shift(EndpointHash::of("p"), -1);
        flights.tell(&mut host);
        assert!(host.shared.is_empty());
    }
}
