//! Slugs and presets: never panic; what resolves is in the catalog, and resolves to itself.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use meshrouter_core::slug::{Slug, Variants, resolve};
use meshrouter_core::{Catalog, Document};
use meshrouter_wire::request::Preset;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let model = |id: &str, alias: &str| {
        format!(
            r#"{{"id": "{id}", "aliases": ["{alias}"], "context_length": 1, "endpoints":
               [{{"provider": "p", "pricing": {{"prompt": "0", "completion": "0"}}}}]}}"#
        )
    };
    let models = [model("a/b", "b@1"), model("a/b:free", "x"), model("c", "y:z")].join(",");
    let json = format!(r#"{{"providers": {{"p": {{"cluster": "p"}}}}, "models": [{models}]}}"#);
    Catalog::compile(Document::from_json(json.as_bytes()).unwrap()).unwrap()
});

fuzz_target!(|input: &str| {
    let slug = Slug::parse(input);
    if let Some((id, _)) = slug.model.and_then(|model| resolve(&CATALOG, model)) {
        assert_eq!(resolve(&CATALOG, id), Some((id, Variants::default())));
    }
    if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(input) {
        let _ = Preset::compile(&fields.into_iter().collect());
    }
});
