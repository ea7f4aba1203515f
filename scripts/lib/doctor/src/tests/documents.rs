//! The gateway document, alone and with the clusters that it names.

use serde_json::{Value, json};

use super::{at, edit_documents, finds, finds_in_document, has, shipped};

const UNCHECKED: &str =
    "warning: static_resources: chains, clusters, buffers and routes were not checked";

#[test]
fn filters_say_themselves_what_they_refuse() {
    finds_in_document(
        "envoy",
        |document| document["colour"] = json!(1),
        &[
            "error: gateway document: colour: unknown field `colour`, expected one of `providers`",
            UNCHECKED,
        ],
    );
    finds_in_document(
        "fused",
        |document| document["models"][0]["context_length"] = json!("much"),
        &[
            "error: gateway document: models[0].context_length: invalid type: string \"much\", expected u64",
            UNCHECKED,
        ],
    );
    finds_in_document(
        "native",
        |document| document["hedge_after_ms"] = json!(100),
        &["error: gateway document: hedge_after_ms: attempts cannot race in the native shape"],
    );
}

#[test]
fn what_several_filters_refuse_is_told_once() {
    let edit =
        |document: &mut Value| document["models"][0]["endpoints"][0]["provider"] = json!("omega");
    let mut file = shipped("envoy");
    edit_documents(&mut file, &edit);
    let told = "error: gateway document: models[0].endpoints[0].provider: no provider `omega`; known: alpha, beta, gamma \
                (refused by normalize, select, usage, fallback)\n    mend: ";
    has(&file, &[told]);
    finds_in_document(
        "envoy",
        |document| document["models"][0]["endpoints"] = json!([]),
        &["error: gateway document: models[0].endpoints: a model needs at least one endpoint"],
    );
    finds_in_document(
        "envoy",
        |document| document["keys"][0]["hash"] = json!("sk-or-v1-demo"),
        &["error: gateway document: keys[0].hash: "],
    );
}

#[test]
fn secrets_are_not_repeated() {
    let secret = json!([{"provider": "alpha", "secret": {"sk-4711": 1}}]);
    let mut file = shipped("envoy");
    edit_documents(&mut file, &|document| {
        document["keys"][0]["credentials"] = secret.clone()
    });
    let found = super::found(&file);
    assert!(found[0].starts_with("error: gateway document: keys[0].credentials[0].secret: "));
    assert!(!found.concat().contains("4711"), "{found:#?}");
}

#[test]
fn what_hardly_anybody_means_is_a_warning() {
    finds_in_document(
        "envoy",
        |document| document["keys"] = json!([]),
        &["warning: gateway document: keys: nobody may call"],
    );
    finds_in_document(
        "envoy",
        |document| {
            document["models"][1]["endpoints"][0]["pricing"] =
                json!({"prompt": "0", "completion": "0.0"})
        },
        &[
            "warning: gateway document: models[1].endpoints[0].pricing: `anthropic/claude-sonnet-4` is free at `beta`",
        ],
    );
}

fn alone(id: &str, pricing: &Value) -> Value {
    json!({
        "providers": {"alpha": {"cluster": "anywhere"}},
        "models": [{"id": id, "context_length": 8192.0, "endpoints": [{"provider": "alpha", "pricing": pricing}]}],
        "keys": [{"name": "k", "hash": "d38bdddf004b80ac7e23b8af286648eed48054dc030bbcb509128092c60e2f75"}],
    })
}

#[test]
fn a_document_is_checked_by_itself() {
    let free = json!({"prompt": "0", "completion": "0"});
    has(
        &alone(
            "m/one",
            &json!({"prompt": "0", "completion": "0", "request": "0.1"}),
        ),
        &[],
    );
    has(&alone("m/one:free", &free), &[]);
    has(
        &alone("m/one", &free),
        &["warning: gateway document: models[0].endpoints[0].pricing: `m/one` is free"],
    );
    has(
        &alone("m/one", &json!({"prompt": "0"})),
        &["error: gateway document: models[0].endpoints[0].pricing: missing field `completion`"],
    );
    has(
        &json!({}),
        &[
            "warning: gateway document: keys: ",
            "warning: gateway document: models: ",
        ],
    );
}

#[test]
fn clusters_that_the_document_names_are_there() {
    finds_in_document(
        "envoy",
        |document| document["providers"]["alpha"]["cluster"] = json!("omega"),
        &["error: gateway document: providers.alpha.cluster: Envoy has no cluster `omega`"],
    );
    finds_in_document(
        "native",
        |document| {
            document["keys"][0]["credentials"] = json!([{"provider": "alpha", "cluster": "omega"}])
        },
        &["error: gateway document: keys[0].credentials[0].cluster: Envoy has no cluster `omega`"],
    );
    finds_in_document(
        "envoy",
        |document| document["store"] = json!({"cluster": "etcd"}),
        &[],
    );
    finds_in_document(
        "openai",
        |document| document["store"] = json!({"cluster": "etcd"}),
        &["error: gateway document: store.cluster: Envoy has no cluster `etcd`"],
    );
    finds(
        "envoy",
        |file| {
            file["dynamic_resources"] = json!({"cds_config": {}});
            edit_documents(file, &|document| {
                document["providers"]["alpha"]["cluster"] = json!("omega")
            });
        },
        &[
            "warning: gateway document: providers.alpha.cluster: the cluster `omega` does not stand in this file",
        ],
    );
}

#[test]
fn a_document_may_be_text() {
    let text = |file: &mut Value| {
        let document = at(
            file,
            &format!(
                "{}/http_filters/0/typed_config/config/configuration/value",
                super::EDGE
            ),
        )
        .clone();
        let text = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": document.to_string()});
        for (chain, filters) in [(super::EDGE, 5), (super::ATTEMPT, 2)] {
            for n in 0..filters {
                *at(
                    file,
                    &format!("{chain}/http_filters/{n}/typed_config/config/configuration"),
                ) = text.clone();
            }
        }
    };
    finds("envoy", text, &[]);
    finds(
        "fused",
        |file| {
            *at(
                file,
                &format!(
                    "{}/http_filters/0/typed_config/config/configuration/@type",
                    super::EDGE
                ),
            ) = json!("x")
        },
        &[
            "error: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.config.configuration: is no gateway document",
        ],
    );
}
