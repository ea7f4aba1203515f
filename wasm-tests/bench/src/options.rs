//! What the command line asks for.

use std::path::PathBuf;

/// How to call it.
pub const USAGE: &str =
    "usage: scripts/bench [--quick | --floor] [--gateway NAME]… [--json FILE] [--readme]";

/// The options of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only what performance work looks at all the time, in about a minute.
    pub quick: bool,
    /// Only requests, and beside each gateway the same with modules that make their calls and do no work.
    pub floor: bool,
    /// Where the figures go, too.
    pub json: Option<PathBuf>,
    /// Whether the table goes into the README.
    pub readme: bool,
    /// The configurations that are measured, by the names of their files.
    pub gateways: Vec<String>,
}

impl Options {
    /// Reads the arguments.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} takes a value\n{USAGE}"))
            };
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--floor" => options.floor = true,
                "--readme" => options.readme = true,
                "--json" => options.json = Some(value()?.into()),
                "--gateway" => options
                    .gateways
                    .push(value()?.trim_end_matches(".yaml").to_owned()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        if options.readme && (options.quick || options.floor) {
            return Err("the README's table is made by a whole run".to_owned());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn gateways_may_be_named_several_times() {
        let options = parse(&[
            "--gateway",
            "fused",
            "--quick",
            "--gateway",
            "native.yaml",
            "--json",
            "a.json",
        ])
        .unwrap();
        assert_eq!(options.gateways, ["fused", "native"]);
        assert!(options.quick && !options.readme);
        assert_eq!(options.json, Some("a.json".into()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for arguments in [
            &["--gateway"][..],
            &["--quick", "--readme"],
            &["--floor", "--readme"],
            &["fast"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
