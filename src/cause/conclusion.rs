//! A fault and what the logs say, put together.

use crate::koji::cause::MAX_CAUSE_LINES;
use crate::koji::{CauseClass, LogName};

use super::Sure;
use super::fault::{Stage, Verdict};
use super::log::Finding;

/// Why a task failed, as far as the texts tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conclusion {
    pub class: CauseClass,
    /// The log that says why, of those that were handed in.
    pub log: Option<LogName>,
    /// The lines that decide, the most telling first; of the log, or of the fault itself.
    pub lines: Vec<String>,
}

/// Puts a fault and the findings in its logs together. The logs may come in any order, and some or all may be missing.
pub fn conclude(fault: &Verdict, logs: &[(LogName, Finding)]) -> Conclusion {
    let Some((log, finding)) = telling(fault, logs) else {
        return Conclusion {
            class: fault.class,
            log: fault
                .logs
                .iter()
                .copied()
                .find(|it| logs.iter().any(|log| log.0 == *it)),
            lines: fault.details.clone(),
        };
    };
    let lines = finding.lines.iter().map(|it| it.1.clone());
    Conclusion {
        class: class(fault, finding),
        log: Some(*log),
        lines: lines.take(MAX_CAUSE_LINES).collect(),
    }
}

/// Returns the log to believe.
fn telling<'a>(fault: &Verdict, logs: &'a [(LogName, Finding)]) -> Option<&'a (LogName, Finding)> {
    let mut ordered: Vec<&(LogName, Finding)> = logs.iter().collect();
    let place = |log: LogName| fault.logs.iter().position(|it| *it == log).unwrap_or(fault.logs.len());
    ordered.sort_by_key(|it| place(it.0));
    // A log that sends the reader to another one has the last word on where.
    if let Some(to) = ordered.iter().find_map(|it| it.1.look_in)
        && let Some(other) = ordered.iter().find(|it| it.0 == to && it.1.class.is_some())
    {
        return Some(*other);
    }
    let with =
        |is_it: &dyn Fn(&Finding) -> bool| ordered.iter().find(|it| it.1.class.is_some() && is_it(&it.1)).copied();
    with(&|it| it.is_machine)
        .or_else(|| with(&|it| it.sure >= Sure::Likely))
        .or_else(|| with(&|_| true))
}

/// Returns whose turn it is.
fn class(fault: &Verdict, finding: &Finding) -> CauseClass {
    let found = finding.class.unwrap_or(fault.class);
    if fault.sure == Sure::Certain {
        return fault.class;
    }
    if finding.is_machine {
        return found;
    }
    match (found, fault.stage) {
        // In the source stage the package asks for nothing yet: what is missing belongs to the chroot.
        (CauseClass::Dependencies, Stage::Source | Stage::Chroot) => CauseClass::Buildroot,
        // And nothing is compiled.
        (CauseClass::Package, Stage::Source) => CauseClass::SourceRpm,
        // A guess does not outweigh what mock's exit status says.
        (_, _) if finding.sure < fault.sure => fault.class,
        (_, _) => found,
    }
}
