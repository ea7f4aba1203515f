//! Attempts that run, added up in the VM: a health record is told of its own with whatever else there is to say, or by
//! the tick, because each change of a record is two calls of the host.

use std::cell::RefCell;
use std::collections::BTreeMap;

use meshrouter_core::health::{Board, EndpointHash};
use meshrouter_host::{Clock, SharedData, update_shared};

/// By how many attempts each endpoint has more, or less, than its record says.
type Shifts = Vec<(EndpointHash, i32)>;

/// What the records do not know yet of attempts in flight, by their keys. As many as the document has models, and keys
/// with accounts of their own.
#[derive(Debug, Default)]
pub(crate) struct Flights(RefCell<BTreeMap<String, Shifts>>);

impl Flights {
    /// An attempt at an endpoint begins (1) or is over (-1).
    pub(crate) fn shift(&self, record: &str, endpoint: EndpointHash, by: i32) {
        let mut records = self.0.borrow_mut();
        let Some(shifts) = records.get_mut(record) else {
            records.insert(record.to_owned(), vec![(endpoint, by)]);
            return;
        };
        match shifts.iter_mut().find(|(known, _)| *known == endpoint) {
            Some((_, waits)) => *waits = waits.saturating_add(by),
            None => shifts.push((endpoint, by)),
        }
    }

    /// Changes a record, and tells it what waits. The change is told the moment in milliseconds.
    pub(crate) fn update(
        &self,
        host: &mut (impl SharedData + ?Sized),
        record: &str,
        now: u64,
        change: impl FnMut(&mut Board, u64),
    ) {
        let mut records = self.0.borrow_mut();
        let shifts = records.get_mut(record);
        let shifts = shifts.map_or(&mut [][..], Vec::as_mut_slice);
        update(host, record, shifts, now, change);
    }

    /// Tells all records what waits.
    pub(crate) fn tell(&self, host: &mut (impl SharedData + Clock + ?Sized)) {
        for (record, shifts) in &mut *self.0.borrow_mut() {
            if shifts.iter().any(|(_, by)| *by != 0) {
                let now = host.now() / 1_000_000;
                update(host, record, shifts, now, |_, _| {});
            }
        }
    }
}

fn update(
    host: &mut (impl SharedData + ?Sized),
    record: &str,
    shifts: &mut [(EndpointHash, i32)],
    now: u64,
    mut change: impl FnMut(&mut Board, u64),
) {
    update_shared(host, record, |bytes| {
        let mut board = Board::of(bytes);
        for (endpoint, by) in shifts.iter().filter(|(_, by)| *by != 0) {
            board.entry(*endpoint, now).shift(*by);
        }
        change(&mut board, now);
        board.into_bytes()
    });
    shifts.iter_mut().for_each(|(_, by)| *by = 0);
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
        let [one, other] = ["p", "q"].map(EndpointHash::of);
        for (endpoint, by) in [(one, 1), (other, 1), (one, 1), (other, -1)] {
            flights.shift(RECORD, endpoint, by);
        }
        assert_eq!(in_flight(&host, one), 0);
        for _ in 0..2 {
            flights.tell(&mut host);
            assert_eq!((in_flight(&host, one), in_flight(&host, other)), (2, 0));
        }
        flights.shift(RECORD, one, -1);
        flights.update(&mut host, RECORD, 0, |_, _| {});
        assert_eq!(in_flight(&host, one), 1, "with what else there is to say");
    }

    #[test]
    fn what_came_and_went_is_not_told() {
        let (flights, mut host) = (Flights::default(), Fake::default());
        flights.shift(RECORD, EndpointHash::of("p"), 1);
        flights.shift(RECORD, EndpointHash::of("p"), -1);
        flights.tell(&mut host);
        assert!(host.shared.is_empty());
    }
}
