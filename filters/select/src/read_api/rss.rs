//! `GET /models?use_rss=true`: the models as an RSS 2.0 feed, the newest first.

use std::cmp::Reverse;
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use super::tagged::Tagged;
use super::url;

const CONTENT_TYPE: &str = "application/rss+xml; charset=utf-8";

/// A model's entry in the feed: ready but for the gateway's own address, which stands between its
/// two halves.
#[derive(Debug)]
pub(super) struct Item {
    /// Unix seconds; 0 where nobody knows.
    created: u64,
    before: String,
    after: String,
}

impl Item {
    pub(super) fn new(
        id: &str,
        name: &str,
        description: &str,
        created: u64,
        categories: &[String],
    ) -> Self {
        let mut after = escape(&url::endpoints(id));
        after.push_str("</link>");
        // Several models may share a permanent slug; ids are unique.
        element(&mut after, "guid isPermaLink=\"false\"", id);
        if let Some(date) = date(created) {
            element(&mut after, "pubDate", &date);
        }
        element(&mut after, "description", description);
        for category in categories {
            element(&mut after, "category", category);
        }
        after.push_str("</item>");
        let mut before = "<item>".to_owned();
        element(&mut before, "title", name);
        before.push_str("<link>");
        Self {
            created,
            before,
            after,
        }
    }
}

/// The feed of these models, for who knows the gateway by this origin, such as `https://llm.example`.
pub(super) fn feed(mut items: Vec<&Item>, origin: &str) -> Tagged {
    // Those of one moment keep the document's order; those of no known one come last.
    items.sort_by_key(|item| Reverse(item.created));
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    xml.push_str("<rss version=\"2.0\"><channel>");
    element(&mut xml, "title", "Models");
    element(&mut xml, "link", &format!("{origin}/api/v1/models"));
    let description = "The models that this gateway serves, the newest first.";
    element(&mut xml, "description", description);
    let origin = escape(origin);
    for item in items {
        for part in [&item.before, &origin, &item.after] {
            xml.push_str(part);
        }
    }
    xml.push_str("</channel></rss>\n");
    Tagged::of(CONTENT_TYPE, xml.into_bytes())
}

/// Writes an element; `tag` is its name, with its attributes if it has any.
fn element(xml: &mut String, tag: &str, text: &str) {
    let name = tag.split(' ').next().unwrap_or(tag);
    // Writing to a string does not fail.
    let _ = write!(xml, "<{tag}>{}</{name}>", escape(text));
}

/// Text as XML 1.0 can hold it: most control characters have no form at all, and are replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            _ => out.push(c),
        }
    }
    out
}

/// The first second of the year 10000, which HTTP's dates cannot say.
const YEAR_10000: u64 = 253_402_300_800;

/// A date as RFC 822 writes it, with the four digits of a year that RSS wants: HTTP's own form.
/// `None` for what nobody knows, and for years that have more digits.
fn date(seconds: u64) -> Option<String> {
    let known = seconds > 0 && seconds < YEAR_10000;
    let date = known.then(|| UNIX_EPOCH + Duration::from_secs(seconds))?;
    Some(httpdate::fmt_http_date(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let cases = [
            (1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (1_721_260_800, "Thu, 18 Jul 2024 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(date(seconds).as_deref(), Some(expected));
        }
        assert_eq!(
            (date(0), date(253_402_300_800), date(u64::MAX)),
            (None, None, None)
        );
    }

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            escape("<b>\"A\" & 'B'</b>]]>\n\u{1}\u{ffff}é"),
            "&lt;b&gt;&quot;A&quot; &amp; &apos;B&apos;&lt;/b&gt;]]&gt;\n\u{fffd}\u{fffd}é"
        );
    }

    #[test]
    fn the_newest_come_first() {
        let categories = ["programming".to_owned(), "a&b".to_owned()];
        let items = [
            Item::new("m/unknown", "Unknown", "", 0, &[]),
            Item::new(
                "m/old",
                "Old & \"good\"",
                "x < y",
                1_721_260_800,
                &categories,
            ),
            Item::new("m/new", "New", "", 1_735_689_599, &[]),
        ];
        let feed = feed(items.iter().collect(), "https://x.example:1&");
        let xml = String::from_utf8(feed.body).unwrap();
        let old = "<item><title>Old &amp; &quot;good&quot;</title>\
            <link>https://x.example:1&amp;/api/v1/models/m/old/endpoints</link>\
            <guid isPermaLink=\"false\">m/old</guid><pubDate>Thu, 18 Jul 2024 00:00:00 GMT</pubDate>\
            <description>x &lt; y</description><category>programming</category>\
            <category>a&amp;b</category></item>";
        let at = |text: &str| xml.find(text).unwrap();
        assert!(at("<guid isPermaLink=\"false\">m/new<") < at(old), "{xml}");
        assert!(
            at(old) < at(">m/unknown</guid><description></description></item></channel></rss>")
        );
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel>\
            <title>Models</title><link>https://x.example:1&amp;/api/v1/models</link><description>";
        assert!(xml.starts_with(head), "{xml}");
    }
}
