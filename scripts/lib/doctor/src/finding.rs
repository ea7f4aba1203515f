//! What is wrong with a configuration, for the people who are about to deploy it.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Requests will fail: not to be deployed.
    Error,
    /// It works, but not as most would want it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Where it stands: `static_resources.clusters[2].circuit_breakers`, or `gateway document: models[0].id`.
    pub(crate) path: String,
    /// What is wrong, and what comes of it.
    pub(crate) what: String,
    /// What would mend it.
    pub(crate) mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            path,
            what,
            mend,
        } = self;
        write!(f, "{severity}: {path}: {what}\n    mend: {mend}")
    }
}

/// All that was found, in the order of the checks.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        path: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.0.push(Finding {
            severity,
            path: path.into(),
            what: what.into(),
            mend: mend.into(),
        });
    }

    /// Adds what must not be deployed.
    pub(crate) fn error(
        &mut self,
        path: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(Severity::Error, path, what, mend);
    }

    /// Adds what may be deployed.
    pub(crate) fn warning(
        &mut self,
        path: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(Severity::Warning, path, what, mend);
    }

    /// One after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// How many there are of a severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let of = |finding: &&Finding| finding.severity == severity;
        self.0.iter().filter(of).count()
    }
}

/// The last line: how many of each there are.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |severity| match self.count(severity) {
            1 => format!("1 {severity}"),
            n => format!("{n} {severity}s"),
        };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        write!(f, "{errors}, {warnings}")
    }
}
