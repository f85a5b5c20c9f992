//! Whose numbers are whose: a bus of Koji's own tells who owns a task by number only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tracing::debug;

use super::{Asker, Failed, is_refusal, lock};
use crate::hub::call::{Answer, Call};
use crate::koji::UserId;
use crate::watch::Learned;
use crate::watch::ask::MAX_NUMBERS;

impl Asker {
    /// Returns the names of users: those that are kept, and the others in one round trip. A number of which the hub does
    /// not tell now, and may later, is left out.
    pub(super) async fn name_owners(&self, numbers: &BTreeSet<UserId>, now: Timestamp) -> Result<Learned, Failed> {
        let mut owners: BTreeMap<UserId, Option<String>> = BTreeMap::new();
        let mut unknown = Vec::new();
        {
            let names = lock(&self.names);
            for number in numbers.iter().take(MAX_NUMBERS) {
                match names.users.name(number.0, now) {
                    Some(name) => _ = owners.insert(*number, Some(name.to_owned())),
                    None => unknown.push(*number),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(Learned::Owners(owners));
        }
        let calls = unknown.iter().copied().map(Call::UserById).collect();
        let answers = self.client().ask(calls).await?;
        let mut names = lock(&self.names);
        for (number, answer) in unknown.into_iter().zip(answers) {
            match answer {
                Ok(Answer::User(Some(user))) => {
                    names.users.learn(&user.name, user.id.0, now);
                    owners.insert(number, Some(user.name));
                }
                Ok(_) => _ = owners.insert(number, None),
                Err(fault) => {
                    debug!(instance = %self.instance, number = number.0, %fault, "the hub does not tell whose number it is");
                    if is_refusal(&fault) {
                        owners.insert(number, None);
                    }
                }
            }
        }
        if let Err(error) = names.save(now) {
            debug!(%error, "the names that were learned are not kept");
        }
        Ok(Learned::Owners(owners))
    }
}
