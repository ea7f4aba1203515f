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
        let mut from = Reader(bytes);
        let (generation, started, key) = (from.text()?, from.number()?, from.text()?);
        let models = from.number()?;
        let models = (0..models).map(|_| read_choice(&mut from));
        let models = models.collect::<Option<_>>()?;
        let [stream, include_usage, structured, heals, searches] = from.flags()?;
        let mut weights = Estimate::default().weights();
        for weight in &mut weights {
            *weight = from.number()?;
        }
        Some(Self {
            generation,
            started,
            key,
            models,
            stream,
            include_usage,
            structured,
            heals,
            searches,
            estimate: Estimate::of_weights(weights),
            message_count: from.number()?,
            max_tokens: from.option()?,
            parameters: ParameterSet::of_bits(from.number()?),
            conversation: from.option()?,
            images: from.number()?,
            choices: from.number()?,
            preferences: read_preferences(&mut from)?,
            ..rest(from.0)?
        })
    }
}

/// What serde reads.
fn rest(bytes: &[u8]) -> Option<Facts> {
    let (operation, explain, transforms, tasks, input_modalities, output_modalities, app) =
        postcard::from_bytes(bytes).ok()?;
    Some(Facts {
        operation,
        explain,
        transforms,
        tasks,
        input_modalities,
        output_modalities,
        app,
        ..Facts::default()
    })
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

fn read_choice(from: &mut Reader<'_>) -> Option<Choice> {
    let id = from.text()?;
    let [nitro, floor, exacto, online, thinking] = from.flags()?;
    let variants = Variants {
        nitro,
        floor,
        exacto,
        online,
        thinking,
    };
    Some(Choice { id, variants })
}

/// As people write them, or nothing.
fn write_preferences(out: &mut Writer, preferences: &Preferences) {
    if *preferences == Preferences::default() {
        return out.text("");
    }
    // They came from JSON: serialisation cannot fail.
    out.text(&serde_json::to_string(preferences).unwrap_or_default());
}

fn read_preferences(from: &mut Reader<'_>) -> Option<Preferences> {
    let json = from.text()?;
    if json.is_empty() {
        return Some(Preferences::default());
    }
    serde_json::from_str(&json).ok()
}
