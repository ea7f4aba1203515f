//! Blocks count what the pieces do, one by one.

use super::*;
use crate::Count;

/// The same as [`pieces_within`], by pieces alone.
fn one_by_one(text: &[u8], range: Range<usize>) -> Count {
    let mut count = Count::default();
    let mut at = 0;
    while at < range.end {
        let length = one(&text[at..], at >= range.start, &mut count);
        if length == 0 {
            break;
        }
        at += length;
    }
    count
}

fn in_blocks(text: &[u8], range: Range<usize>) -> Count {
    let mut count = Count::default();
    pieces_within(text, range, &mut count);
    count
}

#[track_caller]
fn check(text: &[u8], range: Range<usize>) {
    let expected = one_by_one(text, range.clone());
    let found = in_blocks(text, range.clone());
    let shown = String::from_utf8_lossy(text);
    assert_eq!(found, expected, "{range:?} of {shown:?}");
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// What texts are made of, and what is hard about it.
const PARTS: &[&str] = &[
    "word",
    " word",
    "a",
    "I",
    "The",
    " Then",
    "HTTP",
    "HTTPServer",
    "camelCase",
    "strengths",
    "rhythm",
    "xjkqz",
    "antidisestablishmentarianism",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "sixteenlettersxx",
    "seventeenletterss",
    " ",
    "  ",
    "    ",
    "                    ",
    ".",
    ",",
    " (",
    ")",
    "...",
    "==",
    "{\\\"",
    "\\\": \\\"",
    "\\\",",
    "\\\\",
    "\\\\\\\\",
    "\\\\n",
    "\\n",
    "\\r\\n",
    "\\r",
    "\\n\\n",
    "\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n",
    ".\\n",
    "\\t",
    "\\t\\t\\t",
    "\\/",
    "\\b",
    "\\f",
    "\\x",
    "\\",
    "\\u00e9",
    "\\u0041",
    "\\u0020",
    "\\u000a",
    "\\u0035",
    "\\ud83d\\udd11",
    "\\u12",
    "1",
    "22",
    "333",
    "4444",
    "1234567",
    "3.14",
    " 7",
    "\u{e9}",
    "caf\u{e9}s",
    "\u{4e2d}\u{6587}",
    "\u{2014}",
    "\u{1f511}",
    "\u{43f}\u{440}\u{438}",
    "\n",
    "\t",
    "\r\n",
    "\0",
    "\u{7f}",
    "--------------------",
    "//////",
    "'s",
    "_id",
    "-",
    "an",
    "en",
    "people",
    "women",
    "\\\"\\\"",
    "\\\"\"",
    "\"\"",
    "\\n ",
    "\\n    ",
    "\\nA",
    "\\tb",
    "0\\n",
    "\\\u{e9}",
];

#[test]
fn blocks_count_what_pieces_do() {
    let mut random = Random(0x5EED);
    for _ in 0..60_000 {
        // Few kinds of parts make long runs.
        let (first, kinds) = (random.below(PARTS.len()), 1 + random.below(PARTS.len()));
        let mut text = String::new();
        for _ in 0..random.below(40) {
            text += PARTS[(first + random.below(kinds)) % PARTS.len()];
        }
        // Cut anywhere, also within characters and escapes.
        let bytes = text.as_bytes();
        let from = random.below(bytes.len() + 1);
        let text = &bytes[from..][..random.below(bytes.len() - from + 1)];
        check(text, 0..text.len());
        let start = random.below(text.len() + 1);
        check(text, start..start + random.below(text.len() - start + 1));
    }
}

#[test]
fn any_bytes() {
    let mut random = Random(0xB17E5);
    let alphabets: [&[u8]; 4] = [
        b"aA \\n\"1.",
        b"abcdefghijklmnopqrstuvwxyz AEIOUY",
        b"\\nrtu0\\\"",
        b" \\\xC3\xA9a1,",
    ];
    for n in 0..60_000 {
        let length = random.below(200);
        let text: Vec<u8> = match alphabets.get(n % 5) {
            Some(alphabet) => (0..length)
                .map(|_| alphabet[random.below(alphabet.len())])
                .collect(),
            None => (0..length)
                .map(|_| u8::try_from(random.below(256)).unwrap())
                .collect(),
        };
        check(&text, 0..text.len());
    }
}

#[test]
fn real_texts_from_every_byte() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokens");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for text in [serde_json::to_string(&text).unwrap(), text] {
            check(text.as_bytes(), 0..text.len());
            for from in (0..text.len()).step_by(7) {
                let text = &text.as_bytes()[from..text.len().min(from + 300)];
                check(text, 0..text.len());
                check(text, 30..text.len().min(90));
            }
        }
    }
}
