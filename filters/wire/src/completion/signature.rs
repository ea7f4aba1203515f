//! What the router puts into each completion that it returns.

use meshrouter_core::route::Operation;

use crate::json::literal;

/// How the router signs what it returns. Made once a response, as JSON.
#[derive(Debug, Clone)]
pub struct Signature {
    pub(super) id: Member,
    pub(super) model: Member,
    pub(super) provider: Member,
    pub(super) object: Member,
    pub(super) created: Member,
    pub(super) exclude_reasoning: bool,
}

/// One member of a signature, as JSON.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The name, the value and a comma.
    text: String,
    /// Where the value begins.
    value_at: usize,
}

impl Member {
    /// `value` is JSON.
    fn new(name: &str, value: &str) -> Self {
        Self {
            value_at: name.len().saturating_add(3),
            text: ["\"", name, "\":", value, ","].concat(),
        }
    }

    /// `text` as it is to be read.
    fn of_text(name: &str, text: &str) -> Self {
        let is_plain = |byte: u8| byte >= 0x20 && !matches!(byte, b'"' | b'\\');
        if !text.bytes().all(is_plain) {
            return Self::new(name, &literal(text));
        }
        Self {
            value_at: name.len().saturating_add(3),
            text: ["\"", name, "\":\"", text, "\","].concat(),
        }
    }

    /// The value.
    pub(super) fn value(&self) -> &[u8] {
        let end = self.text.len().saturating_sub(1);
        self.text
            .as_bytes()
            .get(self.value_at..end)
            .unwrap_or_default()
    }

    /// The whole member, as it stands before others.
    pub(super) fn with_comma(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Signature {
    /// The generation's id, the router's id of the model that served, the provider's name.
    #[must_use]
    pub fn new(generation: &str, model: &str, provider: &str, operation: Operation) -> Self {
        // The id holds the second in which the request came: `gen-<seconds>-…`.
        let created = generation.split('-').nth(1);
        let created = created
            .filter(|text| text.parse::<u64>().is_ok())
            .unwrap_or("0");
        Self {
            id: Member::of_text("id", generation),
            model: Member::of_text("model", model),
            provider: Member::of_text("provider", provider),
            object: Member::new(
                "object",
                match operation {
                    Operation::ChatCompletions => r#""chat.completion""#,
                    Operation::Completions => r#""text_completion""#,
                    Operation::Embeddings => r#""list""#,
                },
            ),
            created: Member::new("created", created),
            exclude_reasoning: false,
        }
    }

    /// The same for the chunks of a stream.
    #[must_use]
    pub fn of_chunks(mut self) -> Self {
        if self.object.value() == br#""chat.completion""# {
            self.object = Member::new("object", r#""chat.completion.chunk""#);
        }
        self
    }

    /// The same, leaving the reasoning out.
    #[must_use]
    pub fn without_reasoning(mut self, exclude: bool) -> Self {
        self.exclude_reasoning = exclude;
        self
    }

    /// The chunk of a stream that has the usage: its members, each its name and its JSON.
    #[must_use]
    pub fn usage_chunk(&self, members: &[(&str, &str)]) -> Vec<u8> {
        let members = members
            .iter()
            .map(|(name, value)| format!("{}:{value}", literal(name)));
        let members: Vec<_> = members.collect();
        format!(
            r#"{{{}"choices":[],"usage":{{{}}}}}"#,
            self.members(),
            members.join(",")
        )
        .into_bytes()
    }

    /// The chunk that ends a stream in which something went wrong: `error` is the documented error
    /// object as JSON.
    #[must_use]
    pub fn error_chunk(&self, error: &[u8]) -> Vec<u8> {
        let error = String::from_utf8_lossy(error);
        let nothing = if self.object.value() == br#""text_completion""# {
            r#""text":"""#
        } else {
            r#""delta":{"content":""}"#
        };
        format!(
            r#"{{{}"error":{error},"choices":[{{"index":0,{nothing},"finish_reason":"error"}}]}}"#,
            self.members()
        )
        .into_bytes()
    }

    /// All members, each with a comma behind it.
    fn members(&self) -> String {
        let all = [
            &self.id,
            &self.provider,
            &self.model,
            &self.object,
            &self.created,
        ];
        all.map(|member| member.text.as_str()).concat()
    }
}
