//! Numbers, flags and texts in a row, all as wide as the widest: read and written in a few steps each.

/// Writes what a [`Reader`] takes in the same order.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    #[inline(never)]
    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// At most 64 flags.
    pub(super) fn flags<const COUNT: usize>(&mut self, flags: [bool; COUNT]) {
        let flags = flags.into_iter().rev();
        self.number(flags.fold(0, |bits, flag| bits << 1 | u64::from(flag)));
    }

    pub(super) fn option(&mut self, number: Option<u64>) {
        self.flags([number.is_some()]);
        self.number(number.unwrap_or_default());
    }

    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// What was written, for something else behind it.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What is left to be read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    #[inline(never)]
    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    pub(super) fn flags<const COUNT: usize>(&mut self) -> Option<[bool; COUNT]> {
        let mut bits = self.number()?;
        Some([(); COUNT].map(|()| {
            let flag = bits & 1 == 1;
            bits >>= 1;
            flag
        }))
    }

    pub(super) fn option(&mut self) -> Option<Option<u64>> {
        let [is_some] = self.flags()?;
        let number = self.number()?;
        Some(is_some.then_some(number))
    }

    #[inline(never)]
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }
}
