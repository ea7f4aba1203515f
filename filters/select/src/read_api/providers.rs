//! `GET /providers`.

use meshrouter_core::Catalog;
use serde::Serialize;

use super::schema::{Data, json};
use super::tagged::Tagged;

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    slug: &'a str,
    privacy_policy_url: Option<&'a str>,
    terms_of_service_url: Option<&'a str>,
    status_page_url: Option<&'a str>,
}

/// The list's body, by slug.
pub(super) fn body(catalog: &Catalog) -> Tagged {
    let entries = catalog.providers().map(|(slug, provider)| {
        let pages = provider.pages.each_ref().map(Option::as_deref);
        let [privacy_policy_url, terms_of_service_url, status_page_url] = pages;
        Entry {
            name: &provider.name,
            slug,
            privacy_policy_url,
            terms_of_service_url,
            status_page_url,
        }
    });
    let data: Vec<_> = entries.collect();
    Tagged::json(json(&Data { data }))
}
