//! What we know, and what follows from it.
//!
//! [`Watch::step`] takes one [`Event`] and answers with [`Effect`]s. It never waits and never looks at the world: the
//! time is handed in, and everything it wants done is handed out. The same events at the same times give the same
//! effects, to the byte.
//!
//! It deliberately knows no wire format, no D-Bus, no file, and no word that a person reads.
//!
//! **Invariant:** this room imports `koji` and nothing else of ours.

mod acting;
pub mod ask;
mod asking;
mod attempts;
mod below;
pub mod effect;
pub mod event;
mod explaining;
mod hearing;
mod keeping;
mod learning;
pub mod link;
mod merge;
mod missed;
pub mod mute;
pub mod notice;
pub mod occasion;
mod owners;
pub mod pace;
pub mod quiet;
pub mod record;
pub mod rules;
pub mod seen;
mod shelf;
pub mod sizes;
pub mod state;
mod step;
pub mod story;
mod telling;
#[cfg(test)]
mod tests;
pub mod trend;
mod usual;
mod watchdog;

pub use ask::{Act, Ask, HubLine, HubTrouble, Learned, Look, Looked, Lookup, NotDone, Progress, Unanswered};
pub use effect::{Effect, Reply, Save};
pub use event::{Asker, Closed, Delivery, Event, Listing, News, Outcome, PauseFor, Request, Ticket};
pub use link::{Link, Problem, Trouble};
pub use missed::Missed;
pub use mute::{MuteFor, Muted, Muting, Until};
pub use notice::{Deed, Digest, Fate, Notice, NoticeId, RuleName, Tale, TaleId, Telling};
pub use occasion::{Hook, Occasion};
pub use quiet::{QuietRules, Reason};
pub use record::{Filed, Keep, Posted, Record, Resumed};
pub use rules::{Rules, Toggle, Wanted, Whose};
pub use state::{Ending, JournalTrouble, Line, Pause, Watch};
pub use story::{Standing, Story, Whereabouts};
pub use trend::{Row, Trend};
