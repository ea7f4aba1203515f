//! What the span of a request says of its completion: values of the record, each in a property of its own, because Envoy's
//! tracer cannot take the record apart.

use meshrouter_core::names::attribute;
use meshrouter_core::route::Operation;
use meshrouter_host::Properties;

use crate::json::Json;
use crate::record::Record;

/// Leaves the attributes for Envoy's tracer. Each is a call of the host, so what there is nothing to say of is left out.
pub(crate) fn tell(
    host: &mut impl Properties,
    record: &Record<'_>,
    operation: Operation,
    status: i64,
) {
    let texts = [
        (attribute::OPERATION, Some(operation.span_name())),
        (attribute::REQUEST_MODEL, Some(record.model_requested)),
        (attribute::PROVIDER, record.provider),
        (attribute::RESPONSE_ID, Some(record.id)),
        (attribute::RESPONSE_MODEL, record.model),
        (attribute::FINISH, record.finish),
        (attribute::KEY_NAME, Some(record.key)),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            host.set_property(name, text.as_bytes());
        }
    }
    let some = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
    let numbers = [
        (attribute::ATTEMPTS, record.attempts),
        (attribute::INPUT_TOKENS, record.prompt_tokens),
        (attribute::CACHE_READ_TOKENS, some(record.cached_tokens)),
        (
            attribute::CACHE_WRITE_TOKENS,
            some(record.cache_write_tokens),
        ),
        (attribute::OUTPUT_TOKENS, record.completion_tokens),
        (attribute::REASONING_TOKENS, some(record.reasoning_tokens)),
    ];
    for (name, number) in numbers {
        tell_number(host, name, number);
    }
    tell_number(host, attribute::COST, record.cost);
    // In the native shape the last attempt has left its own.
    host.set_property(attribute::ERROR, error(record, status).as_bytes());
}

fn tell_number(host: &mut impl Properties, name: &str, number: Option<impl Json>) {
    let Some(number) = number else {
        return;
    };
    let mut text = Vec::with_capacity(24);
    number.write(&mut text);
    host.set_property(name, &text);
}

/// What went wrong with the request as a whole; nothing where its caller left.
fn error(record: &Record<'_>, status: i64) -> String {
    match status {
        400.. => status.to_string(),
        _ if record.cancelled => String::new(),
        _ if !record.finished || record.finish == Some("error") => "broke_off".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use meshrouter_core::money::Usd;
    use meshrouter_host::fake::Fake;

    use super::*;

    fn told(record: &Record<'_>, status: i64) -> Vec<(String, String)> {
        let mut host = Fake::default();
        tell(&mut host, record, Operation::Completions, status);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let properties = host.properties.into_iter();
        properties
            .map(|(name, value)| (name, text(value)))
            .collect()
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let record = Record {
            id: "gen-1",
            key: "demo",
            model_requested: "a/one",
            attempts: Some(2),
            prompt_tokens: Some(10),
            cached_tokens: Some(0),
            completion_tokens: Some(0),
            reasoning_tokens: Some(7),
            cost: Some(Usd::from_nano(20_000)),
            finished: true,
            ..Record::default()
        };
        let wanted = [
            ("error.type", ""),
            ("gen_ai.operation.name", "text_completion"),
            ("gen_ai.request.model", "a/one"),
            ("gen_ai.response.id", "gen-1"),
            ("gen_ai.usage.input_tokens", "10"),
            ("gen_ai.usage.output_tokens", "0"),
            ("gen_ai.usage.reasoning.output_tokens", "7"),
            ("meshrouter.attempts", "2"),
            ("meshrouter.cost", "0.00002"),
            ("meshrouter.key_name", "demo"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(told(&record, 200), wanted);
    }

    #[test]
    fn errors_are_the_status_or_that_the_answer_broke_off() {
        let error = |status, finished, cancelled, finish| {
            let record = Record {
                finished,
                cancelled,
                finish,
                ..Record::default()
            };
            let told = told(&record, status);
            told.into_iter().find(|(name, _)| name == "error.type")
        };
        for (status, finished, cancelled, finish, wanted) in [
            (200, true, false, Some("stop"), ""),
            (200, true, false, Some("error"), "broke_off"),
            (200, false, false, None, "broke_off"),
            (200, false, true, None, ""),
            (0, false, true, None, ""),
            (503, true, false, None, "503"),
        ] {
            let (_, error) = error(status, finished, cancelled, finish).unwrap();
            assert_eq!(error, wanted, "{status} {finished} {cancelled} {finish:?}");
        }
    }
}
