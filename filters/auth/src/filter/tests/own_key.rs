//! `GET /key`.

use meshrouter_ledger::{Ask, Balance, Sum, Used};

use super::*;

/// Puts what an account has spent, a dollar, and reserved, half a one, where `auth` finds it.
fn spend(gateway: &mut Gateway, account: &str) {
    let mut balance = Balance::default();
    let cost = Sum {
        spent: 1_000_000_001,
        byok: 70,
    };
    let used = Used {
        now: NOW,
        cost,
        tokens: 5,
    };
    balance.settle(None, &used);
    for _ in 0..2 {
        let ask = Ask {
            now: NOW,
            cost: Sum {
                spent: 250_000_000,
                byok: 0,
            },
            is_free: true,
            ..Ask::default()
        };
        let _ = balance.admit(&Default::default(), &ask).unwrap();
    }
    let key = meshrouter_ledger::key(account);
    let value = (balance.encode(), 1);
    gateway.shared.shared.insert(key, value);
}

#[test]
fn tells_what_a_key_may_use_and_has() {
    let mut gateway = Gateway::new();
    spend(&mut gateway, "demo");
    for path in ["/key", "/auth/key", "/key/"] {
        let (status, answer) = gateway.api("sk-demo", "GET", path, None);
        assert_eq!(status, 200);
        let data = &answer["data"];
        let text = answer.to_string();
        assert_eq!(data["label"], "sk-or-v1-abc...123");
        assert_eq!(data["limit"], json!(2.5));
        assert_eq!(data["limit_reset"], "daily");
        assert_eq!(data["limit_remaining"], json!(0.999999999));
        for usage in ["usage", "usage_daily", "usage_weekly", "usage_monthly"] {
            assert_eq!(data[usage], json!(1.000000001), "{usage}: {text}");
            assert_eq!(data[format!("byok_{usage}")], json!(0.00000007), "{text}");
        }
        assert_eq!(data["is_provisioning_key"], false);
        assert_eq!(data["rate_limit"]["requests"], -1);
        assert_eq!(data["free_model_daily_requests"]["used"], 2);
        assert_eq!(data["budgets"][0], data["effective_budget"]);
        assert_eq!(
            data["effective_budget"]["resets_at"],
            "2026-11-26T00:00:00Z"
        );
    }
}

#[test]
fn tells_what_is_not_limited() {
    let mut gateway = Gateway::new();
    let (status, answer) = gateway.api("sk-ops", "GET", "/key", None);
    let data = &answer["data"];
    assert_eq!((status, &data["label"]), (200, &json!("ops")));
    for field in [
        "limit",
        "limit_remaining",
        "limit_reset",
        "expires_at",
        "effective_budget",
    ] {
        assert!(
            data.get(field).is_some_and(Value::is_null),
            "{field}: {data}"
        );
    }
    assert_eq!(data["usage"], 0);
    assert_eq!(data["is_provisioning_key"], true);
    assert_eq!(data["rate_limit"]["requests"], 60);
    let free = json!({"limit": -1, "used": 0, "remaining": -1});
    assert_eq!(data["free_model_daily_requests"], free);
    assert_eq!(
        gateway.api("sk-new", "GET", "/key", None).1["data"]["expires_at"],
        "2026-11-25T00:00:01Z"
    );
    assert_eq!(gateway.api("sk-ops", "POST", "/key", Some("{}")).0, 405);
}
