//! The compiled credentials of keys: which endpoints each serves, and what an attempt with it sends
//! where.
//!
//! `select` keeps the [`Rule`]s only; the [`Access`] is `fallback`'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{self, Catalog, Endpoint, Model, Paths, Provider};
use crate::document::{Credential, DocumentError, Key, Secret};
use crate::names::header::AUTHORIZATION;
use crate::plan::Candidate;

/// Whose requests a credential serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The provider's slug.
    pub provider: String,
    /// The ids of the only models; all of the provider's where there is none.
    pub models: Option<BTreeSet<String>>,
    /// Whether the gateway's own account at the provider is out of the question.
    pub always: bool,
    /// The Envoy cluster, where it is not the provider's.
    pub cluster: Option<String>,
}

impl Rule {
    /// Whether it serves an endpoint of the model of this id.
    #[must_use]
    pub fn serves(&self, model: &str, endpoint: &Endpoint) -> bool {
        let models = self.models.as_ref();
        self.provider == endpoint.provider && models.is_none_or(|models| models.contains(model))
    }
}

/// What an attempt with a credential sends, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// The secret, where a filter holds it.
    pub secret: Option<Secret>,
    /// The header that carries it, and the value there; `None` where Envoy adds them.
    pub header: Option<(String, Secret)>,
    /// The `:authority`, where it is not the provider's.
    pub authority: Option<String>,
    /// Endpoints that have another path or another name of the model with this credential, by the id
    /// of the model.
    endpoints: Vec<(String, Endpoint)>,
}

impl Access {
    /// The endpoint of a candidate as it is with this credential; `None` where that is as the catalog
    /// has it.
    #[must_use]
    pub fn endpoint(&self, candidate: &Candidate) -> Option<&Endpoint> {
        let found = self.endpoints.iter().find(|(model, endpoint)| {
            *model == candidate.model && endpoint.tag == candidate.endpoint
        });
        found.map(|(_, endpoint)| endpoint)
    }
}

/// One credential of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// Whose requests it serves.
    pub rule: Rule,
    /// What an attempt with it sends.
    pub access: Access,
}

/// The credentials of all keys that have any, by the key's name.
#[derive(Debug, Default)]
pub struct Credentials(BTreeMap<String, Vec<Own>>);

impl Credentials {
    /// Checks the credentials of a document's keys against its catalog.
    ///
    /// # Errors
    /// The path of the first field that contradicts another or cannot be used. Never a secret.
    pub fn compile(keys: &[Key], catalog: &Catalog) -> Result<Self, DocumentError> {
        let mut credentials = BTreeMap::new();
        for (n, key) in keys.iter().enumerate() {
            let own = compile_key(n, key, catalog)?;
            if !own.is_empty() {
                credentials.insert(key.name.clone(), own);
            }
        }
        Ok(Self(credentials))
    }

    /// The credential of a key's that a candidate is asked with; `None` where there is none any more,
    /// or not for this candidate.
    #[must_use]
    pub fn of(&self, key: &str, candidate: &Candidate) -> Option<&Own> {
        let own = self.0.get(key)?.get(candidate.own?)?;
        let models = own.rule.models.as_ref();
        let serves = own.rule.provider == candidate.provider()
            && models.is_none_or(|models| models.contains(&candidate.model));
        serves.then_some(own)
    }

    /// How many a key has.
    #[must_use]
    pub fn count(&self, key: &str) -> usize {
        self.0.get(key).map_or(0, Vec::len)
    }

    /// The rules of each key's credentials, in the document's order; the secrets are dropped.
    #[must_use]
    pub fn into_rules(self) -> BTreeMap<String, Vec<Rule>> {
        let rules = |own: Vec<Own>| own.into_iter().map(|own| own.rule).collect();
        let keys = self.0.into_iter();
        keys.map(|(key, own)| (key, rules(own))).collect()
    }
}

fn compile_key(n: usize, key: &Key, catalog: &Catalog) -> Result<Vec<Own>, DocumentError> {
    let credentials = key.credentials.iter().enumerate();
    credentials
        .map(|(k, credential)| {
            let at = format!("keys[{n}].credentials[{k}]");
            let Some(provider) = catalog.provider(&credential.provider) else {
                let known: Vec<&str> = catalog.providers().map(|(slug, _)| slug).collect();
                let slug = &credential.provider;
                let message = format!("no provider `{slug}`; known: {}", known.join(", "));
                return Err(DocumentError::new(format!("{at}.provider"), message));
            };
            let rule = compile_rule(&at, credential, catalog)?;
            let access = compile_access(&at, credential, &rule, provider, catalog)?;
            Ok(Own { rule, access })
        })
        .collect()
}

fn compile_rule(
    at: &str,
    credential: &Credential,
    catalog: &Catalog,
) -> Result<Rule, DocumentError> {
    let mut models = BTreeSet::new();
    for (n, name) in credential.models.iter().flatten().enumerate() {
        let model = catalog.model(name);
        let serves = |endpoint: &Endpoint| endpoint.provider == credential.provider;
        let Some(model) = model.filter(|model| model.endpoints.iter().any(serves)) else {
            let message = format!("`{}` serves no model `{name}`", credential.provider);
            return Err(DocumentError::new(format!("{at}.models[{n}]"), message));
        };
        models.insert(model.entry.id.clone());
    }
    Ok(Rule {
        provider: credential.provider.clone(),
        models: credential.models.is_some().then_some(models),
        always: credential.always,
        cluster: credential.cluster.clone(),
    })
}

fn compile_access(
    at: &str,
    credential: &Credential,
    rule: &Rule,
    provider: &Provider,
    catalog: &Catalog,
) -> Result<Access, DocumentError> {
    let places = [
        ("cluster", &credential.cluster),
        ("authority", &credential.authority),
    ];
    for (name, value) in places {
        if let Some(value) = value {
            catalog::check_header(&format!("{at}.{name}"), value)?;
        }
    }
    let header = compile_header(at, credential, provider)?;
    let cluster = credential.cluster.as_ref().unwrap_or(&provider.cluster);
    let mut there = catalog.providers().map(|(_, provider)| provider);
    let there = there.find(|provider| provider.cluster == *cluster);
    match (&header, there) {
        (None, Some(_)) => {
            let message = "without a `secret`, the credential must have a `cluster` of its own, on \
                           which Envoy adds it";
            return Err(DocumentError::new(format!("{at}.cluster"), message));
        }
        (Some((name, _)), Some(there)) if *name != there.credential_header => {
            let message = format!(
                "Envoy would add the gateway's own credential in `{}`: another header needs a \
                 `cluster` of its own",
                there.credential_header
            );
            return Err(DocumentError::new(format!("{at}.header"), message));
        }
        _ => {}
    }
    Ok(Access {
        secret: credential.secret.clone(),
        header,
        authority: credential
            .authority
            .clone()
            .or_else(|| credential.cluster.clone()),
        endpoints: compile_endpoints(at, credential, rule, provider, catalog)?,
    })
}

fn compile_header(
    at: &str,
    credential: &Credential,
    provider: &Provider,
) -> Result<Option<(String, Secret)>, DocumentError> {
    let Some(secret) = &credential.secret else {
        let needless = credential.header.is_some();
        let message = match needless {
            true => "a header needs a `secret`",
            false => "needs a `secret`, or a `cluster` on which Envoy adds one",
        };
        let lacks = needless || credential.cluster.is_none();
        return if lacks {
            Err(DocumentError::new(at, message))
        } else {
            Ok(None)
        };
    };
    let text = secret.reveal();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let message = "must be ASCII without spaces, and not empty";
        return Err(DocumentError::new(format!("{at}.secret"), message));
    }
    let header = credential.header.as_ref();
    let header = header.unwrap_or(&provider.credential_header);
    if header == AUTHORIZATION {
        let value = format!("Bearer {text}");
        return Ok(Some((header.clone(), Secret::from(value.as_str()))));
    }
    catalog::check_header_name(&format!("{at}.header"), header)?;
    Ok(Some((header.clone(), secret.clone())))
}

/// The endpoints that this credential has under another path or another name of the model.
fn compile_endpoints(
    at: &str,
    credential: &Credential,
    rule: &Rule,
    provider: &Provider,
    catalog: &Catalog,
) -> Result<Vec<(String, Endpoint)>, DocumentError> {
    if credential.path.is_none() && credential.model.is_none() {
        return Ok(Vec::new());
    }
    let served: Vec<(&Model, usize)> = catalog
        .models()
        .flat_map(|model| (0..model.endpoints.len()).map(move |n| (model, n)))
        .filter(|(model, n)| {
            let endpoint = model.endpoints.get(*n);
            endpoint.is_some_and(|endpoint| rule.serves(&model.entry.id, endpoint))
        })
        .collect();
    let ids: BTreeSet<&str> = served.iter().map(|(model, _)| &*model.entry.id).collect();
    if credential.model.is_some() && ids.len() > 1 {
        let message = "names one of several models: `models` must say which one it is";
        return Err(DocumentError::new(format!("{at}.model"), message));
    }
    let mut endpoints = Vec::with_capacity(served.len());
    for (model, n) in served {
        let (Some(endpoint), Some(entry)) = (model.endpoints.get(n), model.entry.endpoints.get(n))
        else {
            continue;
        };
        let name = credential.model.as_ref().unwrap_or(&endpoint.model);
        let path = credential.path.as_ref().or(entry.path.as_ref());
        let path = path.map(String::as_str);
        let paths = Paths::compile(at, provider, path, name, &endpoint.operations)?;
        let own = Endpoint {
            model: name.clone(),
            paths,
            ..endpoint.clone()
        };
        endpoints.push((model.entry.id.clone(), own));
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests;
