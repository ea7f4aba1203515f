//! Writes what a plan keeps: spans of the body, and the marker where text was cut out.

use super::cut::MARKER;
use super::outline::Outline;
use super::plan::Plan;

/// The body without what the plan leaves out; `None` where outline and plan are not this body's.
pub(super) fn copy(body: &[u8], outline: &Outline<'_>, plan: &Plan) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut cuts = plan.cuts.iter().peekable();
    // Up to where the body is either copied or left out.
    let mut done = outline.messages.first()?.span.start;
    out.extend_from_slice(body.get(..done)?);
    let mut is_first = true;
    for (number, message) in outline.messages.iter().enumerate() {
        // What separates it from the message before goes where it goes.
        let separator = std::mem::replace(&mut done, message.span.end);
        if !plan.keeps(message.unit) {
            continue;
        }
        let mut from = if is_first {
            message.span.start
        } else {
            separator
        };
        is_first = false;
        while let Some(cut) = cuts.next_if(|cut| cut.message == number) {
            out.extend_from_slice(body.get(from..cut.span.start)?);
            out.extend_from_slice(MARKER.as_bytes());
            from = cut.span.end;
        }
        out.extend_from_slice(body.get(from..message.span.end)?);
    }
    out.extend_from_slice(body.get(done..)?);
    Some(out)
}
