//! The query string of the model list: which models, and in which form.

use std::collections::BTreeSet;

use meshrouter_core::route;

use super::traits::Traits;
use super::url;

/// The most models of a page, and how many where only `offset` is given, as OpenRouter documents.
const MAX_LIMIT: usize = 1_000;
const USUAL_LIMIT: usize = 500;

/// What is asked for. Fields that are not known ask for nothing, nor do empty ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// `supported_parameters`: all of them, from every such field.
    parameters: BTreeSet<String>,
    /// `category`: the last.
    category: Option<String>,
    /// `use_rss`: a feed in place of the list.
    pub(super) rss: bool,
    /// `offset` and `limit`.
    pub(super) page: Option<Page>,
}

/// A part of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// How many models come before it.
    pub(super) offset: usize,
    /// How many it has at most.
    pub(super) limit: usize,
}

impl Query {
    /// The query of a `:path`.
    pub(super) fn of(path: &[u8]) -> Self {
        let mut query = Self::default();
        let (mut offset, mut limit) = (None, None);
        for (name, value) in route::query(path) {
            match name.as_str() {
                "supported_parameters" => {
                    let names = value.split(',').map(str::trim).filter(|n| !n.is_empty());
                    query.parameters.extend(names.map(str::to_owned));
                }
                "category" => query.category = Some(value),
                "use_rss" => query.rss = value == "true",
                "offset" => offset = value.parse().ok(),
                "limit" => limit = value.parse().ok().filter(|limit| *limit > 0),
                _ => {}
            }
        }
        // Without either, everything is one page.
        query.page = (offset.is_some() || limit.is_some()).then(|| Page {
            offset: offset.unwrap_or(0),
            limit: limit.unwrap_or(USUAL_LIMIT).min(MAX_LIMIT),
        });
        query
    }

    /// Whether a model is one of those that are asked for.
    pub(super) fn wants(&self, model: &Traits) -> bool {
        let category = self.category.as_ref();
        model.support(&self.parameters) && category.is_none_or(|category| model.is_in(category))
    }

    /// Where this list goes on after so many models.
    pub(super) fn link(&self, offset: usize, limit: usize) -> String {
        let mut link = format!("/api/v1/models?offset={offset}&limit={limit}");
        let parameters: Vec<_> = self
            .parameters
            .iter()
            .map(|name| url::encode(name))
            .collect();
        if !parameters.is_empty() {
            link.push_str("&supported_parameters=");
            link.push_str(&parameters.join(","));
        }
        if let Some(category) = &self.category {
            link.push_str("&category=");
            link.push_str(&url::encode(category));
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(format!("/api/v1/models{text}").as_bytes())
    }

    fn parameters(text: &str) -> Vec<String> {
        query(text).parameters.into_iter().collect()
    }

    #[test]
    fn fields_are_decoded() {
        let asked = query("?supported_parameters=tools%2Cseed&category=marketing%2Fseo+x");
        assert_eq!(
            asked.parameters.iter().collect::<Vec<_>>(),
            ["seed", "tools"]
        );
        assert_eq!(asked.category.as_deref(), Some("marketing/seo x"));
        assert_eq!(query("?%63ategory=a%2Bb").category.as_deref(), Some("a+b"));
        let twice = "?supported_parameters=a,+b,,a&supported_parameters=c#&category=x";
        assert_eq!(parameters(twice), ["a", "b", "c"]);
        assert_eq!(query("?category=%ff").category.as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn what_asks_for_nothing_is_ignored() {
        for text in [
            "",
            "?",
            "?&&=&=x",
            "?category=&supported_parameters=&use_rss=",
            "?category&supported_parameters=,",
            "?use_rss=false",
            "?use_rss=1",
            "?sort=newest&Category=x",
            "?limit=0&offset=-1",
            "#?category=x",
        ] {
            assert_eq!(query(text), Query::default(), "{text}");
        }
        assert!(query("?a=b&use_rss=true").rss);
    }

    #[test]
    fn pages_are_bounded() {
        let page = |text: &str| query(text).page.map(|page| (page.offset, page.limit));
        assert_eq!(page("?offset=3"), Some((3, 500)));
        assert_eq!(page("?limit=2"), Some((0, 2)));
        assert_eq!(page("?offset=0&limit=99999"), Some((0, 1_000)));
        let asked = query("?limit=9&category=a%26b&supported_parameters=tools,seed");
        let link = asked.link(9, 9);
        assert_eq!(
            link,
            "/api/v1/models?offset=9&limit=9&supported_parameters=seed,tools&category=a%26b"
        );
        let again = Query::of(link.as_bytes());
        assert_eq!(
            (&again.category, &again.parameters),
            (&asked.category, &asked.parameters)
        );
    }
}
