//! What the router tells of its catalog and of its providers' health, in the documented schemas.
//!
//! Anybody may ask, without a key: nothing here is the caller's own.

mod auto;
mod endpoints;
mod models;
mod providers;
mod query;
mod rss;
mod schema;
mod tagged;
mod traits;
mod url;

use std::borrow::Cow;

use meshrouter_core::health::{self, Board};
use meshrouter_core::route::Read;
use meshrouter_core::{ApiError, Catalog, slug};
use meshrouter_host::{Direction, Headers, Host, Reply};

use models::Models;
use query::Query;
use tagged::{Freshness, Tagged};

/// What can be said when the document is compiled.
#[derive(Debug)]
pub(crate) struct ReadApi {
    models: Models,
    providers: Tagged,
}

impl ReadApi {
    pub(crate) fn compile(catalog: &Catalog) -> Self {
        Self {
            models: Models::compile(catalog),
            providers: providers::body(catalog),
        }
    }

    /// The answer to a request for `path`, query included.
    pub(crate) fn answer(
        &self,
        host: &impl Host,
        catalog: &Catalog,
        read: &Read,
        path: &[u8],
    ) -> Reply {
        let (body, freshness) = match read {
            Read::Models => (self.list(host, path), Freshness::Document),
            Read::ModelCount => {
                let count = self.models.count(&Query::of(path));
                (Cow::Owned(count), Freshness::Document)
            }
            Read::Providers => (Cow::Borrowed(&self.providers), Freshness::Document),
            Read::Endpoints(name) => match endpoints(host, catalog, name) {
                Some(body) => (Cow::Owned(body), Freshness::Live),
                None => return no_model(name).into(),
            },
        };
        let known = host.header(Direction::Request, "if-none-match");
        tagged::reply(body, known.as_deref(), freshness)
    }

    fn list(&self, host: &impl Headers, path: &[u8]) -> Cow<'_, Tagged> {
        let query = Query::of(path);
        if query.rss {
            return Cow::Owned(self.models.feed(&query, &origin(host)));
        }
        self.models.list(&query)
    }
}

/// The endpoints of the model that a name stands for, with their live numbers.
fn endpoints(host: &impl Host, catalog: &Catalog, name: &str) -> Option<Tagged> {
    let (id, variants) = slug::resolve(catalog, name)?;
    if let Some(pool) = catalog.auto(id) {
        return Some(endpoints::of_auto(catalog, pool));
    }
    let board = Board::of(host.shared(&health::key(id)).0);
    let now = host.now() / 1_000_000;
    let model = catalog.model(id)?;
    Some(endpoints::body(catalog, model, variants, &board, now))
}

fn no_model(name: &str) -> ApiError {
    let message =
        format!("There is no model `{name}`. GET /api/v1/models lists those that there are.");
    ApiError::new(404, message)
}

/// The gateway's own address as this caller knows it; feeds need whole URLs.
fn origin(host: &impl Headers) -> String {
    let text = |name: &str| {
        let value = host.header(Direction::Request, name).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    };
    let scheme = match text("x-forwarded-proto").as_str() {
        "https" => "https",
        _ => "http",
    };
    format!("{scheme}://{}", text(":authority"))
}

#[cfg(test)]
mod tests;
