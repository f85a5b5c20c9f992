//! Which notification of the server is which notice of ours, and what its buttons mean.
//!
//! Holds at most [`SHOWN_LIMIT`] notices; the oldest is forgotten first. It knows one server: when another one takes
//! over, its owner forgets everything here.

use std::collections::BTreeMap;

use crate::view::Action;
use crate::watch::{NoticeId, Request};

/// So many notices are remembered. A person who lets more pile up loses the buttons of the oldest.
const SHOWN_LIMIT: usize = 256;

/// What was shown to the present server.
#[derive(Debug, Default)]
pub(super) struct Shown {
    slips: BTreeMap<NoticeId, Slip>,
}

#[derive(Debug)]
struct Slip {
    server_id: u32,
    /// Not yet reported as closed. What is closed is kept, since lxqt-notificationd tells of the click after the close.
    open: bool,
    actions: Vec<Action>,
    /// The activation token that came for the next click.
    token: Option<String>,
}

impl Shown {
    /// Notes that the server knows the notice by this number from now on, with these actions.
    pub(super) fn remember(&mut self, notice: NoticeId, server_id: u32, actions: Vec<Action>) {
        // A number that the server gives out again no longer means what it meant.
        self.slips.retain(|_, slip| slip.server_id != server_id);
        if self.slips.len() >= SHOWN_LIMIT && !self.slips.contains_key(&notice) {
            self.slips.pop_first();
        }
        let slip = Slip {
            server_id,
            open: true,
            actions,
            token: None,
        };
        self.slips.insert(notice, slip);
    }

    /// Returns the server's number of the notice, if it is on screen.
    pub(super) fn on_screen(&self, notice: NoticeId) -> Option<u32> {
        let slip = self.slips.get(&notice)?;
        slip.open.then_some(slip.server_id)
    }

    /// Notes that the server has closed a notification, and returns which notice it was.
    pub(super) fn close(&mut self, server_id: u32) -> Option<NoticeId> {
        let (&notice, slip) = self.by_server_id(server_id)?;
        let was_open = std::mem::replace(&mut slip.open, false);
        was_open.then_some(notice)
    }

    /// Notes the activation token for the click that follows.
    pub(super) fn grant(&mut self, server_id: u32, token: String) {
        if let Some((_, slip)) = self.by_server_id(server_id) {
            slip.token = Some(token);
        }
    }

    /// Returns what a click asks for, with the token that came for it.
    pub(super) fn invoke(&mut self, server_id: u32, key: &str) -> Option<Request> {
        let (_, slip) = self.by_server_id(server_id)?;
        let granted = slip.token.take();
        let action = slip.actions.iter().find(|it| it.key == key)?;
        let mut request = action.request.clone();
        if let Some(token) = request.token_mut()
            && granted.is_some()
        {
            *token = granted;
        }
        Some(request)
    }

    /// Forgets everything: the server that gave out the numbers is gone.
    pub(super) fn clear(&mut self) {
        self.slips.clear();
    }

    fn by_server_id(&mut self, server_id: u32) -> Option<(&NoticeId, &mut Slip)> {
        self.slips.iter_mut().find(|(_, slip)| slip.server_id == server_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_notices_are_forgotten_first() {
        let mut shown = Shown::default();
        let many = u32::try_from(SHOWN_LIMIT).unwrap() + 100;
        for number in 1..=many {
            shown.remember(NoticeId(number.into()), number + 1000, Vec::new());
        }
        assert_eq!(shown.slips.len(), SHOWN_LIMIT);
        assert_eq!(shown.on_screen(NoticeId(100)), None);
        assert_eq!(shown.on_screen(NoticeId(101)), Some(1101));
        assert_eq!(shown.on_screen(NoticeId(many.into())), Some(many + 1000));
    }

    #[test]
    fn an_old_notice_that_changes_in_place_pushes_nothing_out() {
        let mut shown = Shown::default();
        let limit = u32::try_from(SHOWN_LIMIT).unwrap();
        for number in 1..=limit {
            shown.remember(NoticeId(number.into()), number, Vec::new());
        }
        shown.remember(NoticeId(1), 1, Vec::new());
        assert_eq!(shown.slips.len(), SHOWN_LIMIT);
        assert_eq!(shown.on_screen(NoticeId(1)), Some(1));
    }

    #[test]
    fn a_number_given_out_again_belongs_to_the_last_notice() {
        let mut shown = Shown::default();
        shown.remember(NoticeId(1), 7, Vec::new());
        shown.remember(NoticeId(2), 7, Vec::new());
        assert_eq!(shown.on_screen(NoticeId(1)), None);
        assert_eq!(shown.close(7), Some(NoticeId(2)));
        assert_eq!(shown.close(7), None, "a notification closes once");
    }
}
