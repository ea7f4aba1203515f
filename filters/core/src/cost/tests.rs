use num_bigint::BigInt;
use num_rational::BigRational;

use super::*;
use crate::money::Price;
use crate::usage::tests::read;

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn share(text: &str) -> Share {
    Share::parse(text).unwrap()
}

fn used(usage: &str, images: u64) -> Consumption {
    let usage = read(usage);
    Consumption { usage, images }
}

#[test]
fn cost_is_exact() {
    let pricing = Pricing {
        prompt: price("0.00000015"),
        completion: price("0.0000006"),
        ..Pricing::default()
    };
    let used = used(r#"{"prompt_tokens": 1000, "completion_tokens": 500}"#, 0);
    let cost = pricing.cost(&used, None);
    assert_eq!(cost.caller.to_string(), "0.00045");
    assert_eq!(cost.upstream, cost.caller);
    assert_eq!(cost.waived().caller.nano(), 0);
    assert_eq!(cost.waived().upstream, cost.upstream);
}

#[test]
fn cached_and_reasoning_tokens_have_their_own_prices() {
    let pricing = Pricing {
        prompt: price("0.000003"),
        completion: price("0.000015"),
        input_cache_read: Some(price("0.0000003")),
        internal_reasoning: Some(price("0.000001")),
        request: Some(price("0.01")),
        ..Pricing::default()
    };
    let used = used(
        r#"{"prompt_tokens": 100, "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 90},
            "completion_tokens_details": {"reasoning_tokens": 10}}"#,
        0,
    );
    // 10 × 3µ + 90 × 0.3µ + 20 × 15µ + 10 × 1µ + 0.01
    assert_eq!(pricing.cost(&used, None).caller.to_string(), "0.010367");
}

#[test]
fn everything_that_has_a_price_is_paid() {
    let pricing = Pricing {
        prompt: price("0.000003"),
        completion: price("0"),
        input_cache_write: Some(price("0.00000375")),
        image: Some(price("0.0048")),
        web_search: Some(price("0.01")),
        ..Pricing::default()
    };
    let usage = r#"{"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 40},
        "server_tool_use": {"web_search_requests": 3}}"#;
    // (40 + 20) × 3µ + 40 × 3.75µ + 2 × 0.0048 + 3 × 0.01: what is read has the prompt's price.
    let cost = pricing.cost(&used(usage, 2), None);
    assert_eq!(cost.caller.to_string(), "0.03993");
    let without = Pricing {
        input_cache_write: None,
        ..pricing
    };
    assert_eq!(
        without.cost(&used(usage, 0), None).caller.to_string(),
        "0.0303"
    );
}

#[test]
fn discounts_and_fees_are_shares() {
    let pricing = Pricing {
        prompt: price("0.000001"),
        discount: Some(share("0.25")),
        ..Pricing::default()
    };
    let used = used(r#"{"prompt_tokens": 1000}"#, 0);
    let strings = |fee| {
        let cost = pricing.cost(&used, fee);
        [cost.caller, cost.upstream].map(|amount| amount.to_string())
    };
    assert_eq!(strings(None), ["0.00075", "0.00075"]);
    assert_eq!(strings(Some(share("0.05"))), ["0.0000375", "0.00075"]);
    assert_eq!(strings(Some(Share::default())), ["0", "0.00075"]);
    assert_eq!(strings(Some(Share::ALL)), ["0.00075", "0.00075"]);
    assert_eq!(pricing.discounted(1_001), 750);
    assert_eq!(Pricing::default().discounted(1_001), 1_001);
}

/// A linear congruential generator, with the constants of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 31
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    /// A number up to `most`, as often small as large.
    fn up_to(&mut self, most: u64) -> u64 {
        let wide = self.next() << 33 | self.next();
        let bits = self.next() % 65;
        let number = wide.checked_shr(u32::try_from(bits).unwrap());
        number.unwrap_or(0) % most.saturating_add(1)
    }

    /// A price as text, and in USD.
    fn price(&mut self) -> (String, BigRational) {
        let places = 12 - usize::try_from(self.next() % 4).unwrap();
        let digits = format!("{:0>13}", self.up_to(9_999_999_999_999));
        let (whole, fraction) = digits.split_at(13 - places);
        let text = format!("{whole}.{fraction}");
        let value = rational(
            digits.parse().unwrap(),
            10_u128.pow(u32::try_from(places).unwrap()),
        );
        (text, value)
    }

    fn share(&mut self) -> (Share, BigRational) {
        let parts = self.up_to(10_000);
        let text = match parts {
            10_000 => "1".to_owned(),
            _ => format!("0.{parts:04}"),
        };
        (share(&text), rational(parts.into(), 10_000))
    }
}

fn rational(numerator: u128, denominator: u128) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// In nano-dollars, half up, as far as they fit.
fn rounded(dollars: BigRational) -> u64 {
    let nano = dollars * rational(1_000_000_000, 1);
    let half_up = (nano + rational(1, 2)).floor().to_integer();
    u64::try_from(half_up).unwrap_or(u64::MAX)
}

/// Against exact fractions, over prices, counts, discounts and fees of every size.
#[test]
fn cost_is_what_exact_fractions_make_of_it() {
    let mut random = Random(7);
    let mut capped = 0;
    for round in 0..5_000 {
        let prices: Vec<_> = (0..8).map(|_| random.price()).collect();
        let value = |n: usize| prices[n].1.clone();
        let text = |n: usize| price(&prices[n].0);
        let given = [(); 6].map(|()| random.coin());
        let optional = |n: usize| given[n - 2].then(|| text(n));
        let discount = random.share();
        let fee = random.share();
        let (own, discounted) = (random.coin(), random.coin());
        let pricing = Pricing {
            prompt: text(0),
            completion: text(1),
            request: optional(2),
            image: optional(3),
            web_search: optional(4),
            internal_reasoning: optional(5),
            input_cache_read: optional(6),
            input_cache_write: optional(7),
            discount: discounted.then_some(discount.0),
        };
        let tokens = MAX_COUNT;
        let (fresh, read, write) = (
            random.up_to(tokens / 4),
            random.up_to(tokens / 4),
            random.up_to(tokens / 4),
        );
        let completion = random.up_to(tokens);
        let reasoning = random.up_to(completion);
        let (images, searches) = (random.up_to(99), random.up_to(1_000));
        let usage = format!(
            r#"{{"prompt_tokens": {}, "completion_tokens": {completion},
                "prompt_tokens_details": {{"cached_tokens": {read}, "cache_write_tokens": {write}}},
                "completion_tokens_details": {{"reasoning_tokens": {reasoning}}},
                "server_tool_use": {{"web_search_requests": {searches}}}}}"#,
            fresh + read + write
        );
        let cost = pricing.cost(&used(&usage, images), own.then_some(fee.0));

        let or = |n: usize, other: BigRational| if given[n - 2] { value(n) } else { other };
        let nothing = rational(0, 1);
        let units = [
            (value(0), fresh),
            (or(6, value(0)), read),
            (or(7, value(0)), write),
            (value(1), completion),
            (or(5, nothing.clone()), reasoning),
            (or(3, nothing.clone()), images),
            (or(4, nothing.clone()), searches),
            (or(2, nothing.clone()), 1),
        ];
        let listed = units.into_iter().fold(nothing, |sum, (price, units)| {
            sum + price * rational(units.into(), 1)
        });
        let whole = rational(1, 1);
        let upstream = match discounted {
            true => listed * (whole - discount.1),
            false => listed,
        };
        let caller = match own {
            true => upstream.clone() * fee.1.clone(),
            false => upstream.clone(),
        };
        let found = (cost.caller.nano(), cost.upstream.nano());
        capped += u32::from(found.1 == u64::MAX);
        assert_eq!(
            found,
            (rounded(caller), rounded(upstream)),
            "{round}: {pricing:?} {usage} {images} {own} {fee:?}"
        );
    }
    assert!(
        capped > 100 && capped < 2_500,
        "{capped} of 5,000 are too large to count"
    );
}
