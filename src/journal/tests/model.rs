//! What the room promises, in memory and in so few words that it can be seen to be right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::koji::{InstanceName, Subject};
use crate::watch::{Filed, Keep, Muted, Muting, Posted, Resumed};
use crate::watch::{Pause, Tale, TaleId};

type Key = (InstanceName, Subject);

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    marks: BTreeMap<InstanceName, Timestamp>,
    contacts: BTreeMap<InstanceName, Timestamp>,
    messages: Vec<(InstanceName, String)>,
    stories: BTreeMap<Key, Filed>,
    due: BTreeMap<TaleId, Tale>,
    last_tale: TaleId,
    muted: BTreeMap<Muting, Muted>,
    pause: Option<Pause>,
    usual: BTreeMap<(InstanceName, String), (Option<SignedDuration>, Timestamp)>,
    on_screen: BTreeSet<Posted>,
}

impl Model {
    pub(super) fn keep(&mut self, keep: &Keep) {
        match keep.clone() {
            Keep::Message { instance, id, .. } => {
                let message = (instance, id);
                self.messages.retain(|it| *it != message);
                self.messages.push(message);
            }
            Keep::Story(filed) => {
                self.stories.insert(key(&filed), *filed);
            }
            Keep::Adopted { instance, task, build } => {
                let subject = Subject::Task(task);
                for tale in self.due.values_mut() {
                    if (&tale.story.instance, &tale.story.subject) == (&instance, &subject) {
                        tale.story.subject = build.clone();
                    }
                }
                if build != subject
                    && let Some(mut filed) = self.stories.remove(&(instance.clone(), subject))
                {
                    filed.story.subject = build.clone();
                    self.stories.entry((instance, build)).or_insert(filed);
                }
            }
            Keep::Due(tale) => {
                self.last_tale = self.last_tale.max(tale.id);
                self.due.insert(tale.id, *tale);
            }
            Keep::Told { tales, .. } | Keep::Dropped(tales) => {
                self.due.retain(|it, _| !tales.contains(it));
            }
            Keep::Mark(instance, until) => {
                self.marks.insert(instance, until);
            }
            Keep::Contact(instance, at) => {
                self.contacts.insert(instance, at);
            }
            Keep::Muted(muting, Some(muted)) => {
                self.muted.insert(muting, muted);
            }
            Keep::Muted(muting, None) => {
                self.muted.remove(&muting);
            }
            Keep::Paused(pause) => self.pause = pause,
            Keep::Usual {
                instance,
                package,
                usual,
                at,
            } => {
                self.usual.insert((instance, package), (usual, at));
            }
            Keep::OnScreen(posted, true) => {
                self.on_screen.insert(posted);
            }
            Keep::OnScreen(posted, false) => {
                self.on_screen.remove(&posted);
            }
        }
    }

    pub(super) fn resumed(&self, now: Timestamp) -> Resumed {
        let due = self.due.values().map(|tale| {
            let filed = self
                .stories
                .get(&(tale.story.instance.clone(), tale.story.subject.clone()));
            let same =
                filed.filter(|it| (it.story.standing, it.story.ended) == (tale.story.standing, tale.story.ended));
            Tale {
                story: same.map_or_else(|| tale.story.clone(), |it| it.story.clone()),
                ..tale.clone()
            }
        });
        let oldest = now - SignedDuration::from_hours(30 * 24);
        let usual = self.usual.iter().filter(|(_, (_, at))| *at >= oldest);
        Resumed {
            marks: self.marks.clone(),
            contacts: self.contacts.clone(),
            messages: self.messages.clone(),
            stories: self.stories.values().cloned().collect(),
            endings: Vec::new(),
            due: due.collect(),
            due_besides: Vec::new(),
            last_tale: self.last_tale,
            muted: self.muted.clone(),
            pause: self.pause,
            usual: usual
                .map(|((instance, package), (usual, _))| (instance.clone(), package.clone(), *usual))
                .collect(),
            on_screen: self.on_screen.iter().cloned().collect(),
        }
    }
}

/// Returns the same with the stories in the model's order.
pub(super) fn sorted(mut resumed: Resumed) -> Resumed {
    resumed.stories.sort_by_key(key);
    resumed
}

fn key(filed: &Filed) -> Key {
    (filed.story.instance.clone(), filed.story.subject.clone())
}
