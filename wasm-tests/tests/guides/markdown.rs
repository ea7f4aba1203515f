//! The guides as a person reads them: a heading a journey, and the commands in their blocks.

/// One block of commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What to run.
    pub(crate) text: String,
    /// Whether it is for a terminal of its own, in which it goes on.
    pub(crate) stays: bool,
}

/// How a block begins that is for a terminal of its own.
const TERMINAL: &str = "# In a terminal of its own:\n";

/// The blocks of shell commands under a heading of the second level, in their order.
///
/// # Panics
/// If there is no such heading, or a block has no end.
pub(crate) fn blocks(guides: &str, title: &str) -> Vec<Block> {
    let heading = format!("\n## {title}\n");
    let (_, rest) = guides
        .split_once(&heading)
        .unwrap_or_else(|| panic!("no guide {title:?}"));
    let guide = rest.split("\n## ").next().unwrap_or_default();
    let mut blocks = Vec::new();
    let mut rest = guide;
    while let Some((_, after)) = rest.split_once("\n```sh\n") {
        let (text, after) = after.split_once("\n```\n").expect("the end of a block");
        let text = format!("{text}\n");
        let own = text.strip_prefix(TERMINAL);
        blocks.push(Block {
            stays: own.is_some(),
            text: own.unwrap_or(&text).to_owned(),
        });
        // The next may begin with the line end that this one ended with.
        rest = after;
    }
    blocks
}

/// Says at the end of a command what its output has.
const PRINTS: &str = "# prints: ";

/// A block as a script that fails where a command does, and where one does not print what it says it would.
pub(crate) fn checked(block: &str) -> String {
    let mut script = String::new();
    let mut command = String::new();
    for line in block.lines() {
        let (code, wanted) = match line.split_once(PRINTS) {
            Some((code, wanted)) => (code.trim_end(), Some(wanted)),
            None => (line, None),
        };
        command.push_str(code);
        match wanted {
            Some(wanted) => {
                let wanted = wanted.replace('\'', r"'\''");
                script.push_str(&format!(
                    "prints '{wanted}' <<'CHECKED'\n{command}\nCHECKED\n"
                ));
                command.clear();
            }
            None if code.ends_with('\\') => command.push('\n'),
            None => {
                script.push_str(&command);
                script.push('\n');
                command.clear();
            }
        }
    }
    script.push_str(&command);
    script
}

#[test]
fn blocks_are_found_under_their_heading() {
    let guides = "# G\n\n## A\n\n```sh\none\n```\ntext\n```yaml\nx: y\n```\n\n```sh\n# In a terminal of its own:\ntwo\n```\n\n## B\n\n```sh\nthree\n```\n";
    let block = |text: &str, stays| Block {
        text: text.to_owned(),
        stays,
    };
    assert_eq!(
        blocks(guides, "A"),
        [block("one\n", false), block("two\n", true)]
    );
    assert_eq!(blocks(guides, "B"), [block("three\n", false)]);
}

#[test]
fn what_is_said_to_be_printed_is_checked() {
    let script = checked("a=1\ncurl \\\n  -x   # prints: it's\nb\n");
    assert_eq!(
        script,
        "a=1\nprints 'it'\\''s' <<'CHECKED'\ncurl \\\n  -x\nCHECKED\nb\n"
    );
}
