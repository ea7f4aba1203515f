//! Which models a request asks for: ids, aliases, variants, presets and defaults.

use std::collections::BTreeMap;

use meshrouter_core::document::Key;
use meshrouter_core::facts::Choice;
use meshrouter_core::slug::{self, Slug};
use meshrouter_core::{ApiError, Catalog, DocumentError};
use meshrouter_wire::request::{ChatRequest, Preset};

/// The most models that one request may list.
const MAX_MODELS: usize = 32;

/// The models of requests that name none.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    gateway: Option<String>,
    /// By the name of the key.
    keys: BTreeMap<String, String>,
}

impl Defaults {
    /// Collects the defaults and checks that they name models.
    pub(crate) fn compile(
        gateway: Option<String>,
        keys: &[Key],
        catalog: &Catalog,
    ) -> Result<Self, DocumentError> {
        let check = |path: String, model: &str| match slug::resolve(catalog, model) {
            Some(_) => Ok(()),
            None => Err(DocumentError::new(
                path,
                format!("there is no model `{model}`"),
            )),
        };
        if let Some(model) = &gateway {
            check("default_model".to_owned(), model)?;
        }
        let mut by_key = BTreeMap::new();
        for (n, key) in keys.iter().enumerate() {
            if let Some(model) = &key.default_model {
                check(format!("keys[{n}].default_model"), model)?;
                by_key.insert(key.name.clone(), model.clone());
            }
        }
        Ok(Self {
            gateway,
            keys: by_key,
        })
    }

    fn of(&self, key: &str) -> Option<&str> {
        self.keys
            .get(key)
            .or(self.gateway.as_ref())
            .map(String::as_str)
    }
}

/// The preset that a request names, in any of the three forms of the Presets page.
pub(crate) fn preset<'p>(
    presets: &'p BTreeMap<String, Preset>,
    request: &ChatRequest<'_>,
) -> Result<Option<&'p Preset>, ApiError> {
    let in_model = request
        .model
        .as_deref()
        .and_then(|model| Slug::parse(model).preset);
    let (field, name) = match (in_model, request.preset.as_deref()) {
        (Some(name), _) => ("model", name),
        (None, Some(name)) => ("preset", name),
        (None, None) => return Ok(None),
    };
    let preset = presets.get(name);
    preset.map(Some).ok_or_else(|| {
        let message = format!("There is no preset `{name}` in the gateway's configuration.");
        ApiError::bad_field(field, message)
    })
}

/// The models in the order in which they are to be tried, each once. `key` is the caller's.
///
/// `inherited` is the preset's model where the request's slug names only the preset.
pub(crate) fn models(
    catalog: &Catalog,
    defaults: &Defaults,
    request: &ChatRequest<'_>,
    inherited: Option<&str>,
    key: &str,
) -> Result<Vec<Choice>, ApiError> {
    let own = request.model.as_deref();
    let first = own.and_then(|model| Slug::parse(model).model).or(inherited);
    let mut names: Vec<(&str, Field)> = Vec::new();
    names.extend(first.map(|model| (model, Field::MODEL)));
    for (name, list) in [
        ("models", &request.models),
        ("fallback_models", &request.fallback_models),
    ] {
        let each = list.iter().enumerate();
        names.extend(each.map(|(n, model)| (&**model, Field(name, Some(n)))));
    }
    if names.len() > MAX_MODELS {
        let message = format!(
            "A request may list at most {MAX_MODELS} models, this one lists {}.",
            names.len()
        );
        return Err(ApiError::bad_field("models", message));
    }
    if names.is_empty() {
        names.extend(defaults.of(key).map(|model| (model, Field::MODEL)));
    }
    if names.is_empty() {
        let message = "`model` is missing: expected a model id such as \"openai/gpt-4o-mini\".";
        return Err(ApiError::bad_field("model", message));
    }
    let mut choices: Vec<Choice> = Vec::with_capacity(names.len());
    for (name, field) in names {
        let Some((id, variants)) = slug::resolve(catalog, name) else {
            return Err(unknown(catalog, name, field));
        };
        if !choices
            .iter()
            .any(|choice| choice.id == id && choice.variants == variants)
        {
            let id = id.to_owned();
            choices.push(Choice { id, variants });
        }
    }
    Ok(choices)
}

/// Where a request names a model; becomes text only for an error.
#[derive(Clone, Copy)]
struct Field(&'static str, Option<usize>);

impl Field {
    const MODEL: Self = Self("model", None);

    fn path(self) -> String {
        match self {
            Self(name, None) => name.to_owned(),
            Self(name, Some(n)) => format!("{name}[{n}]"),
        }
    }
}

/// 404 for a name that is no model's; it says so where only the variant is unknown.
fn unknown(catalog: &Catalog, name: &str, field: Field) -> ApiError {
    let message = match name.rsplit_once(':') {
        Some((model, variant)) if slug::resolve(catalog, model).is_some() => {
            format!("The model `{model}` has no variant `:{variant}` here.")
        }
        _ => format!("There is no model `{name}` here. GET /api/v1/models lists what there is."),
    };
    let mut error = ApiError::bad_field(field.path(), message);
    error.status = 404;
    error
}
