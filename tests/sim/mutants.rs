//! Ways to do it wrong, each of which the oracle has to notice. They are in what carries the program, not in the
//! program: what `mutants.py` does to its source is beside this.

/// What is done wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mutant {
    /// Messages are acknowledged as soon as they were heard.
    AcknowledgesFirst,
    /// What is to be written counts as written when the writing begins.
    RecordsEarly,
    /// That a message was dealt with is not written, nor how its build stands.
    LosesMessages,
    /// That something is to be told is not written.
    LosesDue,
    /// That something was told is not written.
    LosesTold,
    /// Up to when a hub was caught up with is not written.
    LosesMarks,
    /// How builds stand is not written.
    LosesStories,
    /// What was to be told is not taken up again.
    ResumesWithoutDue,
    /// What was told before is not taken up again, nor which messages.
    ResumesWithoutStories,
    /// Nobody is told that the line is up again, or that the computer has slept.
    IgnoresReturns,
    /// A page is written in two halves.
    WritesHalves,
    /// What was written is not synced.
    NeverSyncs,
    /// What is left to write at the end is not.
    ForgetsAtTheEnd,
    /// What became of notices is not said.
    LosesOutcomes,
    /// A hub that does not answer never does.
    LosesRefusals,
    /// What was acknowledged is sent again under another id.
    RenamesMessages,
    /// Marks are taken as of the answer, not before it.
    MarksTooLate,
}

impl Mutant {
    pub(crate) const ALL: [Self; 17] = [
        Self::AcknowledgesFirst,
        Self::RecordsEarly,
        Self::LosesMessages,
        Self::LosesDue,
        Self::LosesTold,
        Self::LosesMarks,
        Self::LosesStories,
        Self::ResumesWithoutDue,
        Self::ResumesWithoutStories,
        Self::IgnoresReturns,
        Self::WritesHalves,
        Self::NeverSyncs,
        Self::ForgetsAtTheEnd,
        Self::LosesOutcomes,
        Self::LosesRefusals,
        Self::RenamesMessages,
        Self::MarksTooLate,
    ];
}
