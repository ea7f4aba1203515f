//! [`Facts`] in bytes. Two filters read them of every request: so what each request has is read in few steps, and only
//! what is seldom there by way of serde.

use super::Carried;
use super::words::{Reader, Writer};
use crate::facts::{Choice, Facts};
use crate::parameters::ParameterSet;
use crate::preferences::Preferences;
use crate::slug::Variants;
use crate::tokens::Estimate;

impl Carried for Facts {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(512);
        out.text(&self.generation);
        out.number(self.started);
        out.text(&self.key);
        out.number(self.models.len() as u64);
        for Choice { id, variants } in &self.models {
            out.text(id);
            write_variants(&mut out, *variants);
        }
        out.flags([
            self.stream,
            self.include_usage,
            self.structured,
            self.heals,
            self.searches,
        ]);
        for weight in self.estimate.weights() {
            out.number(weight);
        }
        out.number(self.message_count);
        out.option(self.max_tokens);
        out.number(self.parameters.bits());
        out.option(self.conversation);
        out.number(self.images);
        out.number(self.choices);
        write_preferences(&mut out, &self.preferences);
        let rest = (
            self.operation,
            self.explain,
            self.transforms,
            &self.tasks,
            &self.input_modalities,
            &self.output_modalities,
            &self.app,
        );
        // Strings and names: serialisation cannot fail.
        postcard::to_extend(&rest, out.finish()).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut facts = Self::default();
        let mut from = Reader::new(bytes);
        facts.generation = from.text();
        facts.started = from.number();
        facts.key = from.text();
        for _ in 0..from.number() {
            if from.is_short() {
                return None;
            }
            facts.models.push(read_choice(&mut from));
        }
        [
            facts.stream,
            facts.include_usage,
            facts.structured,
            facts.heals,
            facts.searches,
        ] = from.flags();
        let weights = facts.estimate.weights().map(|_| from.number());
        facts.estimate = Estimate::of_weights(weights);
        facts.message_count = from.number();
        facts.max_tokens = from.option();
        facts.parameters = ParameterSet::of_bits(from.number());
        facts.conversation = from.option();
        facts.images = from.number();
        facts.choices = from.number();
        let preferences = from.text();
        if !preferences.is_empty() {
            facts.preferences = serde_json::from_str(&preferences).ok()?;
        }
        (
            facts.operation,
            facts.explain,
            facts.transforms,
            facts.tasks,
            facts.input_modalities,
            facts.output_modalities,
            facts.app,
        ) = postcard::from_bytes(from.finish()?).ok()?;
        Some(facts)
    }
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
    use crate::route::Operation;

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
