//! What a task that tags is about: its request has only numbers, of the tag and of the build.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::debug;

use super::{Asker, lock};
use crate::hub::call::{Answer, BuildKey, Call, TaskRow};
use crate::hub::trouble::HubError;
use crate::koji::BuildId;

/// The most names that are asked for at once.
const MAX_ASKED: usize = 50;

impl Asker {
    /// Gives tasks that tag the names of tag and build, as far as they can be had. Tags are known for days, builds, and
    /// what the hub does not know, as long as this program runs.
    pub(super) async fn name_tagged(&self, rows: Vec<&mut TaskRow>, now: Timestamp) {
        let rows: Vec<_> = rows.into_iter().filter(|it| it.tagged.is_some()).collect();
        if let Err(error) = self.learn_tagged(&rows, now).await {
            debug!(instance = %self.instance, error = error.detail(), "what is tagged cannot be named");
        }
        let names = lock(&self.names);
        let known = lock(&self.known);
        for row in rows {
            if let Some(name) = row.tag.and_then(|it| names.tags.name(it, now)) {
                row.target = Some(name.to_owned());
            }
            let tagged = row.tagged.and_then(|it| known.tagged.get(&it)?.as_ref());
            row.what = tagged.map(ToString::to_string);
        }
    }

    async fn learn_tagged(&self, rows: &[&mut TaskRow], now: Timestamp) -> Result<(), HubError> {
        let calls: Vec<Call> = {
            let (names, known) = (lock(&self.names), lock(&self.known));
            let tags: BTreeSet<u64> = rows.iter().filter_map(|it| it.tag).collect();
            let builds: BTreeSet<BuildId> = rows.iter().filter_map(|it| it.tagged).collect();
            let is_unknown = |it: &u64| names.tags.name(*it, now).is_none() && !known.no_tags.contains_key(it);
            let tags = tags.into_iter().filter(is_unknown);
            let builds = builds.into_iter().filter(|it| !known.tagged.contains_key(it));
            let builds = builds.map(|it| Call::Build(BuildKey::Id(it)));
            tags.map(Call::Tag).chain(builds).take(MAX_ASKED).collect()
        };
        if calls.is_empty() {
            return Ok(());
        }
        let answers = self.client().ask(calls.clone()).await?;
        let (mut names, mut known) = (lock(&self.names), lock(&self.known));
        for (call, answer) in calls.into_iter().zip(answers) {
            match (call, answer) {
                (Call::Tag(_), Ok(Answer::Tag(Some(tag)))) => names.tags.learn(&tag.name, tag.id, now),
                (Call::Tag(id), Ok(Answer::Tag(None))) => known.keep_no_tag(id),
                (Call::Build(BuildKey::Id(id)), Ok(Answer::Build(row))) => known.keep_tagged(id, row.map(|it| it.nvr)),
                (_, Ok(_)) => {}
                (_, Err(fault)) => debug!(instance = %self.instance, %fault, "the hub does not tell what is tagged"),
            }
        }
        if let Err(error) = names.save(now) {
            debug!(%error, "the names that were learned are not kept");
        }
        Ok(())
    }
}
