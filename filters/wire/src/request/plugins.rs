//! `plugins`: a list of settings by `id`, or an object by plugin id (Online Variant page).

use super::rules::Rule;
use super::{RequestError, flag, member};
use crate::json::{Kind, Value};

/// The plugins that there are. `file-parser` is known because clients send it; files go to the
/// providers as they are.
const KNOWN: [&str; 3] = ["response-healing", "web", "file-parser"];

/// What a request says of each plugin: on, off, or nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mentions {
    /// `response-healing`.
    pub response_healing: Option<bool>,
    /// Its `stream`: also in streams.
    pub heal_streams: bool,
    /// Its `tool_calls`: the arguments of tool calls, too.
    pub heal_tools: bool,
    /// `web`.
    pub web: Option<bool>,
}

/// Reads the field; the last mention of a plugin counts.
pub(super) fn read(plugins: Value<'_>) -> Result<Mentions, RequestError> {
    let mut mentions = Mentions::default();
    if plugins.kind == Kind::Object {
        for (id, settings) in plugins.members() {
            mentions.add(&format!("plugins.{id}"), &id, settings)?;
        }
        return Ok(mentions);
    }
    if plugins.kind != Kind::Array {
        return Err(RequestError::wrong(
            "plugins",
            "an array of plugins",
            plugins.kind,
        ));
    }
    for (n, plugin) in plugins.elements().into_iter().enumerate() {
        let path = format!("plugins[{n}]");
        Rule::Object.check(&path, plugin)?;
        let Some(id) = member(plugin, "id") else {
            let expected = "a string such as \"response-healing\"";
            return Err(RequestError::MissingIn(path, "id", expected));
        };
        Rule::String.check(&format!("{path}.id"), id)?;
        mentions.add(&path, &id.text().unwrap_or_default(), plugin)?;
    }
    Ok(mentions)
}

impl Mentions {
    fn add(&mut self, path: &str, id: &str, settings: Value<'_>) -> Result<(), RequestError> {
        if !KNOWN.contains(&id) {
            let expected = "one of `response-healing`, `web` and `file-parser`";
            return Err(RequestError::Wrong(
                format!("{path}.id"),
                expected,
                "another plugin",
            ));
        }
        Rule::Object.check(path, settings)?;
        let enabled = flag(path, settings, "enabled")?.unwrap_or(true);
        match id {
            "response-healing" => {
                self.response_healing = Some(enabled);
                self.heal_streams = flag(path, settings, "stream")?.unwrap_or(false);
                self.heal_tools = flag(path, settings, "tool_calls")?.unwrap_or(false);
            }
            "web" => self.web = Some(enabled),
            _ => {}
        }
        Ok(())
    }
}
