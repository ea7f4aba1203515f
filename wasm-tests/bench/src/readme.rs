//! The README's own copy of the table.

use std::fs;

use meshrouter_wasm_tests::envoy::repository;

const BEGIN: &str = "<!-- scripts/bench --readme writes from here -->\n";
const END: &str = "<!-- to here -->\n";

/// Puts a text between the README's two marks.
pub fn write(text: &str) -> Result<(), String> {
    let path = repository().join("README.md");
    let readme =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let replaced =
        replaced(&readme, text).ok_or_else(|| format!("{} has no {BEGIN}", path.display()))?;
    fs::write(&path, replaced).map_err(|error| format!("{}: {error}", path.display()))
}

fn replaced(readme: &str, text: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&readme, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert_eq!(replaced(&new, "new\n"), Some(new));
        assert_eq!(replaced("before", "new"), None);
    }
}
