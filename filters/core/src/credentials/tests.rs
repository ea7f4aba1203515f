//! Credentials of keys: what they may say, and what they compile to.

use serde_json::{Value, json};

use super::*;
use crate::Document;
use crate::route::Operation;

/// A catalog with two providers, and the credentials of the key `acme`.
fn compile(credentials: &Value) -> Result<(Catalog, Credentials), DocumentError> {
    let endpoint = |provider: &str, more: Value| {
        let mut endpoint =
            json!({"provider": provider, "pricing": {"prompt": "0", "completion": "0"}});
        let more = more.as_object().unwrap().clone();
        endpoint.as_object_mut().unwrap().extend(more);
        endpoint
    };
    let document = json!({
        "providers": {
            "plain": {"cluster": "plain-cluster"},
            "keyed": {"cluster": "keyed-cluster", "credential_header": "x-api-key"},
            "azure": {"cluster": "azure-cluster", "credential_header": "api-key",
                "path": "/deployments/{model}/chat?v=1", "embeddings_path": "/deployments/{model}/embed"}},
        "models": [
            {"id": "m/one", "aliases": ["one"], "context_length": 1, "endpoints": [
                endpoint("plain", json!({"model": "plain-one"})),
                endpoint("plain", json!({"variant": "turbo", "path": "/turbo"})),
                endpoint("keyed", json!({})),
                endpoint("azure", json!({"model": "one", "operations": ["chat_completions", "embeddings"]}))]},
            {"id": "m/two", "context_length": 1, "endpoints": [
                endpoint("plain", json!({})), endpoint("azure", json!({"model": "two"}))]}],
        "keys": [{"name": "other", "hash": ""}, {"name": "acme", "hash": "", "credentials": credentials}]});
    let read = || Document::from_json(document.to_string().as_bytes());
    let catalog = Catalog::compile(read()?)?;
    let credentials = Credentials::compile(&read()?.keys, &catalog)?;
    Ok((catalog, credentials))
}

/// The only credential.
fn own(credential: Value) -> Own {
    let (_, mut credentials) = compile(&json!([credential])).unwrap();
    credentials.0.remove("acme").unwrap().remove(0)
}

fn candidate(text: &str) -> Candidate {
    Candidate::parse(text).unwrap()
}

#[test]
fn the_header_is_the_providers_unless_it_is_said() {
    let cases = [
        (json!({"provider": "plain"}), "authorization", "Bearer sk-1"),
        (json!({"provider": "keyed"}), "x-api-key", "sk-1"),
        (
            json!({"provider": "plain", "header": "authorization"}),
            "authorization",
            "Bearer sk-1",
        ),
        (
            json!({"provider": "plain", "header": "api-key", "cluster": "mine"}),
            "api-key",
            "sk-1",
        ),
        (
            json!({"provider": "keyed", "header": "authorization", "cluster": "mine"}),
            "authorization",
            "Bearer sk-1",
        ),
    ];
    for (mut credential, name, value) in cases {
        credential["secret"] = json!("sk-1");
        let access = own(credential.clone()).access;
        let header = access.header.as_ref().unwrap();
        assert_eq!((&*header.0, header.1.reveal()), (name, value));
        assert_eq!(access.secret.as_ref().map(Secret::reveal), Some("sk-1"));
        let shown = format!("{access:?}");
        assert!(
            !shown.contains("sk-1") && shown.contains("[secret]"),
            "{shown}"
        );
    }
    let envoys = own(json!({"provider": "plain", "cluster": "mine"})).access;
    assert_eq!((envoys.header, envoys.secret), (None, None));
}

#[test]
fn a_place_of_its_own() {
    let place = |credential| {
        let own = own(credential);
        (own.rule.cluster, own.access.authority)
    };
    let usual = place(json!({"provider": "plain", "secret": "s"}));
    assert_eq!(usual, (None, None));
    let other = place(json!({"provider": "plain", "secret": "s", "cluster": "c"}));
    assert_eq!(other, (Some("c".to_owned()), Some("c".to_owned())));
    let more = json!({"provider": "plain", "secret": "s", "cluster": "c", "authority": "a.test"});
    assert_eq!(own(more).access.authority.as_deref(), Some("a.test"));
}

#[test]
fn paths_and_models_of_its_own() {
    let at = |credential: Value, endpoint: &str, operation| {
        let (catalog, credentials) = compile(&json!([credential])).unwrap();
        let candidate = candidate(endpoint);
        let own = credentials.of("acme", &candidate).unwrap();
        let known = catalog.endpoint(&candidate).unwrap();
        let endpoint = own.access.endpoint(&candidate).unwrap_or(known);
        let provider = catalog.provider(&endpoint.provider).unwrap();
        (
            endpoint.path(provider, operation).to_owned(),
            endpoint.model.clone(),
        )
    };
    let chat = Operation::ChatCompletions;
    let pair = |path: &str, model: &str| (path.to_owned(), model.to_owned());
    let credential = |more: Value| {
        let mut credential = json!({"provider": "azure", "secret": "s"});
        let more = more.as_object().unwrap().clone();
        credential.as_object_mut().unwrap().extend(more);
        credential
    };
    assert_eq!(
        at(credential(json!({})), "m/one@azure#0", chat),
        pair("/deployments/one/chat?v=1", "one")
    );
    let mine = json!({"models": ["one"], "model": "mine"});
    assert_eq!(
        at(credential(mine.clone()), "m/one@azure#0", chat),
        pair("/deployments/mine/chat?v=1", "mine")
    );
    assert_eq!(
        at(credential(mine), "m/one@azure#0", Operation::Embeddings),
        pair("/deployments/mine/embed", "mine")
    );
    let path = json!({"path": "/own/{model}"});
    assert_eq!(
        at(credential(path), "m/two@azure#0", chat),
        pair("/own/two", "two")
    );
    let turbo = json!({"provider": "plain", "secret": "s", "models": ["m/one"], "model": "mine"});
    assert_eq!(
        at(turbo, "m/one@plain/turbo#0", chat),
        pair("/turbo", "mine")
    );
}

#[test]
fn a_credential_serves_its_provider_and_its_models() {
    let (_, credentials) = compile(&json!([
        {"provider": "plain", "secret": "a", "models": ["one"]},
        {"provider": "azure", "secret": "b", "always": true}]))
    .unwrap();
    let serves = |key: &str, text: &str| credentials.of(key, &candidate(text)).is_some();
    assert!(serves("acme", "m/one@plain#0"));
    assert!(serves("acme", "m/one@plain/turbo#0"));
    assert!(serves("acme", "m/two@azure#1"));
    for text in [
        "m/one@plain",
        "m/two@plain#0",
        "m/one@azure#0",
        "m/one@plain#1",
        "m/one@plain#2",
    ] {
        assert!(!serves("acme", text), "{text}");
    }
    assert!(!serves("other", "m/one@plain#0"));
    let rules = credentials.into_rules();
    assert_eq!(rules.keys().collect::<Vec<_>>(), ["acme"]);
    assert_eq!(
        rules["acme"]
            .iter()
            .map(|rule| rule.always)
            .collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn errors_name_the_path_and_never_the_secret() {
    let cases = [
        (
            json!({"provider": "nobody"}),
            "provider",
            "no provider `nobody`; known: azure",
        ),
        (
            json!({"models": ["m/one", "m/three"]}),
            "models[1]",
            "`plain` serves no model `m/three`",
        ),
        (
            json!({"provider": "keyed", "models": ["m/two"]}),
            "models[0]",
            "`keyed` serves no model `m/two`",
        ),
        (
            json!({"secret": null}),
            "",
            "needs a `secret`, or a `cluster`",
        ),
        (
            json!({"secret": null, "cluster": "mine", "header": "api-key"}),
            "",
            "a header needs a `secret`",
        ),
        (
            json!({"secret": null, "cluster": "azure-cluster"}),
            "cluster",
            "without a `secret`",
        ),
        (
            json!({"secret": ""}),
            "secret",
            "must be ASCII without spaces",
        ),
        (
            json!({"secret": "canary with a space"}),
            "secret",
            "must be ASCII without spaces",
        ),
        (
            json!({"secret": "canary\r\nx-more: 1"}),
            "secret",
            "must be ASCII without spaces",
        ),
        (
            json!({"secret": "canaryé"}),
            "secret",
            "must be ASCII without spaces",
        ),
        (
            json!({"header": "api-key"}),
            "header",
            "Envoy would add the gateway's own credential in `authorization`",
        ),
        (
            json!({"provider": "keyed", "header": "authorization"}),
            "header",
            "Envoy would add",
        ),
        (
            json!({"header": "api-key", "cluster": "keyed-cluster"}),
            "header",
            "Envoy would add",
        ),
        (
            json!({"header": "Api-Key", "cluster": "mine"}),
            "header",
            "`Api-Key` is no header",
        ),
        (
            json!({"header": "x-meshrouter-plan", "cluster": "mine"}),
            "header",
            "`x-meshrouter-plan` is no header",
        ),
        (
            json!({"header": "host", "cluster": "mine"}),
            "header",
            "`host` is no header",
        ),
        (json!({"cluster": "a b"}), "cluster", "`a b` must be ASCII"),
        (json!({"authority": ""}), "authority", "`` must be ASCII"),
        (json!({"path": "own"}), "path", "must begin with `/`"),
        (json!({"path": "/{deployment}"}), "path", "has braces"),
        (
            json!({"model": "mine"}),
            "model",
            "names one of several models",
        ),
        (
            json!({"models": ["one"], "model": "a b", "path": "/{model}"}),
            "model",
            "`a b` stands in a path",
        ),
    ];
    for (more, field, message) in cases {
        let mut credential = json!({"provider": "plain", "secret": "canary"});
        let members = more.as_object().unwrap().clone();
        credential.as_object_mut().unwrap().extend(members);
        let good = json!({"provider": "plain", "secret": "canary"});
        let error = compile(&json!([good, credential])).unwrap_err();
        let dot = if field.is_empty() { "" } else { "." };
        let path = format!("keys[1].credentials[1]{dot}{field}");
        assert_eq!(error.path, path, "{more}: {error}");
        assert!(error.message.starts_with(message), "{more}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
