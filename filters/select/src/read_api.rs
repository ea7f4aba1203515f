//! What the router tells of its catalog, in the documented schemas.

mod models;

use meshrouter_core::route::Read;
use meshrouter_core::{ApiError, Catalog};
use meshrouter_host::{Host, Reply};

/// What can be said when the document is compiled.
#[derive(Debug)]
pub(crate) struct ReadApi {
    /// The body of `GET /models`.
    models: Vec<u8>,
}

impl ReadApi {
    pub(crate) fn compile(catalog: &Catalog) -> Self {
        Self {
            models: models::body(catalog),
        }
    }

    /// The answer to a request for `path`, query included.
    pub(crate) fn answer(
        &self,
        _host: &impl Host,
        _catalog: &Catalog,
        read: &Read,
        _path: &[u8],
    ) -> Reply {
        match read {
            Read::Models => Reply::json(self.models.clone()),
            _ => ApiError::new(404, "There is nothing at this path.").into(),
        }
    }
}
