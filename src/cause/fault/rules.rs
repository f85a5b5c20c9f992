//! The texts that Koji writes into a fault, as data. The first rule that matches decides.
//!
//! Sources: `builder/kojid`, `koji/daemon.py`, `koji/tasks.py`, `koji/util.py`, `kojihub/kojihub.py` and their plugins,
//! up to 1.36; what a status of mock means is in `mockbuild/exception.py`. How a shape reads is told in `pattern`.

mod builds;
mod hub;
mod leave;
mod world;

use crate::koji::{CauseClass, LogName};

use super::{Stage, Sure};

/// One kind of fault.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) class: CauseClass,
    pub(super) sure: Sure,
    /// Each shape with a text that it matches.
    pub(super) shapes: &'static [(&'static str, &'static str)],
    /// The logs that say more, in the order in which they are worth reading.
    pub(super) logs: &'static [LogName],
    /// The stage of the build, where the text says it better than the task's method.
    pub(super) stage: Option<Stage>,
    /// Where the sentence is cut off, as nothing readable follows.
    pub(super) cut: Option<&'static str>,
}

const fn rule(id: &'static str, class: CauseClass, shapes: &'static [(&'static str, &'static str)]) -> Rule {
    Rule {
        id,
        class,
        sure: Sure::Certain,
        shapes,
        logs: &[],
        stage: None,
        cut: None,
    }
}

impl Rule {
    const fn read(self, logs: &'static [LogName]) -> Self {
        Self { logs, ..self }
    }

    const fn sure(self, sure: Sure) -> Self {
        Self { sure, ..self }
    }

    const fn stage(self, stage: Stage) -> Self {
        Self {
            stage: Some(stage),
            ..self
        }
    }

    const fn cut(self, cut: &'static str) -> Self {
        Self { cut: Some(cut), ..self }
    }
}

/// Returns the rules in the order in which they are asked.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [builds::RULES, leave::RULES, hub::RULES, world::RULES]
        .into_iter()
        .flatten()
}
