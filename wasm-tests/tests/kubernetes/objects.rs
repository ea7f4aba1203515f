//! The objects beside each other: what one names, another has.

use std::collections::BTreeMap;

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::kubernetes::{Rendered, check};
use serde_json::{Value, json};

use crate::files::{all, configuration};
use crate::{key, secret};

/// The labels of the pods.
fn labels(rendered: &Rendered) -> &Value {
    &rendered.the("Deployment")["spec"]["template"]["metadata"]["labels"]
}

/// Whether an object has these labels, of which there have to be some.
fn has(object: &Value, labels: &Value) -> bool {
    let labels = labels.as_object().unwrap();
    !labels.is_empty()
        && labels
            .iter()
            .all(|(key, value)| object.get(key) == Some(value))
}

fn container(rendered: &Rendered) -> &Value {
    &rendered.the("Deployment")["spec"]["template"]["spec"]["containers"][0]
}

/// The ports of the container by their names.
fn ports(rendered: &Rendered) -> BTreeMap<&str, &Value> {
    let ports = container(rendered)["ports"].as_array().unwrap().iter();
    ports
        .map(|port| (port["name"].as_str().unwrap(), &port["containerPort"]))
        .collect()
}

fn services(rendered: &Rendered) -> Vec<&Value> {
    let objects = rendered.objects().iter();
    objects
        .filter(|object| object["kind"] == "Service")
        .collect()
}

#[test]
fn every_object_is_valid() {
    let mut objects = Rendered::new().objects().to_vec();
    objects.push(secret(key));
    let installed = repository().join(".cache/kubernetes");
    let (valid, said) = check(&installed, &objects);
    assert!(valid, "{said}");
    let kinds: Vec<_> = said
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let wanted = [
        "ServiceAccount",
        "ConfigMap",
        "ConfigMap",
        "Service",
        "Service",
        "Deployment",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "ServiceMonitor",
        "NetworkPolicy",
        "Secret",
    ];
    assert_eq!(kinds, wanted);

    // A check that says yes to everything would prove nothing.
    let place = |kind: &str| {
        objects
            .iter()
            .position(|object| object["kind"] == kind)
            .unwrap()
    };
    let deployment = place("Deployment");
    let container = "/spec/template/spec/containers/0";
    let breaks: [(&str, &str, Value, &str); 5] = [
        (
            "Deployment",
            container,
            json!({"name": "envoy", "livenesProbe": {}}),
            "livenesProbe is no field of it",
        ),
        (
            "Deployment",
            &format!("{container}/ports/0/containerPort"),
            json!("http"),
            "containerPort breaks type",
        ),
        (
            "HorizontalPodAutoscaler",
            "/spec/maxReplicas",
            Value::Null,
            "maxReplicas breaks",
        ),
        (
            "ServiceMonitor",
            "/spec/endpoints/0",
            json!({"targetport": 1}),
            "targetport is no field of it",
        ),
        (
            "NetworkPolicy",
            "/spec/podSelector",
            json!([]),
            "podSelector breaks type",
        ),
    ];
    for (kind, pointer, value, wanted) in breaks {
        let mut broken = objects[place(kind)].clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        let (valid, said) = check(&installed, &[broken, objects[deployment].clone()]);
        assert!(!valid && said.contains(wanted), "{wanted}: {said}");
        assert!(said.ends_with("Deployment meshrouter: valid\n"), "{said}");
    }
}

#[test]
fn selectors_find_the_pods() {
    let rendered = Rendered::new();
    let mut selectors = Vec::new();
    for object in rendered.objects() {
        match object["kind"].as_str().unwrap() {
            "Service" => selectors.push(&object["spec"]["selector"]),
            "ServiceMonitor" => {}
            _ => all(
                object,
                &["selector", "labelSelector", "podSelector"],
                &mut selectors,
            ),
        }
    }
    // Of two Services, the Deployment, its two constraints, the budget and the policy.
    assert_eq!(selectors.len(), 7);
    for selector in selectors {
        let selector = selector.get("matchLabels").unwrap_or(selector);
        assert!(has(labels(&rendered), selector), "{selector}");
    }
}

#[test]
fn two_ports_are_open_and_all_that_names_one_names_these() {
    let rendered = Rendered::new();
    let ports = ports(&rendered);
    let (http, operations) = (json!(8080), json!(9902));
    let wanted = BTreeMap::from([("http", &http), ("operations", &operations)]);
    assert_eq!(ports, wanted);
    // The two listen for everybody; the admin does not.
    let configuration = configuration(&rendered);
    let mut sockets = Vec::new();
    all(&configuration, &["socket_address"], &mut sockets);
    sockets.retain(|socket| socket["address"] == "0.0.0.0");
    let mut open: Vec<_> = sockets
        .iter()
        .filter_map(|socket| socket["port_value"].as_u64())
        .collect();
    open.sort_unstable();
    assert_eq!(open, [8080, 9902]);
    let admin = json!({"address": "127.0.0.1", "port_value": 9901});
    assert_eq!(
        configuration[0][0]["admin"]["address"]["socket_address"],
        admin
    );

    let is_port = |name: &Value| ports.contains_key(name.as_str().unwrap_or_default());
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let get = &container(&rendered)[probe]["httpGet"];
        assert!(is_port(&get["port"]), "{probe}");
    }
    for service in services(&rendered) {
        let target = &service["spec"]["ports"][0]["targetPort"];
        assert!(is_port(target), "{service}");
    }
    let rules = rendered.the("NetworkPolicy")["spec"]["ingress"]
        .as_array()
        .unwrap();
    assert_eq!(rules.len(), ports.len());
    assert!(
        rules.iter().all(|rule| is_port(&rule["ports"][0]["port"])),
        "{rules:?}"
    );
}

#[test]
fn prometheus_finds_one_of_the_services() {
    let rendered = Rendered::new();
    let monitor = &rendered.the("ServiceMonitor")["spec"];
    let mut found = services(&rendered);
    found.retain(|service| {
        has(
            &service["metadata"]["labels"],
            &monitor["selector"]["matchLabels"],
        )
    });
    assert_eq!(found.len(), 1, "{found:?}");
    let service = &found[0]["spec"];
    assert_eq!(service["ports"][0]["name"], monitor["endpoints"][0]["port"]);
    // It asks each pod.
    assert_eq!(service["clusterIP"], "None");
}

#[test]
fn the_autoscaler_says_how_many_and_one_may_go() {
    let rendered = Rendered::new();
    let (deployment, scaler) = (
        rendered.the("Deployment"),
        rendered.the("HorizontalPodAutoscaler"),
    );
    let name = &deployment["metadata"]["name"];
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    assert_eq!(scaler["spec"]["scaleTargetRef"], target);
    assert!(deployment["spec"].get("replicas").is_none());
    assert_eq!(scaler["spec"]["minReplicas"], 2);
    assert_eq!(
        rendered.the("PodDisruptionBudget")["spec"]["maxUnavailable"],
        1
    );
}

#[test]
fn a_pod_is_what_a_strict_cluster_lets_in() {
    // The Pod Security Standard `restricted`.
    let rendered = Rendered::new();
    let pod = &rendered.the("Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    assert_eq!(pod["automountServiceAccountToken"], false);
    let context = &pod["containers"][0]["securityContext"];
    let wanted = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(*context, wanted);
    // What a group may read, fsGroup gives to Envoy's.
    let keys = pod["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|volume| volume["name"] == "keys");
    assert_eq!(keys.unwrap()["secret"]["defaultMode"], 0o440);
}
