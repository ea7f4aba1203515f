//! Looking a little ahead, to tell which of two readings a character has.
//!
//! Every look is bounded, or ends at the first character of a class that the parser handles next,
//! so that all of them together stay linear in the text.

/// Whether a string is a key or a value, which decides what may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Key,
    Value,
}

/// How long several words without quotes may be.
const PHRASE_REACH: usize = 160;

/// How far to look for the colon behind a key.
const KEY_REACH: usize = 256;

/// Whether a character can be part of a bare word: a key, a number or a literal.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '+' | '.' | '@')
}

/// The bare word that a text begins with, possibly none.
pub(crate) fn word(text: &str) -> &str {
    text.split(|c| !is_word(c)).next().unwrap_or_default()
}

/// A text without the whitespace that it begins with.
pub(crate) fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// Whether a quote before `rest` ends its string, judged by whether what follows could follow a
/// string.
///
/// Strings between apostrophes need this for the apostrophes in them, and other strings when their
/// quotes do not pair.
pub(super) fn ends_string(rest: &str, role: Role) -> bool {
    let next = skip_space(rest);
    let spaced = next.len() < rest.len();
    let mut chars = next.chars();
    match (chars.next(), role) {
        (None, _) | (Some(':'), Role::Key) | (Some('}' | ']' | '`'), Role::Value) => true,
        (Some(','), Role::Value) => follows_comma(skip_space(chars.as_str())),
        // A comment, or the next string where a comma is missing.
        (Some('#' | '/' | '"' | '\'' | '“' | '‘'), Role::Value) => spaced,
        _ => false,
    }
}

/// Whether a text could be what follows a comma in JSON, rather than the rest of a sentence.
fn follows_comma(text: &str) -> bool {
    let head = capped(text, KEY_REACH);
    let name = word(head);
    if !name.starts_with(|c: char| c.is_alphabetic()) {
        return true;
    }
    let behind = skip_space(head.get(name.len()..).unwrap_or_default());
    let literal = ["true", "false", "null", "none"]
        .iter()
        .any(|literal| literal.eq_ignore_ascii_case(name));
    behind.starts_with(':') || (literal && behind.starts_with([',', '}', ']']))
}

/// Whether nothing but closing brackets, and at least one, comes before the end of the text.
pub(super) fn only_closes(rest: &str) -> bool {
    let behind = rest.trim_start_matches([' ', '\t', '\n', '\r', '}', ']']);
    let closes = rest
        .split_at_checked(rest.len() - behind.len())
        .is_some_and(|(head, _)| head.contains(['}', ']']));
    closes && (behind.is_empty() || behind.starts_with("```"))
}

/// Whether an object goes on in `rest`: a comma and a quoted key.
pub(super) fn member_follows(rest: &str) -> bool {
    let key = skip_space(capped(rest, KEY_REACH))
        .strip_prefix(',')
        .and_then(|rest| skip_space(rest).strip_prefix('"'));
    let Some((_, behind)) = key.and_then(|key| key.split_once('"')) else {
        return false;
    };
    skip_space(behind).starts_with(':')
}

/// Whether an array goes on in `rest`: a comma and an element that is plainly JSON.
pub(super) fn element_follows(rest: &str) -> bool {
    let rest = skip_space(capped(rest, KEY_REACH));
    rest.strip_prefix(',')
        .is_some_and(|rest| skip_space(rest).starts_with(['{', '[', '"']))
}

/// Whether a text begins with a value that can be no key and no prose.
pub(crate) fn is_value(text: &str) -> bool {
    text.starts_with(['{', '[', '-'])
        || text.starts_with(|c: char| c.is_ascii_digit())
        || matches!(word(text), "true" | "false" | "null")
}

/// Whether a bare word before `rest` stands where a value would end.
pub(super) fn ends_word(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with([',', '}', ']', '\n', '\r'])
}

/// Whether a bare word before `rest` is only the beginning of a value: `https:`, `50%`, `1/3`.
pub(super) fn goes_on(rest: &str) -> bool {
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (None, _) | (Some('/'), Some('/' | '*')) => false,
        (Some(c), _) => {
            !c.is_whitespace() && !matches!(c, ',' | '}' | ']' | '"' | '\'' | '#' | '`' | '“' | '”')
        }
    }
}

/// Several words without quotes at the beginning of a text, and the length of what they take of it;
/// `None` where they do not end like a member's value.
pub(super) fn phrase(text: &str) -> Option<(&str, usize)> {
    let head = capped(text, PHRASE_REACH);
    let mut commas = 0;
    for (at, c) in head.char_indices() {
        let behind = text.get(at.saturating_add(c.len_utf8())..)?;
        let words = head.get(..at)?.trim_end();
        match c {
            '\n' | '\r' | '}' => return Some((words, words.len())),
            ',' if follows_comma(skip_space(behind)) => return Some((words, words.len())),
            // The quote that closes what no quote opened.
            '"' if skip_space(behind).starts_with([',', '}']) => {
                return Some((words, at.saturating_add(1)));
            }
            ',' if commas == 4 => return None,
            ',' => commas += 1,
            '{' | '[' | ']' | '"' | '`' | '<' | '>' | '(' | '\\' => return None,
            _ => {}
        }
    }
    None
}

/// Whether a bare word and a quote begin `rest`, and then what follows a string in this role.
pub(super) fn begins_inside(rest: &str, role: Role, in_object: bool) -> bool {
    let head = capped(rest, KEY_REACH);
    let Some((text, behind)) = head.split_once('"') else {
        return false;
    };
    let plain = !text.is_empty() && !text.contains(['{', '}', '[', ']', ',', ':', '\n']);
    let next = skip_space(behind);
    plain
        && match (role, in_object) {
            (Role::Value, true) => next.starts_with(':'),
            (Role::Value, false) => next.starts_with([',', ']']),
            (Role::Key, _) => next.starts_with([',', '}']),
        }
}

/// Whether nothing more of the JSON can be in `rest`.
///
/// The look ends at the next bracket, and no candidate starts before that, so no text is looked at
/// twice.
pub(super) fn is_prose(rest: &str) -> bool {
    !rest.contains(['{', '}', '[', ']', '"'])
}

/// The first `limit` bytes of a text, or a little less so as not to cut a character.
pub(crate) fn capped(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_strings_where_json_could_go_on() {
        for (rest, role, ends) in [
            ("", Role::Value, true),
            (" : 1", Role::Key, true),
            (": 1", Role::Value, false),
            (", \"b\": 1", Role::Value, true),
            (", b: 1", Role::Value, true),
            (", null]", Role::Value, true),
            (", then he left", Role::Value, false),
            ("s fine'", Role::Value, false),
            (" \"next\"", Role::Value, true),
            ("\"", Role::Value, false),
            ("\n}", Role::Value, true),
            ("}", Role::Key, false),
        ] {
            assert_eq!(ends_string(rest, role), ends, "{rest:?}");
        }
    }
}
