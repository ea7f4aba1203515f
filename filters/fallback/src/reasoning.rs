//! Reasoning in the endpoint's own words.

use meshrouter_core::AttemptRequest;
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::document::{ReasoningDialect, ReasoningStyle};
use meshrouter_core::reasoning::{EFFORTS, Effort, Reasoning, Wanted};

/// The members in which callers speak of reasoning.
pub(crate) const MEMBERS: &[&str] = &["reasoning", "include_reasoning", "reasoning_effort"];

/// The bound of a completion that neither the caller nor the catalog bounds, in tokens.
const USUAL_BOUND: u64 = 16_384;

/// Whether a member stays as the caller wrote it: where the endpoint has no form of its own and is
/// not known to misunderstand.
pub(crate) fn keeps(member: &str, endpoint: &Endpoint) -> bool {
    let reasoning = ["reasoning", "reasoning_effort"];
    endpoint.reasoning.is_none()
        && (endpoint.supports(member)
            || (reasoning.contains(&member) && endpoint.supports("reasoning")))
}

/// The member that tells the endpoint, where it has a form of its own and there is something to
/// tell: its name and its JSON.
pub(crate) fn member(
    request: &AttemptRequest,
    endpoint: &Endpoint,
    thinking: bool,
) -> Option<(&'static str, String)> {
    let wanted = request.reasoning.wanted(thinking);
    let Some(dialect) = &endpoint.reasoning else {
        // The caller's own members stay. A slug's `:thinking` has to be put into words.
        let unsaid = thinking && request.reasoning.wanted(false) == Wanted::Unsaid;
        let understood = unsaid && endpoint.supports("reasoning");
        return understood.then(|| ("reasoning", r#"{"enabled":true}"#.to_owned()));
    };
    let bound = request.max_tokens.or(endpoint.max_completion_tokens);
    let bound = bound.unwrap_or(USUAL_BOUND);
    match (dialect.style, wanted) {
        (_, Wanted::Unsaid) => None,
        (ReasoningStyle::Effort, wanted) => {
            let level = effort(dialect, &request.reasoning, wanted, bound)?;
            Some(("reasoning_effort", format!("\"{}\"", level.name())))
        }
        (ReasoningStyle::Thinking, Wanted::Off) => {
            Some(("thinking", r#"{"type":"disabled"}"#.to_owned()))
        }
        (ReasoningStyle::Thinking, Wanted::On) => {
            let tokens = budget(dialect, &request.reasoning, request.max_tokens, bound);
            let value = format!(r#"{{"type":"enabled","budget_tokens":{tokens}}}"#);
            Some(("thinking", value))
        }
        (ReasoningStyle::Object, Wanted::Off) => {
            Some(("reasoning", r#"{"enabled":false}"#.to_owned()))
        }
        (ReasoningStyle::Object, Wanted::On) => Some((
            "reasoning",
            object(dialect, &request.reasoning, request.max_tokens, bound),
        )),
    }
}

/// The level to name: the nearest that the endpoint knows. To turn reasoning off, it must know
/// `none`; otherwise its least level comes closest.
fn effort(
    dialect: &ReasoningDialect,
    reasoning: &Reasoning,
    wanted: Wanted,
    bound: u64,
) -> Option<Effort> {
    let level = match wanted {
        Wanted::Off => Effort::None,
        _ => reasoning.level(bound),
    };
    let known = dialect.efforts.as_deref().unwrap_or(&EFFORTS);
    let distance = |known: &&Effort| known.percent().abs_diff(level.percent());
    known.iter().min_by_key(distance).copied()
}

/// The budget in tokens within the endpoint's bounds, and below the caller's own bound of the
/// completion: the answer needs some, too.
fn budget(dialect: &ReasoningDialect, reasoning: &Reasoning, own: Option<u64>, bound: u64) -> u64 {
    let most = dialect.max_tokens.unwrap_or(u64::MAX);
    let below = own.map_or(u64::MAX, |own| own.saturating_sub(1));
    let tokens = reasoning.budget(bound).max(dialect.min_tokens);
    tokens.min(most).min(below).max(1)
}

/// OpenRouter's own form: a budget where the caller gave one, else a level.
fn object(
    dialect: &ReasoningDialect,
    reasoning: &Reasoning,
    own: Option<u64>,
    bound: u64,
) -> String {
    let exclude = if reasoning.exclude {
        r#","exclude":true"#
    } else {
        ""
    };
    if reasoning.max_tokens.is_some() {
        let tokens = budget(dialect, reasoning, own, bound);
        return format!(r#"{{"max_tokens":{tokens}{exclude}}}"#);
    }
    match reasoning.effort {
        Some(effort) => format!(r#"{{"effort":"{}"{exclude}}}"#, effort.name()),
        None => format!(r#"{{"enabled":true{exclude}}}"#),
    }
}
