//! Properties over random catalogs, requests and live numbers.

use std::collections::BTreeSet;

use meshrouter_core::plan::MAX_CANDIDATES;

use super::*;

/// A small generator of numbers: the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }

    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.below(3) == 0).cloned().collect()
    }
}

const PROVIDERS: [&str; 4] = ["a", "b", "c", "d"];
const LEVELS: [&str; 3] = ["fp8", "int4", "unknown"];

fn random_endpoints(random: &mut Random) -> Vec<Value> {
    let mut endpoints = Vec::new();
    for provider in PROVIDERS {
        for variant in 0..random.below(7) {
            let price = (random.below(9) + 1).to_string();
            let mut more = json!({"quantization": LEVELS[random.below(3) as usize], "zdr": random.maybe(),
                "context_length": 500 + random.below(5_000), "throughput": random.below(100)});
            if variant > 0 {
                more["variant"] = json!(format!("v{variant}"));
            }
            if random.maybe() {
                more["supported_parameters"] =
                    json!(random.some(&["tools", "seed", "stop", "structured_outputs"]));
            }
            endpoints.push(endpoint(provider, &price, more));
        }
    }
    if endpoints.is_empty() {
        endpoints.push(endpoint("a", "1", json!({})));
    }
    endpoints
}

fn random_request(random: &mut Random) -> Value {
    let tags = ["a", "b", "c/v1", "d/v2", "A/V1"];
    let (order, only, ignore) = (random.some(&tags), random.some(&tags), random.some(&tags));
    let levels = random.some(&LEVELS);
    let sorts = [
        json!("price"),
        json!("latency"),
        json!({"by": "throughput", "partition": "none"}),
    ];
    let sort = sorts[random.below(3) as usize].clone();
    let fields = [
        ("order", json!(order)),
        ("only", json!(only)),
        ("ignore", json!(ignore)),
        ("allow_fallbacks", json!(false)),
        ("require_parameters", json!(true)),
        ("zdr", json!(true)),
        ("quantizations", json!(levels)),
        ("sort", sort),
        ("max_price", json!({"prompt": 5})),
        ("preferred_min_throughput", json!(50)),
    ];
    let mut preferences = json!({});
    for (name, value) in fields {
        if random.below(4) == 0 {
            preferences[name] = value;
        }
    }
    let names = random.some(&["tools", "seed"]);
    let parameters = meshrouter_core::parameters::ParameterSet::all(names.iter().copied());
    let transforms = ["off", "default", "middle-out"][random.below(3) as usize];
    json!({"preferences": preferences, "parameters": parameters, "structured": random.below(4) == 0,
        "max_tokens": random.below(1_000), "transforms": transforms})
}

fn random_health(random: &mut Random, case: &mut Case) {
    for model in ["m", "n"] {
        for tag in ["a", "b", "c/v1", "d"] {
            for _ in 0..random.below(4) {
                let (answered, speed) = (random.maybe(), random.below(100));
                let cools = random.below(9) == 0;
                case.happens(model, tag, |entry| {
                    if answered {
                        entry.answered();
                    } else {
                        entry.failed(2);
                    }
                    entry.throughput(speed, 1_000);
                    entry.latency(speed);
                    if cools {
                        entry.cool_down(1_000);
                    }
                });
            }
        }
    }
}

/// Checks that no candidate is one that the request forbids.
fn assert_allowed(candidates: &[&str], preferences: &Value, about: &str) {
    let names = |field: &str, tag: &str| {
        let list = preferences[field].as_array().into_iter().flatten();
        let mut list = list.map(|slug| slug.as_str().unwrap().to_lowercase());
        list.any(|slug| slug == tag || tag.split('/').next() == Some(&slug))
    };
    let listed = |field: &str| {
        preferences[field]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    };
    for candidate in candidates {
        let tag = candidate.split_once('@').unwrap().1;
        assert!(!names("ignore", tag), "{about}");
        assert!(!listed("only") || names("only", tag), "{about}");
        let alone = preferences["allow_fallbacks"] == false;
        assert!(
            !(alone && listed("order")) || names("order", tag),
            "{about}"
        );
    }
}

#[test]
fn whatever_is_asked() {
    let mut seen = BTreeSet::new();
    let mut random = Random(42);
    for round in 0..1_500 {
        let models = ["m", "n"].map(|id| model(id, json!({}), random_endpoints(&mut random)));
        let all: usize = models
            .iter()
            .map(|model| model["endpoints"].as_array().unwrap().len())
            .sum();
        let mut case = Case::new(models.to_vec(), json!({}));
        random_health(&mut random, &mut case);
        case.seed = random.below(1 << 30);
        let request = random_request(&mut random);
        let found = case.found(&["m", "n"], &request);
        let about = format!("round {round}: {request} {found:?}");
        let planned: Vec<&str> = found
            .plan
            .split(',')
            .filter(|text| !text.is_empty())
            .collect();
        let excluded = found
            .excluded
            .iter()
            .map(|text| text.rsplit_once(": ").unwrap());
        let (excluded, constraints): (Vec<&str>, Vec<&str>) = excluded.unzip();

        // Every endpoint is either planned or left out for a reason, once.
        let each: BTreeSet<&str> = planned.iter().chain(&excluded).copied().collect();
        assert_eq!(
            (each.len(), planned.len() + excluded.len()),
            (all, all),
            "{about}"
        );
        assert!(planned.len() <= MAX_CANDIDATES, "{about}");
        assert_allowed(&planned, &request["preferences"], &about);
        // The same again for the same seed.
        assert_eq!(case.found(&["m", "n"], &request), found, "{about}");
        seen.extend(constraints.into_iter().map(str::to_owned));
    }
    // The rounds reached every constraint that they could.
    let constraints = [
        "only",
        "ignore",
        "zdr",
        "quantizations",
        "max_price",
        "tools",
        "structured_outputs",
        "require_parameters",
        "context_length",
        "order",
        "allow_fallbacks",
        "plan",
    ];
    for constraint in constraints {
        assert!(seen.contains(constraint), "{constraint} of {seen:?}");
    }
}
