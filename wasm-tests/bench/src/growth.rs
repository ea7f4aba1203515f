//! Whether a request costs more where the catalog is large, or many keys are known: a gateway against itself.

use meshrouter_wasm_tests::many;
use serde_json::{Value, json};

use crate::bench::{Bench, CONNECTIONS, cost, requests, turns};
use crate::closed_loop;
use crate::gateway::Gateway;
use crate::load::End;
use crate::rows::{Compare, Row, Targets};

const FEW: usize = 10;
const MODELS: usize = 2_000;
const KEYS: usize = 100_000;

/// What 2,000 models and 100,000 keys cost, in ten of each. Of `bench`, no Envoy is needed.
pub fn measure(bench: &Bench, cpus: &[usize]) -> Result<Vec<Row>, String> {
    let (port, names) = (bench.upstream.port, &bench.names);
    bench.upstream.answer_plain();
    let row = |what: &str| {
        let name = format!("CPU of a request of 1 KB with {what}, as a multiple of that with 10");
        bench.row(name, "×", Compare::Alone, Targets::new(1.05, 1.05))
    };
    let (mut models, mut keys) = (row("2,000 models"), row("100,000 keys"));
    for (place, name) in names.iter().enumerate() {
        let start = |models: usize, keys: usize| {
            Gateway::shipped(name, port, cpus, move |document| {
                fill(document, models, keys)
            })
        };
        let gateways = [start(FEW, FEW)?, start(MODELS, FEW)?, start(FEW, KEYS)?];
        let [few, with_models, with_keys] = costs(bench, &gateways)?;
        for ((few, with_models), with_keys) in few.iter().zip(with_models).zip(with_keys) {
            models.push(place + 1, with_models / few);
            keys.push(place + 1, with_keys / few);
        }
    }
    Ok(vec![models, keys])
}

/// CPU of a request of 1 KB in every round, for each of these.
fn costs(bench: &Bench, gateways: &[Gateway; 3]) -> Result<[Vec<f64>; 3], String> {
    for gateway in gateways {
        closed_loop::warm_up_small(gateway, 2 * bench.time)?;
    }
    let requests = requests(1_000);
    let mut costs = [const { Vec::new() }; 3];
    // Differences of a few per cent need more rounds than ratios of several.
    turns(2 * bench.rounds, gateways, |place, gateway| {
        let cost = cost(gateway, &requests, CONNECTIONS, End::After(bench.time))?;
        if let Some(costs) = costs.get_mut(place) {
            costs.push(cost.cpu);
        }
        Ok(())
    })?;
    Ok(costs)
}

/// Fills a document up to so many models and keys. Requests ask for the models, and come with the key, that it has already.
fn fill(document: &mut Value, models: usize, keys: usize) {
    let mut more = many::document(models, 3);
    let mut more = more.get_mut("models").map(Value::take).unwrap_or_default();
    for endpoint in more
        .as_array_mut()
        .into_iter()
        .flatten()
        .flat_map(endpoints)
    {
        let provider = match endpoint["provider"].as_str() {
            Some("p0") => "alpha",
            Some("p1") => "beta",
            _ => "gamma",
        };
        endpoint["provider"] = provider.into();
    }
    let more = more.as_array_mut().map(std::mem::take).unwrap_or_default();
    fill_up(&mut document["models"], more, models);
    let key = |number: usize| json!({"name": format!("customer-{number}"), "hash": format!("{number:064x}")});
    fill_up(&mut document["keys"], (0..keys).map(key).collect(), keys);
}

fn endpoints(model: &mut Value) -> impl Iterator<Item = &mut Value> {
    model["endpoints"].as_array_mut().into_iter().flatten()
}

fn fill_up(list: &mut Value, more: Vec<Value>, length: usize) {
    if let Some(list) = list.as_array_mut() {
        let missing = length.saturating_sub(list.len());
        list.extend(more.into_iter().take(missing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_filled_up() {
        let mut document = json!({"models": [{"id": "a"}], "keys": [{"name": "demo"}]});
        fill(&mut document, 12, 7);
        assert_eq!(document["models"].as_array().unwrap().len(), 12);
        assert_eq!(document["keys"].as_array().unwrap().len(), 7);
        assert_eq!(document["models"][0]["id"], "a");
        assert_eq!(document["models"][11]["endpoints"][2]["provider"], "gamma");
    }
}
