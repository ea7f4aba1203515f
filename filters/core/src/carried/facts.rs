//! [`Facts`] in bytes. Two filters read them of every request: so what each request has is read in few steps, and only
//! what is seldom there by way of serde.

use super::Carried;
use super::words::{Reader, Writer};
use crate::facts::{Billable, Choice, Facts};
use crate::parameters::ParameterSet;
use crate::preferences::Preferences;
use crate::route::Operation;
use crate::slug::Variants;
use crate::tokens::Estimate;

impl Carried for Facts {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(512);
        write_billable(&mut out, self);
        out.number(self.message_count);
        out.number(self.parameters.bits());
        out.option(self.conversation);
        write_preferences(&mut out, &self.preferences);
        let rest = (
            self.explain,
            self.structured,
            self.transforms,
            &self.tasks,
            &self.input_modalities,
            &self.output_modalities,
        );
        // Strings and names: serialisation cannot fail.
        postcard::to_extend(&rest, out.finish()).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let billable = read_billable(&mut from)?;
        let (message_count, parameters) = (from.number(), from.number());
        let conversation = from.option();
        let preferences = match from.text() {
            text if text.is_empty() => Preferences::default(),
            text => serde_json::from_str(&text).ok()?,
        };
        let (explain, structured, transforms, tasks, input_modalities, output_modalities) =
            postcard::from_bytes(from.finish()?).ok()?;
        Some(Self {
            generation: billable.generation,
            started: billable.started,
            key: billable.key,
            operation: billable.operation,
            models: billable.models,
            stream: billable.stream,
            include_usage: billable.include_usage,
            estimate: billable.estimate,
            max_tokens: billable.max_tokens,
            heals: billable.heals,
            images: billable.images,
            choices: billable.choices,
            searches: billable.searches,
            app: billable.app,
            explain,
            message_count,
            parameters: ParameterSet::of_bits(parameters),
            structured,
            preferences,
            transforms,
            tasks,
            conversation,
            input_modalities,
            output_modalities,
        })
    }
}

impl Billable {
    /// Reads the beginning of encoded [`Facts`]; `None` where there are none.
    #[must_use]
    pub fn decode(facts: &[u8]) -> Option<Self> {
        read_billable(&mut Reader::new(facts))
    }
}

/// What [`Billable`] has, in its order.
fn write_billable(out: &mut Writer, facts: &Facts) {
    out.text(&facts.generation);
    out.number(facts.started);
    out.text(&facts.key);
    out.number(facts.models.len() as u64);
    for Choice { id, variants } in &facts.models {
        out.text(id);
        write_variants(out, *variants);
    }
    out.flags([
        facts.operation == Operation::Completions,
        facts.operation == Operation::Embeddings,
        facts.stream,
        facts.include_usage,
        facts.heals,
        facts.searches,
        facts.app.url.is_some(),
        facts.app.title.is_some(),
    ]);
    for weight in facts.estimate.weights() {
        out.number(*weight);
    }
    out.option(facts.max_tokens);
    out.number(facts.images);
    out.number(facts.choices);
    for text in [&facts.app.url, &facts.app.title].into_iter().flatten() {
        out.text(text);
    }
}

fn read_billable(from: &mut Reader<'_>) -> Option<Billable> {
    let mut read = Billable {
        generation: from.text(),
        started: from.number(),
        key: from.text(),
        ..Billable::default()
    };
    for _ in 0..from.number() {
        if from.is_short() {
            return None;
        }
        read.models.push(read_choice(from));
    }
    let [
        completions,
        embeddings,
        stream,
        include_usage,
        heals,
        searches,
        url,
        title,
    ] = from.flags();
    read.operation = match (completions, embeddings) {
        (true, _) => Operation::Completions,
        (_, true) => Operation::Embeddings,
        _ => Operation::ChatCompletions,
    };
    (read.stream, read.include_usage) = (stream, include_usage);
    (read.heals, read.searches) = (heals, searches);
    read.estimate = Estimate::read(|| Some(from.number()))?;
    read.max_tokens = from.option();
    read.images = from.number();
    read.choices = from.number();
    read.app.url = url.then(|| from.text());
    read.app.title = title.then(|| from.text());
    (!from.is_short()).then_some(read)
}

fn write_variants(out: &mut Writer, variants: Variants) {
    let Variants {
        nitro,
        floor,
        exacto,
        online,
        thinking,
    } = variants;
    out.flags([nitro, floor, exacto, online, thinking]);
}

fn read_choice(from: &mut Reader<'_>) -> Choice {
    let id = from.text();
    let [nitro, floor, exacto, online, thinking] = from.flags();
    let variants = Variants {
        nitro,
        floor,
        exacto,
        online,
        thinking,
    };
    Choice { id, variants }
}

/// As people write them, or nothing.
fn write_preferences(out: &mut Writer, preferences: &Preferences) {
    if *preferences == Preferences::default() {
        return out.text("");
    }
    // They came from JSON: serialisation cannot fail.
    out.text(&serde_json::to_string(preferences).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Task;
    use crate::facts::{App, Explain, Transforms};

    #[test]
    fn every_fact_is_carried() {
        let facts = Facts {
            generation: "gen-1".to_owned(),
            started: u64::MAX,
            key: "Zoë".to_owned(),
            operation: Operation::Embeddings,
            explain: Explain::Unclear,
            models: ["a/b", "c/d"].map(of_model).to_vec(),
            stream: true,
            include_usage: true,
            estimate: Estimate::of_tokens(1_000_000),
            message_count: 2,
            max_tokens: Some(0),
            parameters: ParameterSet::all(["tools", "seed"]),
            structured: true,
            heals: true,
            preferences: Preferences::from_json(br#"{"only": ["a", "b"], "zdr": true}"#).unwrap(),
            transforms: Transforms::MiddleOut,
            tasks: vec![Task::Code, Task::Length],
            conversation: Some(u64::MAX),
            input_modalities: vec!["image".to_owned()],
            images: 3,
            choices: 4,
            searches: true,
            output_modalities: vec!["text".to_owned(), "image".to_owned()],
            app: App {
                url: Some("https://x".to_owned()),
                title: Some(String::new()),
            },
        };
        let bytes = facts.encode();
        for length in 0..bytes.len() {
            assert_eq!(Facts::decode(&bytes[..length]), None, "{length}");
        }
        let billable = Billable::decode(&bytes).unwrap();
        assert_eq!(billable.choices, 4);
        assert_eq!(
            (billable.models, billable.app),
            (facts.models.clone(), facts.app.clone())
        );
        assert_eq!(Billable::decode(b""), None);
        assert_eq!(Facts::decode(&bytes), Some(facts));
        for (n, stream) in [true, false, false, false, false].into_iter().enumerate() {
            let flag = |at| at == n;
            let one = Facts {
                stream,
                include_usage: flag(1),
                structured: flag(2),
                heals: flag(3),
                searches: flag(4),
                ..Facts::default()
            };
            assert_eq!(Facts::decode(&one.encode()), Some(one));
        }
    }

    fn of_model(id: &str) -> Choice {
        let variants = Variants {
            floor: id == "a/b",
            thinking: true,
            ..Variants::default()
        };
        let id = id.to_owned();
        Choice { id, variants }
    }
}
