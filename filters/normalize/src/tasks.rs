//! What a request asks of a model: the auto router's reading of it.
//!
//! Words and marks, no model of its own: the same request always reads the same, and costs next to
//! nothing. Only the user's last message is read, and of it the beginning.

use meshrouter_core::document::Task;
use meshrouter_core::parameters::ParameterSet;
use meshrouter_core::reasoning::Wanted;
use meshrouter_wire::request::ChatRequest;

/// How much of a message is read, in bytes.
const READ: usize = 16 << 10;

/// Tokens from which on a prompt, or the completion that it allows, is long.
const LONG: u64 = 8_000;

/// Marks of programs and of questions about them, in lower case. One is enough.
const CODE: &[&str] = &[
    "```",
    "traceback (most recent call last)",
    "stack trace",
    "#include <",
    "def __init__",
    "public static void",
    "console.log(",
    "select * from",
    "git rebase",
    "unit test",
    "refactor",
    "segfault",
    "segmentation fault",
    "compiler error",
    "syntax error",
    "regex",
    "regular expression",
    "source code",
    "write a function",
    "write a program",
    "write a script",
    "in python",
    "in rust",
    "in javascript",
    "in typescript",
    "in java",
    "in golang",
    "in c++",
    "sql query",
    "bash script",
    "shell script",
    "pull request",
    "debug this",
    "fix this bug",
];

/// Marks of mathematics, in lower case. Backslashes stand doubled, as JSON writes them.
const MATHEMATICS: &[&str] = &[
    "\\\\frac",
    "\\\\int",
    "\\\\sum",
    "\\\\sqrt",
    "\\\\begin{",
    "$$",
    "integral",
    "derivative",
    "differential equation",
    "equation",
    "eigenvalue",
    "matrix",
    "polynomial",
    "theorem",
    "prove that",
    "proof of",
    "prime number",
    "probability that",
    "solve for",
    "how many ways",
    "calculate the",
    "compute the",
    "modulo",
    "logarithm",
    "geometry",
    "trigonometr",
];

/// The tasks of a request. `thinking` says that its model is to think whatever the request says.
pub(crate) fn of(request: &ChatRequest<'_>, thinking: bool) -> Vec<Task> {
    let text = beginning(&request.last_texts);
    let has = |marks: &[&str]| marks.iter().any(|mark| contains(&text, mark));
    let tools = ParameterSet::of("tools");
    let is_long = request.prompt.estimate().tokens() >= LONG
        || request.max_tokens.is_some_and(|max| max >= LONG);
    let found = [
        (Task::Code, has(CODE)),
        (Task::Mathematics, has(MATHEMATICS)),
        (
            Task::Reasoning,
            request.reasoning.wanted(thinking) == Wanted::On,
        ),
        (Task::Tools, request.parameters.meets(tools)),
        (Task::Length, is_long),
    ];
    found
        .into_iter()
        .filter(|(_, found)| *found)
        .map(|(task, _)| task)
        .collect()
}

/// The beginning of a message's texts, in lower case.
fn beginning(texts: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for text in texts {
        let room = READ.saturating_sub(all.len());
        all.extend(text.iter().take(room).map(u8::to_ascii_lowercase));
        all.push(b' ');
    }
    all
}

fn contains(text: &[u8], mark: &str) -> bool {
    memchr::memmem::find(text, mark.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use meshrouter_core::route::Operation;

    use super::*;

    fn tasks(members: &str) -> Vec<Task> {
        let body = format!("{{{members}}}");
        of(
            &ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap(),
            false,
        )
    }

    fn asked(text: &str) -> Vec<Task> {
        let text = meshrouter_wire::json::literal(text);
        tasks(&format!(
            r#""messages": [{{"role": "user", "content": {text}}}]"#
        ))
    }

    #[test]
    fn what_is_said_tells_the_task() {
        let cases: [(&str, &[Task]); 8] = [
            ("Hello, how are you?", &[]),
            ("Fix:\n```\nlet x = 1\n```", &[Task::Code]),
            ("How do I sort a list IN PYTHON?", &[Task::Code]),
            ("Traceback (most recent call last):\n  File", &[Task::Code]),
            ("What is \\frac{1}{2} + \\frac{1}{3}?", &[Task::Mathematics]),
            (
                "Prove that there are infinitely many primes.",
                &[Task::Mathematics],
            ),
            (
                "Write a function that solves an equation",
                &[Task::Code, Task::Mathematics],
            ),
            (&"word ".repeat(7_000), &[Task::Length]),
        ];
        for (text, expected) in cases {
            assert_eq!(asked(text), expected, "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn what_is_asked_for_tells_the_task() {
        let user = r#""messages": [{"role": "user", "content": "Hi"}]"#;
        let cases: [(&str, &[Task]); 7] = [
            (r#""reasoning": {"effort": "high"}"#, &[Task::Reasoning]),
            (r#""reasoning": {"effort": "none"}"#, &[]),
            (r#""reasoning_effort": "low""#, &[Task::Reasoning]),
            (r#""tools": [{"type": "function"}]"#, &[Task::Tools]),
            (r#""tools": []"#, &[]),
            (r#""max_tokens": 8000"#, &[Task::Length]),
            (r#""max_tokens": 7999"#, &[]),
        ];
        for (members, expected) in cases {
            assert_eq!(tasks(&format!("{user}, {members}")), expected, "{members}");
        }
    }

    #[test]
    fn only_the_last_message_of_the_user_counts() {
        let turns = r#""messages": [{"role": "user", "content": "Refactor this"},
            {"content": "A theorem, in Rust", "role": "assistant"},
            {"content": [{"type": "text", "text": "Thank"}, {"type": "text", "text": "you"}], "role": "user"},
            {"role": "tool", "content": "unit test"}]"#;
        assert_eq!(tasks(turns), []);
        let long = format!("{} in python", "see ".repeat(READ / 4));
        assert_eq!(asked(&long), [], "the end of a long message is not read");
    }
}
