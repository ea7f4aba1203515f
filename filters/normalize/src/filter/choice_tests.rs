//! Which models a request comes to, end to end through the filter.

use meshrouter_core::facts::{Choice, MemberSpan};
use meshrouter_host::fake::{Stream, settings};

use super::*;

const DOCUMENT: &str = r#"{"providers": {"alpha": {"cluster": "alpha"}}, "models": [
    {"id": "a/one", "aliases": ["one@2024"], "context_length": 8192, "endpoints": [{"provider": "alpha", "pricing": {"prompt": "0", "completion": "0"}}]},
    {"id": "a/one:free", "context_length": 8192, "endpoints": [{"provider": "alpha", "pricing": {"prompt": "0", "completion": "0"}}]},
    {"id": "a/two", "context_length": 8192, "endpoints": [{"provider": "alpha", "pricing": {"prompt": "0", "completion": "0"}}]}],
    "keys": [{"name": "own", "hash": "HASH", "default_model": "a/two"}],
    "default_model": "a/one",
    "presets": {"mail": {"model": "a/two", "temperature": 0.2, "system": "Write mails."},
                "plain": {"top_p": 0.5}}}"#;

fn document() -> String {
    DOCUMENT.replace("HASH", &"a".repeat(64))
}

/// Sends a request with these fields before `messages`.
fn sent(fields: &str, key: &str) -> Stream<Normalize> {
    let mut stream: Stream<Normalize> = Stream::new(&settings::<Normalize>(&document()).unwrap());
    let account = Account {
        key: key.to_owned(),
        ..Account::default()
    };
    stream
        .host
        .properties
        .insert(property::KEY.to_owned(), account.encode());
    let headers = [(":method", "POST"), (":path", "/v1/chat/completions")];
    stream.headers(Direction::Request, &headers, false);
    let body = format!(r#"{{{fields}"messages": [{{"role": "user", "content": "Hi"}}]}}"#);
    stream.body(Direction::Request, body.as_bytes(), true);
    stream
}

/// The models of a request, as `id` with the letters of its variants.
fn models(fields: &str, key: &str) -> String {
    let stream = sent(fields, key);
    let Some(facts) = stream.host.properties.get(property::FACTS) else {
        let reply = stream.host.reply.unwrap();
        return format!(
            "{} {}",
            reply.status,
            String::from_utf8(reply.body).unwrap()
        );
    };
    let name = |choice: &Choice| {
        let v = choice.variants;
        let on = [
            (v.nitro, '+'),
            (v.floor, '-'),
            (v.online, '@'),
            (v.thinking, '?'),
            (v.exacto, '!'),
        ];
        let letters = on.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter);
        format!("{}{}", choice.id, letters.collect::<String>())
    };
    let facts = Facts::decode(facts).unwrap();
    facts.models.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn table() {
    let cases = [
        (r#""model": "a/one", "#, "a/one"),
        (r#""model": "one@2024", "#, "a/one"),
        (r#""model": "a/one:free:online", "#, "a/one:free@"),
        (r#""model": "a/one:nitro:floor", "#, "a/one+-"),
        (r#""model": "a/one:thinking:exacto", "#, "a/one?!"),
        (
            r#""models": ["a/two", "a/one"], "route": "fallback", "#,
            "a/two a/one",
        ),
        (
            r#""model": "a/two", "fallback_models": ["a/two", "one@2024", "a/one"], "fallback_rules": "auto", "#,
            "a/two a/one",
        ),
        (
            r#""model": "a/two", "models": ["a/one"], "fallback_rules": "none", "#,
            "a/two",
        ),
        (
            r#""model": "a/one", "models": ["a/one:nitro"], "#,
            "a/one a/one+",
        ),
        (r#""model": "@preset/mail", "#, "a/two"),
        (r#""model": "a/one@preset/mail", "#, "a/one"),
        (r#""model": "a/one:nitro", "preset": "mail", "#, "a/one+"),
        (r#""preset": "mail", "#, "a/two"),
        (r#""model": "@preset/plain", "#, "a/one"),
        (r#""model": null, "#, "a/one"),
        ("", "a/one"),
    ];
    for (fields, expected) in cases {
        assert_eq!(models(fields, ""), expected, "{fields}");
    }
    assert_eq!(models("", "own"), "a/two", "the key's own default");
    assert_eq!(models(r#""model": "a/one", "#, "own"), "a/one");
}

#[test]
fn unknown_names_are_refused_by_field() {
    let cases = [
        (
            r#""model": "a/none", "#,
            "404",
            "no model `a/none`",
            "\"field\":\"model\"",
        ),
        (
            r#""model": "a/one", "models": ["a/two", "b"], "#,
            "404",
            "no model `b`",
            "\"field\":\"models[1]\"",
        ),
        (
            r#""model": "a/one", "fallback_models": ["b"], "#,
            "404",
            "no model `b`",
            "\"field\":\"fallback_models[0]\"",
        ),
        (
            r#""model": "a/two:free", "#,
            "404",
            "`a/two` has no variant `:free`",
            "\"field\":\"model\"",
        ),
        (
            r#""model": "@preset/none", "#,
            "400",
            "no preset `none`",
            "\"field\":\"model\"",
        ),
        (
            r#""model": "a/one", "preset": "none", "#,
            "400",
            "no preset `none`",
            "\"field\":\"preset\"",
        ),
    ];
    for (fields, status, message, field) in cases {
        let answer = models(fields, "");
        assert!(
            answer.starts_with(status) && answer.contains(message) && answer.contains(field),
            "{fields}: {answer}"
        );
    }
    let many = format!(r#""models": [{}"x"], "#, r#""a/one", "#.repeat(32));
    assert!(models(&many, "").contains("at most 32 models"));
}

#[test]
fn a_preset_changes_the_body_and_its_spans() {
    let stream = sent(r#""model": "@preset/mail", "temperature": 1, "#, "");
    let body = stream.sent(Direction::Request);
    assert_eq!(
        body,
        r#"{"model": "@preset/mail", "temperature": 1, "messages": [{"role":"system","content":"Write mails."},{"role": "user", "content": "Hi"}]}"#
    );
    let header = stream.header(Direction::Request, header::REQUEST).unwrap();
    let attempt = AttemptRequest::decode(header.as_bytes()).unwrap();
    assert_eq!(attempt.body_length, body.len());
    let length = stream.header(Direction::Request, "content-length");
    assert_eq!(length, Some(body.len().to_string()));
    let text = |span: &MemberSpan| body[span.value..span.end].to_owned();
    assert_eq!(
        attempt.members.iter().map(text).collect::<Vec<_>>(),
        ["\"@preset/mail\"", "1"]
    );
}

#[test]
fn wrong_defaults_and_presets_are_refused_with_their_path() {
    let error = |from: &str, to: &str| {
        settings::<Normalize>(&document().replace(from, to))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(
            r#""default_model": "a/one""#,
            r#""default_model": "a/none""#
        ),
        "gateway document: default_model: there is no model `a/none`"
    );
    assert_eq!(
        error(
            r#""default_model": "a/two""#,
            r#""default_model": "a/none""#
        ),
        "gateway document: keys[0].default_model: there is no model `a/none`"
    );
    assert_eq!(
        error(r#""top_p": 0.5"#, r#""top_p": "x""#),
        "gateway document: presets.plain: `top_p` must be a number, but is a string."
    );
    assert_eq!(
        error("one@2024", "a/two"),
        "gateway document: models[0].aliases[0]: `a/two` already names a model, or nothing"
    );
}
