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

/// Takes what a [`Writer`] has written. Where there is too little, nothing more is taken but zeros and empty texts.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    is_short: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            is_short: false,
        }
    }

    /// What is left; `None` where there was too little.
    pub(super) fn finish(self) -> Option<&'a [u8]> {
        (!self.is_short).then_some(self.bytes)
    }

    /// Whether there was too little.
    pub(super) fn is_short(&self) -> bool {
        self.is_short
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let found = self.bytes.split_at_checked(length);
        self.is_short |= found.is_none();
        let (found, rest) = found.unwrap_or_default();
        self.bytes = rest;
        found
    }

    #[inline(never)]
    pub(super) fn number(&mut self) -> u64 {
        let number = self.take(8).first_chunk();
        number.map_or(0, |number| u64::from_le_bytes(*number))
    }

    pub(super) fn flags<const COUNT: usize>(&mut self) -> [bool; COUNT] {
        let mut bits = self.number();
        [(); COUNT].map(|()| {
            let flag = bits & 1 == 1;
            bits >>= 1;
            flag
        })
    }

    pub(super) fn option(&mut self) -> Option<u64> {
        let [is_some] = self.flags();
        let number = self.number();
        is_some.then_some(number)
    }

    #[inline(never)]
    pub(super) fn text(&mut self) -> String {
        let length = usize::try_from(self.number()).unwrap_or(usize::MAX);
        match std::str::from_utf8(self.take(length)) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                self.is_short = true;
                String::new()
            }
        }
    }
}
