//! What the journal should hold: each [`Keep`] taken at its word. The real one is held against it at each start.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use koji_notify::koji::{InstanceName, Subject};
use koji_notify::watch::{Filed, Keep, Muted, Muting, Pause, Posted, Resumed, Tale, TaleId};

/// How many tales are given back whole: what a digest holds.
const MAX_DUE: usize = 200;

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    marks: BTreeMap<InstanceName, Timestamp>,
    contacts: BTreeMap<InstanceName, Timestamp>,
    messages: Vec<(InstanceName, String)>,
    known: BTreeSet<(InstanceName, String)>,
    stories: BTreeMap<(InstanceName, Subject), Filed>,
    due: BTreeMap<TaleId, Tale>,
    last_tale: TaleId,
    muted: BTreeMap<Muting, Muted>,
    pause: Option<Pause>,
    usual: BTreeMap<(InstanceName, String), Option<SignedDuration>>,
    on_screen: BTreeSet<Posted>,
}

impl Model {
    pub(crate) fn write(&mut self, keeps: &[Keep]) {
        for keep in keeps {
            self.keep(keep.clone());
        }
    }

    fn keep(&mut self, keep: Keep) {
        match keep {
            Keep::Message { instance, id, .. } => {
                if self.known.insert((instance.clone(), id.clone())) {
                    self.messages.push((instance, id));
                }
            }
            Keep::Story(filed) => {
                let key = (filed.story.instance.clone(), filed.story.subject.clone());
                self.stories.insert(key, *filed);
            }
            Keep::Adopted { instance, task, .. } => {
                self.stories.remove(&(instance, Subject::Task(task)));
            }
            Keep::Due(tale) => {
                self.last_tale = self.last_tale.max(tale.id);
                self.due.insert(tale.id, *tale);
            }
            Keep::Told { tales, .. } | Keep::Dropped(tales) => self.due.retain(|it, _| !tales.contains(it)),
            Keep::Mark(instance, mark) => _ = self.marks.insert(instance, mark),
            Keep::Contact(instance, at) => _ = self.contacts.insert(instance, at),
            Keep::Muted(muting, Some(muted)) => _ = self.muted.insert(muting, muted),
            Keep::Muted(muting, None) => _ = self.muted.remove(&muting),
            Keep::Paused(pause) => self.pause = pause,
            Keep::Usual {
                instance,
                package,
                usual,
                ..
            } => _ = self.usual.insert((instance, package), usual),
            Keep::OnScreen(posted, true) => _ = self.on_screen.insert(posted),
            Keep::OnScreen(posted, false) => _ = self.on_screen.remove(&posted),
        }
    }

    pub(crate) fn resumed(&self) -> Resumed {
        let mut due: Vec<_> = self.due.values().cloned().collect();
        let besides = due.split_off(due.len().min(MAX_DUE));
        Resumed {
            marks: self.marks.clone(),
            contacts: self.contacts.clone(),
            messages: self.messages.clone(),
            stories: self.stories.values().cloned().collect(),
            endings: Vec::new(),
            due,
            due_besides: besides.into_iter().map(|it| it.id).collect(),
            last_tale: self.last_tale,
            muted: self.muted.clone(),
            pause: self.pause,
            usual: self
                .usual
                .iter()
                .map(|((a, b), it)| (a.clone(), b.clone(), *it))
                .collect(),
            on_screen: self.on_screen.iter().cloned().collect(),
        }
    }
}
