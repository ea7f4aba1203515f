//! Cuts text into pieces, each of which can be counted without a look at its neighbours.

use super::character::{Class, Lead, Script, first, han};
use super::feature::{Feature, Tally};
use super::han::Rank;
use super::word::word;

/// The most characters of a piece: longer runs are several pieces. So where a piece ends, text may be cut
/// and both halves count together what the whole did.
pub(super) const MAX_PIECE: usize = 16;

/// Counts the piece at the beginning of `text`, which is the inside of a JSON string: its length in bytes;
/// 0 at the end of the text.
#[inline]
pub(super) fn piece(text: &[u8], tally: &mut impl Tally) -> usize {
    let Some(byte) = text.first() else {
        return 0;
    };
    match Lead::of(*byte) {
        Lead::Letter => word(text, 0, tally),
        Lead::Space => spaced(text, tally),
        Lead::Mark => marks(text, 1, *byte, tally),
        Lead::Digit => digits(text, tally),
        Lead::Han => match han(text) {
            Some(rank) => {
                tally.add(alone(Script::Han(rank)), 1);
                3
            }
            None => other(text, tally),
        },
        Lead::Other => other(text, tally),
    }
}

/// A piece whose first byte does not tell what it is.
fn other(text: &[u8], tally: &mut impl Tally) -> usize {
    let Some((class, length)) = first(text) else {
        return 0;
    };
    match class {
        Class::Space => after_space(text, length, tally),
        Class::Lower | Class::Upper | Class::Accented => word(text, 0, tally),
        Class::Digit => digits(text, tally),
        Class::Line => {
            let lines = lines(text, 0);
            tally.add(Feature::Lines, 1);
            tally.add(Feature::Line, lines.count.saturating_sub(1));
            lines.end
        }
        Class::Tab => {
            tally.add(Feature::Tabs, 1);
            run(text, 0, |class| class == Class::Tab).end
        }
        Class::Mark(mark) => marks(text, length, mark, tally),
        Class::Script(script) => scripted(text, length, script, tally),
    }
}

/// A space that is not escaped.
#[inline]
fn spaced(text: &[u8], tally: &mut impl Tally) -> usize {
    let next = text.get(1).copied().unwrap_or_default();
    match Lead::of(next) {
        Lead::Letter => word(text, 1, tally),
        Lead::Mark if text.len() > 1 => marks(text, 2, next, tally),
        Lead::Digit => {
            tally.add(Feature::Space, 1);
            1
        }
        _ => after_space(text, 1, tally),
    }
}

/// A space of so many bytes, which belongs to the word or the punctuation behind it.
fn after_space(text: &[u8], space: usize, tally: &mut impl Tally) -> usize {
    match first(text.get(space..).unwrap_or_default()) {
        Some((Class::Lower | Class::Upper | Class::Accented, _)) => word(text, space, tally),
        Some((Class::Mark(mark), length)) => marks(text, space.saturating_add(length), mark, tally),
        Some((Class::Space, _)) => {
            let spaces = run(text, 0, |class| class == Class::Space);
            tally.add(Feature::Indent, 1);
            spaces.end
        }
        _ => {
            tally.add(Feature::Space, 1);
            space
        }
    }
}

/// Characters of one kind.
struct Run {
    /// How many.
    count: u32,
    /// Offset after the last.
    end: usize,
}

/// The run from `at` on, of at most [`MAX_PIECE`] characters.
#[inline]
fn run(text: &[u8], at: usize, is_of_it: impl Fn(Class) -> bool) -> Run {
    let mut run = Run { count: 0, end: at };
    while (run.count as usize) < MAX_PIECE {
        match first(text.get(run.end..).unwrap_or_default()) {
            Some((class, length)) if is_of_it(class) => {
                run.count = run.count.saturating_add(1);
                run.end = run.end.saturating_add(length);
            }
            _ => break,
        }
    }
    run
}

fn lines(text: &[u8], at: usize) -> Run {
    run(text, at, |class| class == Class::Line)
}

#[inline]
fn digits(text: &[u8], tally: &mut impl Tally) -> usize {
    let mut count = 0_u32;
    let mut end = 0_usize;
    while count < 3 {
        let rest = text.get(end..).unwrap_or_default();
        let length = match rest.first() {
            Some(b'0'..=b'9') => 1,
            Some(b'\\') => match first(rest) {
                Some((Class::Digit, length)) => length,
                _ => break,
            },
            _ => break,
        };
        end = end.saturating_add(length);
        count = count.saturating_add(1);
    }
    tally.add(Feature::Digits, 1);
    tally.add(Feature::Digit, count);
    end
}

/// Punctuation, whose first mark ends at `end`, and the line ends behind it.
#[inline]
fn marks(text: &[u8], mut end: usize, mut last: u8, tally: &mut impl Tally) -> usize {
    tally.add(Feature::Punctuation, 1);
    let (mut others, mut same) = (0_u32, 0_u32);
    while (others.wrapping_add(same) as usize) < MAX_PIECE {
        let rest = text.get(end..).unwrap_or_default();
        let Some(byte) = rest.first() else {
            break;
        };
        let (mark, length) = match Lead::of(*byte) {
            Lead::Mark => (*byte, 1),
            Lead::Other => match first(rest) {
                Some((Class::Mark(mark), length)) => (mark, length),
                Some((Class::Line, _)) => {
                    tally.add(Feature::Closing, 1);
                    end = lines(text, end).end;
                    break;
                }
                _ => break,
            },
            _ => break,
        };
        match mark == last {
            true => same = same.wrapping_add(1),
            false => others = others.wrapping_add(1),
        }
        last = mark;
        end = end.saturating_add(length);
    }
    tally.add(Feature::Mark, others);
    tally.add(Feature::Same, same);
    end
}

/// Characters of a script of its own: a run of those that are words of an alphabet, else one.
#[inline]
fn scripted(text: &[u8], length: usize, script: Script, tally: &mut impl Tally) -> usize {
    let (each, once) = match script {
        Script::Cyrillic => (Feature::Cyrillic, Feature::CyrillicRun),
        Script::Arabic => (Feature::Arabic, Feature::ArabicRun),
        other => {
            tally.add(alone(other), 1);
            return length;
        }
    };
    let run = run(text, 0, |class| class == Class::Script(script));
    tally.add(once, 1);
    tally.add(each, run.count);
    run.end
}

/// What one character of a script counts as.
#[inline]
fn alone(script: Script) -> Feature {
    match script {
        Script::Cyrillic => Feature::Cyrillic,
        Script::Arabic => Feature::Arabic,
        Script::Greek => Feature::Greek,
        Script::Han(Rank::First) => Feature::Han,
        Script::Han(Rank::Second) => Feature::HanSecond,
        Script::Han(Rank::Rest) => Feature::HanRest,
        Script::Devanagari => Feature::Devanagari,
        Script::Indian => Feature::Indian,
        Script::Thai => Feature::Thai,
        Script::Kana => Feature::Kana,
        Script::Hangul => Feature::Hangul,
        Script::Typographic => Feature::Typographic,
        Script::Symbol => Feature::Symbol,
        Script::Astral => Feature::Astral,
        Script::Other => Feature::Other,
    }
}
