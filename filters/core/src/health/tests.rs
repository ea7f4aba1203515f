use super::*;

/// Some day, in milliseconds; the beginning of a bucket of both windows.
const NOW: u64 = 1_700_000_100_000;

fn alpha() -> EndpointHash {
    EndpointHash::of("alpha")
}

impl Entry<'_> {
    /// The endpoint answered, or failed without cooling down.
    fn outcome(&mut self, answered: bool) {
        if answered {
            self.answered();
        } else {
            self.failed(0);
        }
    }
}

fn outcomes(answered: u64, failed: u64) -> Outcomes {
    Outcomes { answered, failed }
}

#[test]
fn nothing_is_known_at_first() {
    for bytes in [
        None,
        Some(vec![]),
        Some(vec![1, 0, 0, 0, 9]),
        Some(vec![9; HEADER_BYTES + ENTRY_BYTES]),
        Some(vec![3, 0, 0, 0]),
    ] {
        let board = Board::of(bytes);
        let vitals = board.vitals(alpha());
        assert_eq!(vitals.recent(NOW), outcomes(0, 0));
        assert_eq!(
            (vitals.in_flight(NOW), vitals.cooling_until(NOW)),
            (0, None)
        );
        assert_eq!(vitals.latency(NOW, FRESH_SECONDS, 50), None);
        assert_eq!(vitals.recent(NOW).uptime(), None);
    }
}

#[test]
fn records_survive_their_way_through_shared_data() {
    let mut board = Board::of(None);
    board.entry(alpha(), NOW).shift(1);
    board.entry(EndpointHash::of("beta"), NOW).failed(0);
    board.entry(alpha(), NOW).answered();
    let again = Board::of(Some(board.clone().into_bytes()));
    assert_eq!(again, board);
    assert_eq!(again.vitals(alpha()).in_flight(NOW), 1);
    assert_eq!(again.vitals(alpha()).recent(NOW), outcomes(1, 0));
    assert_eq!(
        again.vitals(EndpointHash::of("beta")).recent(NOW),
        outcomes(0, 1)
    );
}

#[test]
fn outcomes_age_out_of_both_windows() {
    let mut board = Board::of(None);
    for second in 0..5 {
        board
            .entry(alpha(), NOW + second * 1_000)
            .outcome(second % 2 == 0);
    }
    let recent = |at: u64| board.vitals(alpha()).recent(NOW + at);
    assert_eq!(recent(4_000), outcomes(3, 2));
    // The clock of another thread may be behind.
    assert_eq!(recent(0), outcomes(3, 2));
    assert_eq!(recent(26_999), outcomes(3, 2));
    assert_eq!(
        recent(30_000),
        outcomes(1, 1),
        "the first three seconds are gone"
    );
    assert_eq!(recent(33_000), outcomes(0, 0));
    let half_hour = |at: u64| board.vitals(alpha()).half_hour(NOW + at);
    assert_eq!(half_hour(1_600_000), outcomes(3, 2));
    assert_eq!(half_hour(1_980_000), outcomes(0, 0));
    // Buckets are used again.
    board.entry(alpha(), NOW + 31_000).answered();
    assert_eq!(board.vitals(alpha()).recent(NOW + 31_000), outcomes(2, 1));
    board.entry(alpha(), NOW + 9_000_000).failed(0);
    assert_eq!(
        board.vitals(alpha()).recent(NOW + 9_000_000),
        outcomes(0, 1)
    );
}

#[test]
fn an_outage_is_more_than_a_slip() {
    let cases = [
        ((0, 0), false),
        ((0, 1), false),
        ((0, 2), true),
        ((8, 2), true),
        ((9, 2), false),
        ((1_000, 200), false),
        ((1_000, 250), true),
    ];
    for ((answered, failed), outage) in cases {
        assert_eq!(
            outcomes(answered, failed).is_outage(),
            outage,
            "{answered} {failed}"
        );
    }
    assert_eq!(outcomes(3, 1).uptime(), Some(75.0));
}

#[test]
fn speeds_are_percentiles_of_the_latest_samples() {
    let mut board = Board::of(None);
    for n in 1..=20 {
        let mut entry = board.entry(alpha(), NOW + n);
        entry.latency(n * 10);
        entry.throughput(n, 500);
    }
    let vitals = board.vitals(alpha());
    // Of 50 to 200: the first four made room.
    let latency = |percent| vitals.latency(NOW, FRESH_SECONDS, percent);
    assert_eq!(
        [50, 75, 90, 99].map(latency),
        [120.0, 160.0, 190.0, 200.0].map(Some)
    );
    assert_eq!(vitals.throughput(NOW, FRESH_SECONDS, 50), Some(24.0));
    assert_eq!(vitals.latency(NOW + 301_000, FRESH_SECONDS, 50), None);
    assert_eq!(
        vitals.latency(NOW + 301_000, REPORTED_SECONDS, 50),
        Some(120.0)
    );
    // No time at all is no division by zero.
    board.entry(alpha(), NOW).throughput(u64::MAX, 0);
    assert!(
        board
            .vitals(alpha())
            .throughput(NOW, FRESH_SECONDS, 99)
            .unwrap()
            > 1e6
    );
}

#[test]
fn attempts_in_flight_are_counted_and_forgotten_when_a_worker_loses_them() {
    let mut board = Board::of(None);
    board.entry(alpha(), NOW).shift(-1);
    board.entry(alpha(), NOW).shift(1);
    board.entry(alpha(), NOW).shift(1);
    board.entry(alpha(), NOW).shift(-1);
    assert_eq!(board.vitals(alpha()).in_flight(NOW), 1);
    let later = NOW + 3_700_000;
    assert_eq!(board.vitals(alpha()).in_flight(later), 0);
    board.entry(alpha(), later).shift(1);
    assert_eq!(board.vitals(alpha()).in_flight(later), 1);
}

#[test]
fn cool_downs_are_bounded_and_end() {
    let mut board = Board::of(None);
    for (ms, begins) in [(0, false), (2_000, true), (1_000, false), (2_000, false)] {
        let mut entry = board.entry(alpha(), NOW);
        entry.cool_down(ms);
        assert_eq!(entry.begins_to_cool(), begins, "{ms}");
    }
    let until = |at| board.vitals(alpha()).cooling_until(at);
    assert_eq!(until(NOW + 1_999), Some(NOW + 2_000));
    assert_eq!(until(NOW + 2_000), None);
    board.entry(alpha(), NOW).cool_down(u64::MAX);
    assert_eq!(
        board.vitals(alpha()).cooling_until(NOW),
        Some(NOW + MAX_COOL_DOWN_MS)
    );
}

#[test]
fn failures_in_a_row_cool_down_twice_as_long_each_time_until_a_probe_answers() {
    let mut board = Board::of(None);
    let mut now = NOW;
    let cooling = |board: &Board, now: u64| {
        board
            .vitals(alpha())
            .cooling_until(now)
            .map(|until| until - now)
    };
    board.entry(alpha(), now).failed(3);
    board.entry(alpha(), now).failed(3);
    board.entry(alpha(), now).answered();
    board.entry(alpha(), now).failed(3);
    board.entry(alpha(), now).failed(3);
    assert_eq!(cooling(&board, now), None, "an answer ends the row");
    let fails = |board: &mut Board, now: u64| {
        let mut entry = board.entry(alpha(), now);
        entry.failed(3);
        entry.begins_to_cool()
    };
    assert!(fails(&mut board, now));
    assert_eq!(cooling(&board, now), Some(1_000));
    // What was under way then makes it no longer.
    assert!(!fails(&mut board, now + 500));
    assert_eq!(cooling(&board, now), Some(1_000));
    assert!(!board.vitals(alpha()).wants_probe(now + 999));
    assert!(!board.entry(alpha(), now + 999).probe());
    for expected in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        now += cooling(&board, now).unwrap();
        assert!(board.vitals(alpha()).wants_probe(now));
        assert!(board.entry(alpha(), now).probe());
        assert!(!board.entry(alpha(), now).probe(), "one probe, no two");
        assert_eq!(cooling(&board, now), Some(PROBE_MS));
        now += 10;
        assert!(fails(&mut board, now), "once more");
        assert_eq!(cooling(&board, now), Some(expected));
    }
    // A probe of which nobody hears leaves the place to another.
    now += 60_000;
    assert!(board.entry(alpha(), now).probe());
    now += PROBE_MS;
    assert!(board.entry(alpha(), now).probe());
    board.entry(alpha(), now + 1).answered();
    assert_eq!(cooling(&board, now), None);
    assert!(!board.vitals(alpha()).wants_probe(now));
    // It begins again from the shortest.
    for _ in 0..3 {
        board.entry(alpha(), now).failed(3);
    }
    assert_eq!(cooling(&board, now), Some(1_000));
}

#[test]
fn a_cool_down_that_the_provider_asked_for_is_not_ended_by_an_answer() {
    let mut board = Board::of(None);
    board.entry(alpha(), NOW).cool_down(5_000);
    board.entry(alpha(), NOW).answered();
    assert!(board.vitals(alpha()).cooling_until(NOW).is_some());
    assert!(
        !board.vitals(alpha()).wants_probe(NOW + 5_000),
        "it is over when it is over"
    );
    for _ in 0..100 {
        board.entry(alpha(), NOW + 5_000).failed(0);
    }
    assert_eq!(
        board.vitals(alpha()).cooling_until(NOW + 5_000),
        None,
        "0 is never"
    );
}

#[test]
fn the_record_is_bounded() {
    let mut board = Board::of(None);
    for n in 0..MAX_ENDPOINTS as u64 + 1 {
        board
            .entry(EndpointHash::of(&n.to_string()), NOW + n * 1_000)
            .shift(1);
    }
    assert_eq!(
        board.clone().into_bytes().len(),
        HEADER_BYTES + MAX_ENDPOINTS * ENTRY_BYTES
    );
    let in_flight = |n: &str| board.vitals(EndpointHash::of(n)).in_flight(NOW);
    assert_eq!(
        (in_flight("0"), in_flight("1"), in_flight("128")),
        (0, 1, 1),
        "the quietest is gone"
    );
}

#[test]
fn what_tokens_really_count_is_learned_and_stays() {
    let mut board = Board::of(None);
    assert_eq!(board.correction(), None);
    board.learn(Correction::new(1_500));
    assert_eq!(board.correction(), Some(Correction::new(1_500)));
    board.entry(alpha(), NOW).answered();
    for _ in 0..100 {
        board.learn(Correction::new(800));
    }
    let mut board = Board::of(Some(board.into_bytes()));
    let learned = board.correction().unwrap().factor();
    assert!((800..820).contains(&learned), "{learned}");
    assert_eq!(board.vitals(alpha()).recent(NOW), outcomes(1, 0));
    // Nobody can drive it out of bounds.
    for _ in 0..100 {
        board.learn(Correction::new(1));
    }
    assert!(board.correction().unwrap().factor() >= 512);
}
