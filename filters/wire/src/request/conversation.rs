//! Which conversation a request is a turn of: by how it began, or by the caller's own word for it.

/// An odd number without pattern (the golden ratio's), to spread bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A number that the turns of one conversation share. Two conversations that share one by chance
/// merely prefer the same endpoint, so it need not be hard to find such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conversation(u64);

impl Conversation {
    /// Adds what the conversation is told by.
    #[must_use]
    pub fn and(self, part: &[u8]) -> Self {
        let (words, rest) = part.as_chunks::<8>();
        let mut hash = mix(self.0, part.len() as u64);
        for word in words {
            hash = mix(hash, u64::from_le_bytes(*word));
        }
        let rest = rest.iter().rev();
        Self(mix(hash, rest.fold(0, |word, b| word << 8 | u64::from(*b))))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(SPREAD)
}

/// How a conversation began: its first system prompt and its first other message. The turns that
/// follow add messages behind.
#[derive(Debug, Default)]
pub(super) struct Opening {
    system: Option<Conversation>,
    other: Option<Conversation>,
    answered: bool,
}

impl Opening {
    /// Takes the next message, as it stands in the body.
    pub(super) fn message(&mut self, role: &[u8], message: &[u8]) {
        self.answered |= role == b"assistant";
        let first = if matches!(role, b"system" | b"developer") {
            &mut self.system
        } else {
            &mut self.other
        };
        if first.is_none() {
            *first = Some(Conversation::default().and(message));
        }
    }

    /// Whether there is a system or developer prompt.
    pub(super) fn has_system(&self) -> bool {
        self.system.is_some()
    }

    /// Whether the conversation goes on: a first turn has no answer in it yet.
    pub(super) fn goes_on(&self) -> bool {
        self.answered
    }

    pub(super) fn conversation(&self) -> Conversation {
        let part = |part: Option<Conversation>| part.unwrap_or_default().0.to_le_bytes();
        Conversation::default()
            .and(&part(self.system))
            .and(&part(self.other))
    }
}

#[cfg(test)]
mod tests {
    use meshrouter_core::route::Operation;

    use super::*;
    use crate::request::ChatRequest;

    fn of(messages: &str) -> Conversation {
        let body = format!(r#"{{"messages": [{messages}]}}"#);
        let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap();
        request.opening.unwrap()
    }

    #[test]
    fn turns_of_a_conversation_share_a_number_and_others_do_not() {
        let system = r#"{"role": "system", "content": "Be brief."}"#;
        let hello = r#"{"role": "user", "content": "Hello"}"#;
        let goodbye = r#"{"role": "user", "content": "Goodbye"}"#;
        let answer = r#"{"role": "assistant", "content": "Hi"}"#;
        let turns = [
            format!("{system},{hello}"),
            format!("{system},{hello},{answer},{goodbye}"),
            format!("{hello},{system},{answer}"),
        ];
        let [first, ..] = turns.each_ref().map(|turn| of(turn));
        assert!(turns.iter().all(|turn| of(turn) == first));
        for other in [
            hello,
            &format!("{system},{goodbye}"),
            &format!("{answer},{hello}"),
        ] {
            assert_ne!(of(other), first, "{other}");
        }
    }

    #[test]
    fn every_byte_counts() {
        let base = Conversation::default().and(b"0123456789abcdef-");
        for (n, part) in [
            &b"0123456789abcdef_"[..],
            b"1123456789abcdef-",
            b"0123456789abcdef-\0",
            b"",
        ]
        .into_iter()
        .enumerate()
        {
            assert_ne!(Conversation::default().and(part), base, "{n}");
        }
        assert_ne!(base.and(b"").number(), base.number());
    }
}
