use super::*;

/// 2026-11-25, noon.
const NOON: u64 = 20_782 * 86_400 + 43_200;

fn dollars(text: &str) -> Option<Usd> {
    Some(Usd::parse(text).unwrap())
}

fn costs(nano: u64) -> Ask {
    Ask {
        now: NOON,
        cost: Sum {
            spent: nano,
            byok: nano * 2,
        },
        ..Ask::default()
    }
}

fn bill(nano: u64, now: u64) -> Used {
    Used {
        now,
        cost: Sum {
            spent: nano,
            byok: 0,
        },
        tokens: 0,
    }
}

#[test]
fn a_limit_is_never_overrun() {
    let allowance = Allowance {
        limit: dollars("1"),
        ..Allowance::default()
    };
    let mut balance = Balance::default();
    let mut holds = Vec::new();
    while let Ok(hold) = balance.admit(&allowance, &costs(300_000_000)) {
        holds.push(hold);
    }
    assert_eq!(holds.len(), 3);
    assert_eq!(balance.left(&allowance, NOON), dollars("0.1"));
    let refused = balance.admit(&allowance, &costs(300_000_000));
    assert_eq!(
        refused,
        Err(Refusal::Credits {
            asked: Usd::parse("0.3").unwrap(),
            left: Usd::parse("0.1").unwrap(),
            resets: None
        })
    );
    // What they did not need returns.
    for hold in holds {
        balance.settle(Some(hold), &bill(100_000_000, NOON));
    }
    assert_eq!(balance.left(&allowance, NOON), dollars("0.7"));
    assert_eq!(balance.reserved(NOON), Usd::default());
    assert!(balance.admit(&allowance, &costs(700_000_000)).is_ok());
    assert!(balance.admit(&allowance, &costs(1)).is_err());
    assert!(
        balance.admit(&allowance, &costs(0)).is_ok(),
        "free of charge"
    );
}

#[test]
fn limits_reset_and_may_include_what_others_charged() {
    let mut allowance = Allowance {
        limit: dollars("1"),
        limit_reset: LimitReset::Daily,
        ..Allowance::default()
    };
    let mut balance = Balance::default();
    balance.settle(None, &bill(1_500_000_000, NOON));
    let refused = balance.admit(&allowance, &costs(0));
    let midnight = NOON + 43_200;
    assert!(
        matches!(refused, Err(Refusal::Credits { resets, .. }) if resets == Some(midnight)),
        "overdrawn: {refused:?}"
    );
    let tomorrow = Ask {
        now: midnight,
        ..costs(400_000_000)
    };
    assert!(balance.admit(&allowance, &tomorrow).is_ok());
    allowance.include_byok_in_limit = true;
    assert!(balance.admit(&allowance, &tomorrow).is_err());
}

#[test]
fn rates_are_bounded() {
    let allowance = Allowance {
        requests_per_minute: Some(2),
        tokens_per_minute: Some(100),
        ..Allowance::default()
    };
    let ask = |tokens, now| Ask {
        now,
        tokens,
        ..Ask::default()
    };
    let mut balance = Balance::default();
    let hold = balance.admit(&allowance, &ask(60, NOON)).unwrap();
    let refused = balance.admit(&allowance, &ask(60, NOON));
    assert!(matches!(
        refused,
        Err(Refusal::Tokens(Limited {
            limit: 100,
            remaining: 40,
            wait: 80
        }))
    ));
    // It took ten.
    balance.settle(
        Some(hold),
        &Used {
            now: NOON,
            tokens: 10,
            ..Used::default()
        },
    );
    assert!(balance.admit(&allowance, &ask(60, NOON)).is_ok());
    let refused = balance.admit(&allowance, &ask(1, NOON));
    let Err(Refusal::Requests(limited)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((limited.limit, limited.remaining), (2, 0));
    let later = NOON + limited.wait;
    assert!(balance.admit(&allowance, &ask(1, later - 1)).is_err());
    assert!(balance.admit(&allowance, &ask(1, later)).is_ok());
}

#[test]
fn free_requests_are_counted_by_the_day() {
    let allowance = Allowance {
        free_requests_per_day: Some(1),
        ..Allowance::default()
    };
    let ask = |is_free, now| Ask {
        now,
        is_free,
        ..Ask::default()
    };
    let mut balance = Balance::default();
    assert!(balance.admit(&allowance, &ask(true, NOON)).is_ok());
    assert_eq!(
        balance.admit(&allowance, &ask(true, NOON)),
        Err(Refusal::Free(Limited {
            limit: 1,
            remaining: 0,
            wait: 43_200
        }))
    );
    assert!(balance.admit(&allowance, &ask(false, NOON)).is_ok());
    assert!(balance.admit(&allowance, &ask(true, NOON + 43_200)).is_ok());
}
