//! What a person wants done on the hub: asked back, done once, never again by itself.

use jiff::Timestamp;

use super::state::{Key, Question};
use super::{Act, Ask, Asker, Deed, Effect, Lookup, NotDone, Standing, Story, Telling, Watch};
use crate::koji::{BuildState, InstanceName, Subject, TaskId, TaskState};

impl Act {
    /// Returns whether it can be done to a story as it stands: a failed or canceled top-level task can be submitted
    /// anew, a running one canceled. Both need a task.
    pub fn applies(self, story: &Story) -> bool {
        let is_there = story.mine && story.task.is_some();
        let (is_broken, runs) = match story.standing {
            Standing::Build(state) => (
                matches!(state, BuildState::Failed | BuildState::Canceled),
                state == BuildState::Building,
            ),
            Standing::Task(state) => (
                matches!(state, TaskState::Failed | TaskState::Canceled),
                matches!(state, TaskState::Free | TaskState::Open | TaskState::Assigned),
            ),
        };
        is_there
            && match self {
                Self::Resubmit => is_broken,
                Self::Cancel => runs,
            }
    }
}

impl Watch {
    /// Returns whether this can be done here and now.
    pub fn can(&self, act: Act, story: &Story) -> bool {
        let logs_in = self.rules.instances.get(&story.instance).is_some_and(|it| it.logs_in);
        logs_in && act.applies(story)
    }

    /// Asks back before anything is done.
    pub(super) fn ask_back(&mut self, act: Act, about: &Key, effects: &mut Vec<Effect>) {
        let Some(story) = self.stories.get(about).map(|it| it.story.clone()) else {
            return;
        };
        if let Some(task) = story.task
            && self.can(act, &story)
        {
            let id = self.next_notice();
            self.questions.retain(|_, it| it.about != *about);
            while self.questions.len() >= super::state::MAX_QUESTIONS {
                if let Some((id, _)) = self.questions.pop_first() {
                    effects.push(Effect::Withdraw(id));
                }
            }
            let about = about.clone();
            self.questions.insert(id, Question { about, act, task });
            self.show(id, false, Telling::Confirm(act, story), effects);
        }
    }

    /// Does what was confirmed, once.
    pub(super) fn confirm(&mut self, act: Act, about: &Key, effects: &mut Vec<Effect>) {
        let asked = self
            .questions
            .iter()
            .find(|(_, it)| it.about == *about && it.act == act);
        let Some((id, task)) = asked.map(|(id, it)| (*id, it.task)) else {
            return;
        };
        self.questions.remove(&id);
        self.forget_notice(id);
        effects.push(Effect::Withdraw(id));
        let Some(story) = self.stories.get(about).map(|it| it.story.clone()) else {
            return;
        };
        if story.task == Some(task) && self.can(act, &story) {
            let about = about.1.clone();
            effects.push(Effect::Ask(story.instance, Ask::Act { act, about, task }));
        }
    }

    /// Tells what became of it, and follows a new task.
    #[expect(clippy::too_many_arguments, reason = "an answer and what it answers")]
    pub(super) fn acted(
        &mut self,
        now: Timestamp,
        instance: &InstanceName,
        act: Act,
        about: &Subject,
        _task: TaskId,
        done: Result<Option<TaskId>, NotDone>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(story) = self
            .stories
            .get(&(instance.clone(), about.clone()))
            .map(|it| it.story.clone())
        else {
            return;
        };
        if let Ok(Some(task)) = done {
            self.follow(instance.clone(), Lookup::Task(task), Asker::Nobody, effects);
        }
        self.look_soon(now, instance);
        let id = self.next_notice();
        self.show(id, false, Telling::Acted(Deed { act, story, done }), effects);
    }
}
