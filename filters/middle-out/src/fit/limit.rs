//! How many messages may stay, where an endpoint bounds that: half of them from the start and half from the
//! end (Message Transforms page).

use super::Unfit;
use super::outline::{Outline, Unit};

/// Of each unit, whether it may stay beside those that are `kept` in any case, so that the prompt has at most
/// so many messages.
///
/// # Errors
/// How many messages must stay, where these are too many alone.
pub(super) fn allowed(
    outline: &Outline<'_>,
    kept: &[bool],
    most: Option<u64>,
) -> Result<Vec<bool>, Unfit> {
    let Some(most) = most else {
        return Ok(vec![true; kept.len()]);
    };
    let mut allowed = kept.to_vec();
    let half = kept.len() / 2;
    let count = |units: &[Unit], kept: &[bool]| -> u64 {
        let units = units.iter().zip(kept).filter(|(_, kept)| **kept);
        units.map(|(unit, _)| unit.messages).sum()
    };
    let (starts, ends) = outline.units.split_at_checked(half).unwrap_or_default();
    let (kept_starts, kept_ends) = kept.split_at_checked(half).unwrap_or_default();
    let mut sides = [count(starts, kept_starts), count(ends, kept_ends)];
    let forced = sides.iter().sum();
    let mut spare = most
        .checked_sub(forced)
        .ok_or(Unfit::TooMany { messages: forced })?;
    let units = outline.units.iter().zip(&mut allowed);
    let mut middle = units.filter(|(_, allowed)| !**allowed);
    // A call and its results that are too many end their side.
    let mut open = [true, true];
    loop {
        let from_start = match (open, sides) {
            ([true, true], [start, end]) => start < end,
            ([start, end], _) if start || end => start,
            _ => break,
        };
        let next = match from_start {
            true => middle.next(),
            false => middle.next_back(),
        };
        let Some((unit, allowed)) = next else {
            break;
        };
        let [start, end] = &mut sides;
        let [start_open, end_open] = &mut open;
        let (side, is_open) = match from_start {
            true => (start, start_open),
            false => (end, end_open),
        };
        match spare.checked_sub(unit.messages) {
            Some(rest) => {
                spare = rest;
                *side = side.saturating_add(unit.messages);
                *allowed = true;
            }
            None => *is_open = false,
        }
    }
    Ok(allowed)
}
