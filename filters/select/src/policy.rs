//! What gateway and keys say of the choice: preferences, and whom a key may ask at all.

use std::collections::{BTreeMap, BTreeSet};

use meshrouter_core::credentials::{Credentials, Rule};
use meshrouter_core::document::{Budget, Key};
use meshrouter_core::preferences::Preferences;
use meshrouter_core::slug;
use meshrouter_core::{Catalog, DocumentError};

/// What holds for the requests of one key.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    /// The key's name.
    pub(crate) name: String,
    /// The key's preferences over the gateway's.
    pub(crate) preferences: Preferences,
    /// The ids of the only models that it may use.
    pub(crate) models: Option<BTreeSet<String>>,
    /// The slugs of the only providers that it may use.
    pub(crate) providers: Option<BTreeSet<String>>,
    /// Whether it may ask why.
    pub(crate) explain: bool,
    /// Whom it may ask on accounts of its own.
    pub(crate) credentials: Vec<Rule>,
}

/// The policies of all keys.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// By the key's name.
    keys: BTreeMap<String, Policy>,
    /// Where nobody says whose request it is.
    none: Policy,
}

impl Policies {
    /// Compiles the policies of a document's keys over its own preferences.
    ///
    /// # Errors
    /// The path of the first model or provider that is not in the catalog, or of what is wrong with a
    /// credential.
    pub(crate) fn compile(
        keys: &[Key],
        gateway: &Preferences,
        catalog: &Catalog,
    ) -> Result<Self, DocumentError> {
        check_preferences("preferences", gateway, catalog)?;
        let mut credentials = Credentials::compile(keys, catalog)?.into_rules();
        let mut policies = BTreeMap::new();
        for (n, key) in keys.iter().enumerate() {
            let mut policy = compile_key(&format!("keys[{n}]"), key, gateway, catalog)?;
            policy.credentials = credentials.remove(&key.name).unwrap_or_default();
            policies.insert(key.name.clone(), policy);
        }
        Ok(Self {
            keys: policies,
            none: Policy::default(),
        })
    }

    /// The policy of a key, by its name. There may be none where the document changes: `auth` has read one already in which
    /// the key is there, and this filter one in which it is not.
    pub(crate) fn of(&self, key: &str) -> Option<&Policy> {
        match key {
            "" => Some(&self.none),
            _ => self.keys.get(key),
        }
    }
}

fn compile_key(
    path: &str,
    key: &Key,
    gateway: &Preferences,
    catalog: &Catalog,
) -> Result<Policy, DocumentError> {
    check_preferences(&format!("{path}.preferences"), &key.preferences, catalog)?;
    let mut models = BTreeSet::new();
    for (k, name) in key.allowed_models.iter().flatten().enumerate() {
        let Some((id, _)) = slug::resolve(catalog, name) else {
            let path = format!("{path}.allowed_models[{k}]");
            return Err(DocumentError::new(
                path,
                format!("there is no model `{name}`"),
            ));
        };
        models.insert(id.to_owned());
    }
    check_budgets(path, &key.budgets, catalog)?;
    for (k, slug) in key.allowed_providers.iter().flatten().enumerate() {
        if catalog.provider(slug).is_none() {
            let path = format!("{path}.allowed_providers[{k}]");
            return Err(unknown_provider(path, slug, catalog));
        }
    }
    let providers = key.allowed_providers.clone();
    Ok(Policy {
        name: key.name.clone(),
        preferences: key.preferences.clone().over(gateway),
        models: key.allowed_models.is_some().then_some(models),
        providers: providers.map(|slugs| slugs.into_iter().collect()),
        explain: key.explain,
        credentials: Vec::new(),
    })
}

/// A budget of no model would go unnoticed, and nothing would bound what it was meant for.
fn check_budgets(path: &str, budgets: &[Budget], catalog: &Catalog) -> Result<(), DocumentError> {
    let mut known = BTreeSet::new();
    for (k, Budget { model, .. }) in budgets.iter().enumerate() {
        let error = |message| {
            let path = format!("{path}.budgets[{k}].model");
            Err(DocumentError::new(path, message))
        };
        match catalog.model(model).map(|model| &model.entry.id) {
            Some(id) if id == model => {}
            Some(id) => return error(format!("budgets go by the id of a model: write `{id}`")),
            None => return error(format!("there is no model `{model}`")),
        }
        if !known.insert(model) {
            return error(format!("`{model}` has another budget, too"));
        }
    }
    Ok(())
}

/// A slug that names nobody would go unnoticed, and whoever it was meant for would be asked.
fn check_preferences(
    path: &str,
    preferences: &Preferences,
    catalog: &Catalog,
) -> Result<(), DocumentError> {
    let lists = [
        ("order", &preferences.order),
        ("only", &preferences.only),
        ("ignore", &preferences.ignore),
    ];
    for (name, list) in lists {
        for (n, slug) in list.iter().flatten().enumerate() {
            let provider = slug.split('/').next().unwrap_or(slug);
            let mut known = catalog.providers().map(|(slug, _)| slug);
            if !known.any(|slug| slug.eq_ignore_ascii_case(provider)) {
                let path = format!("{path}.{name}[{n}]");
                return Err(unknown_provider(path, provider, catalog));
            }
        }
    }
    Ok(())
}

fn unknown_provider(path: String, slug: &str, catalog: &Catalog) -> DocumentError {
    let known: Vec<&str> = catalog.providers().map(|(slug, _)| slug).collect();
    DocumentError::new(
        path,
        format!("no provider `{slug}`; known: {}", known.join(", ")),
    )
}
