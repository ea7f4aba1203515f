//! The filter: finds the route, reads the body once, and tells the others what it learned.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_core::facts::{App, Choice, Explain};
use meshrouter_core::names::{header, property};
use meshrouter_core::route::{Operation, Route};
use meshrouter_core::shapes::{self, Repairs};
use meshrouter_core::{ApiError, AttemptRequest, Catalog, Document, DocumentError, Facts, Outcome};
use meshrouter_host::{Direction, Filter, Flow, HeaderList, Host, send_whole};
use meshrouter_wire::request::{ChatRequest, Conversation, MAX_SESSION_ID, Preset};

use crate::choose::{self, Defaults};
use crate::generation::Mint;
use crate::plugins::PluginDefaults;
use crate::{estimate, reply, surface, tasks};

/// The most of an application's own words that is kept, in bytes.
const MAX_APP: usize = 256;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    plugins: PluginDefaults,
    /// The largest body, in bytes.
    max_body: usize,
    defaults: Defaults,
    presets: BTreeMap<String, Preset>,
    /// Whether conversations stay where they are.
    sticky: bool,
    /// The names of the keys whose attempts need to know them.
    named: BTreeSet<String>,
    mint: Mint,
}

/// Reads and checks a request; cleans the response.
#[derive(Debug)]
pub struct Normalize {
    settings: Rc<Settings>,
    /// The request's headers, while they are needed.
    headers: HeaderList,
    /// What a provider is asked to do, if one is.
    operation: Option<Operation>,
    /// The status of a response whose body is to become an API error.
    foreign_error: Option<Vec<u8>>,
}

impl Filter for Normalize {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "normalize";

    fn configure(document: Document) -> Result<Settings, DocumentError> {
        let plugins = PluginDefaults::compile(&document);
        let max_body = document.max_body_bytes;
        let sticky = document.sticky_seconds > 0;
        let presets = compile_presets(&document.presets)?;
        let (default_model, keys) = (document.default_model.clone(), document.keys.clone());
        let named = keys
            .iter()
            .filter(|key| key.explain || !key.credentials.is_empty())
            .map(|key| key.name.clone());
        let catalog = Catalog::compile(document)?;
        Ok(Settings {
            named: named.collect(),
            plugins,
            max_body,
            defaults: Defaults::compile(default_model, &keys, &catalog)?,
            presets,
            sticky,
            catalog,
            mint: Mint::default(),
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            headers: HeaderList::default(),
            operation: None,
            foreign_error: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let headers = host.headers(Direction::Request);
        match surface::route(&headers, end, self.settings.max_body) {
            Ok(Route::Provider(operation)) => {
                self.headers = headers;
                self.operation = Some(operation);
                Flow::Pause
            }
            Ok(Route::Read(_) | Route::Keys(_)) => Flow::Continue,
            Err(reply) => {
                host.reply(&reply);
                Flow::Replied
            }
        }
    }

    fn on_request_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(operation) = self.operation else {
            return Flow::Continue;
        };
        if host.body_size(Direction::Request) > self.settings.max_body {
            host.reply(&surface::too_large(self.settings.max_body).into());
            return Flow::Replied;
        }
        if !end {
            return Flow::Pause;
        }
        let body = host.body(Direction::Request);
        match self.read(host, &body, operation) {
            Ok(read) => {
                if let Some(body) = read.body {
                    send_whole(host, Direction::Request, &body);
                }
                host.set_property(property::FACTS, &read.facts.encode());
                if let Some(shapes) = read.shapes {
                    host.set_property(property::SHAPES, &shapes);
                }
                let attempt = read.attempt.encode();
                host.set_header(Direction::Request, header::REQUEST, &attempt);
                Flow::Continue
            }
            Err(error) => {
                host.reply(&error.into());
                Flow::Replied
            }
        }
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let headers = host.headers(Direction::Response);
        if let Some(outcome) = headers.get(header::OUTCOME) {
            host.remove_header(Direction::Response, header::OUTCOME);
            if let Some(attempts) = Outcome::attempts_of(outcome) {
                host.set_header(Direction::Response, header::ATTEMPTS, attempts.as_bytes());
            }
        }
        let status = headers.get(":status").unwrap_or_default();
        if end || status == b"200" {
            return Flow::Continue;
        }
        if !reply::is_foreign_error(status, headers.get("content-type")) {
            return Flow::Continue;
        }
        host.set_header(Direction::Response, "content-type", b"application/json");
        self.foreign_error = Some(status.to_vec());
        Flow::Pause
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(status) = &self.foreign_error else {
            return Flow::Continue;
        };
        if !end {
            return Flow::Pause;
        }
        let body = host.body(Direction::Response);
        let error = reply::api_error(status, &body, self.settings.max_body);
        send_whole(host, Direction::Response, &error.body());
        Flow::Continue
    }
}

impl Normalize {
    /// Reads the body: what the edge needs to know, what an attempt does, and the body where it
    /// differs from the caller's.
    fn read(&self, host: &impl Host, body: &[u8], operation: Operation) -> Result<Read, ApiError> {
        let mut request = ChatRequest::read(body, operation)?;
        let preset = choose::preset(&self.settings.presets, &request)?;
        let canonical = preset
            .map(|preset| request.merge(preset, body))
            .transpose()?;
        let account = host.property(&[property::KEY]).unwrap_or_default();
        let key = Account::key_of(&account);
        let mut models = choose::models(
            &self.settings.catalog,
            &self.settings.defaults,
            &request,
            preset.and_then(Preset::model).as_deref(),
            key,
        )?;
        if request.no_fallbacks {
            models.truncate(1);
            request.preferences.allow_fallbacks = Some(false);
        }
        let plugins = self.settings.plugins.of(key, request.plugins);
        let shapes = plugins.response_healing.then(|| shapes(&request)).flatten();
        let request_id = self.headers.get("x-request-id");
        let now = host.now();
        let generation = self.settings.mint.next(request_id.unwrap_or_default(), now);
        let ids = |wanted: &dyn Fn(&Choice) -> bool| {
            let wanted = models.iter().filter(|choice| wanted(choice));
            owned(wanted.flat_map(|choice| self.ids(&choice.id)))
        };
        let thinking = ids(&|choice| choice.variants.thinking);
        let online = ids(&|choice| plugins.web || choice.variants.online);
        let is_auto = |choice: &Choice| self.settings.catalog.auto(&choice.id).is_some();
        let tasks = if models.iter().any(is_auto) {
            tasks::of(&request, !thinking.is_empty())
        } else {
            Vec::new()
        };
        // Keys that one other has made share its name, and are as many callers.
        let turn = Turn::of(&self.headers, &request, &account).filter(|_| self.settings.sticky);
        let estimate = estimate::estimate(
            &request,
            canonical.as_deref().unwrap_or(body),
            operation,
            &self.settings.catalog,
            models.iter().flat_map(|choice| self.ids(&choice.id)),
        );
        let facts = Facts {
            generation: generation.clone(),
            started: now,
            key: key.to_owned(),
            operation,
            explain: Explain::of(self.headers.get(header::EXPLAIN)),
            models,
            stream: request.stream,
            include_usage: request.include_usage,
            estimate,
            message_count: request.message_count,
            max_tokens: request.max_tokens,
            parameters: request.parameters,
            structured: request.structured,
            heals: shapes.is_some(),
            preferences: request.preferences,
            transforms: request.transforms,
            tasks,
            conversation: turn
                .filter(|turn| turn.is_later)
                .map(|turn| turn.conversation),
            input_modalities: owned(request.media.iter().map(|medium| medium.modality())),
            images: request.images,
            choices: request.choices,
            searches: !online.is_empty(),
            output_modalities: owned(request.output_modalities.iter().map(|text| &**text)),
            app: app(&self.headers),
        };
        let attempt = AttemptRequest {
            generation,
            operation,
            stream: request.stream,
            estimate,
            message_count: request.message_count,
            has_media: !request.media.is_empty(),
            max_tokens: request.max_tokens,
            transforms: request.transforms,
            reasoning: request.reasoning,
            conversation: turn.map(|turn| turn.conversation),
            started: now / 1_000_000,
            thinking,
            online,
            members: request.members,
            body_length: canonical.as_ref().map_or(body.len(), Vec::len),
            key: match self.settings.named.contains(key) {
                true => key.to_owned(),
                false => String::new(),
            },
        };
        Ok(Read {
            facts,
            attempt,
            body: canonical,
            shapes,
        })
    }

    /// The models that an id may turn out to be: itself, or the auto router's pool.
    fn ids<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let auto = self.settings.catalog.auto(id);
        let pool = auto.into_iter().flat_map(|auto| &auto.models);
        let itself = auto.is_none().then_some(id);
        itself
            .into_iter()
            .chain(pool.map(|model| model.id.as_str()))
    }
}

/// What reading a body gives.
struct Read {
    facts: Facts,
    attempt: AttemptRequest,
    /// Where it differs from the caller's.
    body: Option<Vec<u8>>,
    /// The schemas for a repair.
    shapes: Option<Vec<u8>>,
}

/// What is to be repaired of the answer, and the schemas that it should follow, as the property's
/// bytes; `None` where nothing is.
fn shapes(request: &ChatRequest<'_>) -> Option<Vec<u8>> {
    let repairs = Repairs {
        content: request.wants_json && (!request.stream || request.plugins.heal_streams),
        calls: request.plugins.heal_tools && !request.stream,
        stream: request.stream,
        structured: request.structured,
    };
    if !repairs.content && !repairs.calls {
        return None;
    }
    let mut writer = shapes::Writer::default();
    if let Some(answer) = request.answer_schema {
        writer.answer(answer.schema, answer.strict);
    }
    if repairs.calls {
        for tool in request.tool_schemas() {
            writer.tool(tool.name, tool.schema, tool.strict);
        }
    }
    Some(writer.finish(repairs))
}

/// The document's presets; errors name the preset and the field.
fn compile_presets(
    presets: &BTreeMap<String, BTreeMap<String, serde_json::Value>>,
) -> Result<BTreeMap<String, Preset>, DocumentError> {
    let mut compiled = BTreeMap::new();
    for (name, fields) in presets {
        let preset = Preset::compile(fields).map_err(|error| {
            DocumentError::new(format!("presets.{name}"), ApiError::from(error).message)
        })?;
        compiled.insert(name.clone(), preset);
    }
    Ok(compiled)
}

fn owned<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(str::to_owned).collect()
}

/// A turn of a conversation.
#[derive(Debug, Clone, Copy)]
struct Turn {
    conversation: u64,
    /// Whether there may have been one before it.
    is_later: bool,
}

impl Turn {
    /// The turn that a request is: of the conversation that `session_id` or `x-session-id` names
    /// where the caller says so, else of the one that began like it. One caller's conversations are
    /// none of another's.
    fn of(headers: &HeaderList, request: &ChatRequest<'_>, caller: &[u8]) -> Option<Self> {
        let header = || headers.get("x-session-id");
        let header = || header().filter(|id| !id.is_empty() && id.len() <= MAX_SESSION_ID);
        let named = |id: &[u8]| Conversation::default().and(b"session").and(id);
        let session = match &request.session_id {
            Some(id) => Some(named(id.as_bytes())),
            None => header().map(named),
        };
        Some(Self {
            conversation: session.or(request.opening)?.and(caller).number(),
            is_later: session.is_some() || request.goes_on,
        })
    }
}

/// What the caller's application says of itself.
fn app(headers: &HeaderList) -> App {
    let text = |name: &str| {
        let value = headers.get(name)?;
        let value = value.get(..MAX_APP).unwrap_or(value);
        let text = String::from_utf8_lossy(value).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    // What follows the path may be anybody's secret; the record is kept.
    let page = |url: String| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    App {
        url: text("http-referer").or_else(|| text("referer")).map(page),
        // The SDK's newer name for it is the second.
        title: text("x-title").or_else(|| text("x-openrouter-title")),
    }
}

#[cfg(test)]
mod tests;
