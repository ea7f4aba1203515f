//! The filter: finds the route, reads the body once, and tells the others what it learned.

use std::rc::Rc;

use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, property};
use meshrouter_core::route::Route;
use meshrouter_core::{ApiError, AttemptRequest, Catalog, Document, DocumentError, Facts};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply, send_whole};
use meshrouter_wire::request::ChatRequest;

use crate::generation::Mint;
use crate::reply;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    /// Whether answers are healed where the request does not say.
    heal: bool,
    mint: Mint,
}

/// Reads and checks a request; cleans the response.
#[derive(Debug)]
pub struct Normalize {
    settings: Rc<Settings>,
    /// The status of a response whose body is to become an API error.
    foreign_error: Option<Vec<u8>>,
}

impl Filter for Normalize {
    type Settings = Settings;

    const NAME: &'static str = "normalize";

    fn configure(document: Document) -> Result<Settings, DocumentError> {
        Ok(Settings {
            heal: document.plugins.response_healing.enabled,
            catalog: Catalog::compile(document)?,
            mint: Mint::default(),
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            foreign_error: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        match route(host, end) {
            Ok(Route::ChatCompletions) => Flow::Pause,
            Ok(Route::Models) => Flow::Continue,
            Err(reply) => {
                host.reply(&reply);
                Flow::Replied
            }
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        // Other routes carry no body of interest; theirs passes chunk by chunk.
        if !end {
            return Flow::Pause;
        }
        let body = host.body(Direction::Request);
        match self.read(host, &body) {
            Ok((facts, attempt)) => {
                host.set_property(property::FACTS, &facts.encode());
                host.set_header(Direction::Request, header::REQUEST, &attempt.encode());
                Flow::Continue
            }
            Err(error) => {
                host.reply(&error.into());
                Flow::Replied
            }
        }
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        host.remove_header(Direction::Response, header::OUTCOME);
        let status = host
            .header(Direction::Response, ":status")
            .unwrap_or_default();
        let content_type = host.header(Direction::Response, "content-type");
        if end || !reply::is_foreign_error(&status, content_type.as_deref()) {
            return Flow::Continue;
        }
        host.set_header(Direction::Response, "content-type", b"application/json");
        self.foreign_error = Some(status);
        Flow::Pause
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(status) = &self.foreign_error else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let error = reply::api_error(status, &host.body(Direction::Response));
        send_whole(host, Direction::Response, &error.body());
        Flow::Continue
    }
}

impl Normalize {
    /// Reads the body: what the edge needs to know, and what an attempt does.
    fn read(&self, host: &impl Host, body: &[u8]) -> Result<(Facts, AttemptRequest), ApiError> {
        let request = ChatRequest::read(body)?;
        let models = self.models(&request)?;
        let request_id = host.header(Direction::Request, "x-request-id");
        let generation = self
            .settings
            .mint
            .next(&request_id.unwrap_or_default(), host.now());
        let facts = Facts {
            generation: generation.clone(),
            models,
            stream: request.stream,
            include_usage: request.include_usage,
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            heal: request.wants_json && request.healing.unwrap_or(self.settings.heal),
        };
        let attempt = AttemptRequest {
            generation,
            stream: request.stream,
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            transforms: request.transforms,
            members: request.members,
            body_length: body.len(),
        };
        Ok((facts, attempt))
    }

    /// The models that are asked for, all of them in the catalog.
    fn models(&self, request: &ChatRequest<'_>) -> Result<Vec<String>, ApiError> {
        let models = request.all_models();
        if models.is_empty() {
            let message = "`model` is missing: expected a model id such as \"openai/gpt-4o-mini\".";
            return Err(ApiError::bad_field("model", message));
        }
        for (n, model) in models.iter().enumerate() {
            if self.settings.catalog.model(model).is_none() {
                let field = match (&request.model, n) {
                    (Some(_), 0) => "model",
                    _ => "models",
                };
                let mut error = ApiError::bad_field(
                    field,
                    format!(
                        "There is no model `{model}` here. GET /api/v1/models lists what there is."
                    ),
                );
                error.status = 404;
                return Err(error);
            }
        }
        Ok(models.into_iter().map(str::to_owned).collect())
    }
}

/// The route of a request, or why there is none.
fn route(host: &impl Host, end: bool) -> Result<Route, Reply> {
    let path = host.header(Direction::Request, ":path").unwrap_or_default();
    let Some(route) = Route::of(&path) else {
        let message = "There is nothing at this path. The API is at /api/v1: POST /api/v1/chat/completions, GET /api/v1/models.";
        return Err(ApiError::new(404, message).into());
    };
    let method = host
        .header(Direction::Request, ":method")
        .unwrap_or_default();
    if method != route.method().as_bytes() {
        let message = format!("This path takes {} requests only.", route.method());
        return Err(Reply::from(ApiError::new(405, message)).with("allow", route.method()));
    }
    if route != Route::ChatCompletions {
        return Ok(route);
    }
    if end {
        let message =
            "The request has no body: expected a JSON object with `model` and `messages`.";
        return Err(ApiError::new(400, message).into());
    }
    let encoding = host.header(Direction::Request, "content-encoding");
    if encoding.is_some_and(|encoding| !matches!(&*encoding, b"" | b"identity")) {
        let message = "The request body is compressed: the gateway reads it uncompressed only.";
        return Err(ApiError::new(415, message).into());
    }
    Ok(route)
}

#[cfg(test)]
mod tests;
