//! What callers write in `model`: ids, aliases, variants and presets.

use crate::catalog::Catalog;

/// Where a preset's name begins in a slug (Presets page).
const PRESET: &str = "@preset/";

/// A slug taken apart: `author/model:variant@preset/name`, any part of which may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slug<'a> {
    /// The model with its variants; `None` in `@preset/name`.
    pub model: Option<&'a str>,
    /// The preset's name.
    pub preset: Option<&'a str>,
}

impl<'a> Slug<'a> {
    /// Takes a slug apart.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (model, preset) = match text.split_once(PRESET) {
            Some((model, preset)) => (model, Some(preset)),
            None => (text, None),
        };
        Self {
            model: (!model.is_empty()).then_some(model),
            preset,
        }
    }
}

/// What the dynamic variants of a model ask for. They work on every model (FAQ, variants pages).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Variants {
    /// `:nitro`: the same as `provider.sort: "throughput"`.
    pub nitro: bool,
    /// `:floor`: the same as `provider.sort: "price"`.
    pub floor: bool,
    /// `:exacto`: only the model's curated providers.
    pub exacto: bool,
    /// `:online`: the same as `plugins: [{"id": "web"}]`.
    pub online: bool,
    /// `:thinking`: reasoning is on unless the request says otherwise.
    pub thinking: bool,
}

impl Variants {
    /// Turns a variant on; false for one that is not dynamic.
    fn add(&mut self, name: &str) -> bool {
        let flag = match name {
            "nitro" => &mut self.nitro,
            "floor" => &mut self.floor,
            "exacto" => &mut self.exacto,
            "online" => &mut self.online,
            "thinking" => &mut self.thinking,
            _ => return false,
        };
        *flag = true;
        true
    }
}

/// Finds the model that a slug's model part names, and the dynamic variants that it asks for.
///
/// The longest prefix that is an id or an alias of the catalog is the model, so that a variant which
/// the catalog lists as a model of its own, such as `:free`, is that model, and what follows is
/// dynamic: `openai/gpt-oss-20b:free:online`.
///
/// Returns the catalog's id; `None` where there is no such model or variant.
#[must_use]
pub fn resolve<'c>(catalog: &'c Catalog, model: &str) -> Option<(&'c str, Variants)> {
    let mut variants = Variants::default();
    let mut rest = model;
    loop {
        if let Some(id) = catalog.id(rest) {
            return Some((id, variants));
        }
        let (shorter, variant) = rest.rsplit_once(':')?;
        if !variants.add(variant) {
            return None;
        }
        rest = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    fn catalog() -> Catalog {
        let model = |id: &str, more: &str| {
            format!(
                r#"{{"id": "{id}", "context_length": 1, {more} "endpoints": [{{"provider": "p",
                "pricing": {{"prompt": "0", "completion": "0"}}}}]}}"#
            )
        };
        let models = [
            model("a/one", r#""aliases": ["one@2024", "uno"],"#),
            model("a/one:free", ""),
            model("b/two:thinking", ""),
        ];
        let json = format!(
            r#"{{"providers": {{"p": {{"cluster": "p"}}}}, "models": [{}]}}"#,
            models.join(",")
        );
        Catalog::compile(Document::from_json(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn slugs_come_apart() {
        let cases = [
            ("a/one", Some("a/one"), None),
            ("@preset/mail", None, Some("mail")),
            ("a/one:nitro@preset/mail", Some("a/one:nitro"), Some("mail")),
            ("one@2024", Some("one@2024"), None),
            ("", None, None),
            ("a/one@preset/", Some("a/one"), Some("")),
        ];
        for (text, model, preset) in cases {
            assert_eq!(Slug::parse(text), Slug { model, preset }, "{text}");
        }
    }

    #[test]
    fn models_are_found_with_their_variants() {
        let catalog = catalog();
        let found = |slug: &str| {
            resolve(&catalog, slug).map(|(id, v)| {
                let on = [v.nitro, v.floor, v.exacto, v.online, v.thinking];
                let letters = "nfeot".chars().zip(on).filter(|(_, on)| *on);
                format!("{id} {}", letters.map(|(c, _)| c).collect::<String>())
            })
        };
        let cases = [
            ("a/one", Some("a/one ")),
            ("uno", Some("a/one ")),
            ("one@2024:floor", Some("a/one f")),
            ("a/one:free", Some("a/one:free ")),
            ("a/one:free:online", Some("a/one:free o")),
            ("a/one:nitro:thinking", Some("a/one nt")),
            ("a/one:online:free", None),
            ("b/two:thinking", Some("b/two:thinking ")),
            ("b/two", None),
            ("b/two:exacto", None),
            ("a/one:extended", None),
            ("a/one:", None),
            ("", None),
            (":nitro", None),
        ];
        for (slug, expected) in cases {
            assert_eq!(found(slug).as_deref(), expected, "{slug}");
        }
    }
}
