//! The names of the repairs, and a set of them.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// One kind of repair.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the order in which sets list them.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// The stable name, for records and headers.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// The JSON stood in a Markdown code block or between backticks.
    MarkdownFence = "markdown_fence",
    /// There was other text before or after the JSON.
    SurroundingProse = "surrounding_prose",
    /// An object or array was not closed.
    MissingBracket = "missing_bracket",
    /// An object was closed as an array or the other way round.
    WrongBracket = "wrong_bracket",
    /// Something was closed that was not open.
    ExtraBracket = "extra_bracket",
    /// Two members or elements had no comma between them.
    MissingComma = "missing_comma",
    /// A key had no colon between it and its value.
    MissingColon = "missing_colon",
    /// A comma stood before a closing bracket or the end.
    TrailingComma = "trailing_comma",
    /// A comma stood before the first element or next to another one.
    ExtraComma = "extra_comma",
    /// A key was a bare word.
    UnquotedKey = "unquoted_key",
    /// A string value was a bare word.
    UnquotedValue = "unquoted_value",
    /// A string stood between apostrophes.
    SingleQuotes = "single_quotes",
    /// A string stood between typographic quotes.
    SmartQuotes = "smart_quotes",
    /// The last string was not closed.
    MissingQuote = "missing_quote",
    /// A quote stood where no string begins or ends.
    ExtraQuote = "extra_quote",
    /// A quote inside a string was not escaped.
    InnerQuote = "inner_quote",
    /// `True`, `None`, `undefined`, `NaN` and the like, or a literal cut short.
    Literal = "literal",
    /// A number in a notation that JSON does not have: `+1`, `.5`, `1.`, `007`, `0xff`.
    Number = "number",
    /// A comment.
    Comment = "comment",
    /// A raw line break, tab or other control character in a string.
    ControlCharacter = "control_character",
    /// A backslash sequence that JSON does not have, or half a surrogate pair.
    BadEscape = "bad_escape",
    /// A key had no value, or an element broke off, and was left out.
    IncompleteMember = "incomplete_member",
    /// A byte order mark before everything else.
    ByteOrderMark = "byte_order_mark",
    /// Whitespace that JSON does not have, such as no-break spaces.
    Whitespace = "whitespace",
    /// Several values in a row became the array that the schema wants.
    Concatenated = "concatenated",
    /// A scalar had the wrong type: `"30"` for 30.
    SchemaType = "schema_type",
    /// A value of a list was spelled in another way.
    SchemaValue = "schema_value",
    /// One value stood for an array, or an array of one for the value.
    SchemaArray = "schema_array",
    /// An optional member was null where the schema has no null, and was left out.
    SchemaNull = "schema_null",
    /// A member that the schema does not allow was left out.
    SchemaExtra = "schema_extra",
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u32);

// A set is one word; a thirty-third kind must not compile.
const _: () = assert!(Kind::ALL.len() <= 32);

impl Kinds {
    /// Adds one kind.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u32;
    }

    /// Takes one kind out.
    pub fn remove(&mut self, kind: Kind) {
        self.0 &= !(1 << kind as u32);
    }

    /// Adds every kind of another set.
    pub fn extend(&mut self, other: Kinds) {
        self.0 |= other.0;
    }

    /// Whether the set has this kind.
    #[must_use]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// Whether the set has no kind.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds of the set, each once, in the order of [`Kind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL
            .iter()
            .copied()
            .filter(move |kind| self.contains(*kind))
    }

    /// The names of the kinds, in the order of [`Kind::ALL`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Kind::name)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut set = Self::default();
        for kind in kinds {
            set.insert(kind);
        }
        set
    }
}

/// The names, separated by commas, as a header lists them.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
