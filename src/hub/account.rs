//! Whom a hub knows us as: logs in when a call needs it, and out in the end.
//!
//! Promise: reading needs no account and logs nobody in. There is one session at a time. One that the hub no longer
//! takes (expired, or the network has changed and the hub has bound it to the address) is renewed, or made anew. A
//! change is made once more only where the hub has said that it refused the session and so has done nothing.
//!
//! It deliberately does not know when something is to be changed, nor the words for what went wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::IgnoredAny;
use tokio::time::timeout;
use tracing::{debug, info};

use super::access::{Access, Login};
use super::call::{Answer, Call, User};
use super::client::Client;
use super::fault::FaultCode;
use super::login::{self, LoginError, Tools, log_in};
use super::trouble::HubError;
use super::xmlrpc::read::read;

/// How long a hub may take to end the session; without it the session ends by itself, after a day.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);

/// A hub, and how we are known there.
#[derive(Debug)]
pub struct Account {
    client: Client,
    access: Access,
    tools: Tools,
    /// Held by whoever logs in.
    entering: tokio::sync::Mutex<()>,
    me: Mutex<Option<User>>,
}

/// Why something was not done for an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl AccountError {
    /// Returns what is wrong, in one line.
    pub fn detail(&self) -> String {
        match self {
            Self::Login(error) => error.to_string(),
            Self::Hub(error) => error.detail(),
        }
    }
}

impl Account {
    pub fn new(access: Access, tools: Tools) -> Self {
        Self {
            client: Client::new(access.clone()),
            access,
            tools,
            entering: tokio::sync::Mutex::default(),
            me: Mutex::default(),
        }
    }

    /// Returns what asks the hub, in the session if there is one.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns whether there is a way to log in.
    pub fn can_log_in(&self) -> bool {
        self.access.login != Login::Nothing
    }

    /// Makes a call that changes something.
    ///
    /// # Errors
    ///
    /// If nobody can be logged in, or the hub has not done it or has not said that it did.
    pub fn change(&self, call: Call) -> BoxFuture<'_, Result<Answer, AccountError>> {
        async move {
            self.enter().await?;
            match self.client.ask_one(call.clone()).await {
                Err(error) if has_refused_session(&error) => {
                    self.enter().await?;
                    Ok(self.client.ask_one(call).await?)
                }
                done => Ok(done?),
            }
        }
        .boxed()
    }

    /// Returns who we are there. It is asked once.
    ///
    /// # Errors
    ///
    /// If nobody can be logged in, or the hub does not say.
    pub fn who(&self) -> BoxFuture<'_, Result<User, AccountError>> {
        async move {
            if let Some(me) = self.me() {
                return Ok(me);
            }
            self.enter().await?;
            let mut answer = self.client.ask_one(Call::LoggedInUser).await?;
            if !self.client.is_logged_in() {
                // The session was refused, and it was asked as nobody.
                self.enter().await?;
                answer = self.client.ask_one(Call::LoggedInUser).await?;
            }
            let Some(user) = user(answer) else {
                return Err(HubError::NotLoggedIn.into());
            };
            *self.me.lock().unwrap_or_else(PoisonError::into_inner) = Some(user.clone());
            Ok(user)
        }
        .boxed()
    }

    fn me(&self) -> Option<User> {
        self.me.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sees to it that there is a session.
    async fn enter(&self) -> Result<(), LoginError> {
        let _entering = self.entering.lock().await;
        if self.client.is_logged_in() {
            return Ok(());
        }
        let limit = self.access.times.login;
        if let Some(mut old) = self.client.take_refused() {
            match log_in(&self.access, limit, Some(&mut old), &self.tools).await {
                Ok(session) => {
                    self.client.set_session(session);
                    return Ok(());
                }
                Err(LoginError::Fault(fault)) => debug!(%fault, "the session is not renewed"),
                Err(error) => return Err(error),
            }
        }
        let session = log_in(&self.access, limit, None, &self.tools).await?;
        info!(server = %self.access.server, "logged in");
        self.client.set_session(session);
        Ok(())
    }

    /// Ends the session, if there is one.
    pub async fn leave(&self) {
        if !self.client.is_logged_in() {
            return;
        }
        let leaving = self.client.change(login::log_out(), |body| read::<IgnoredAny>(body));
        match timeout(LEAVE_LIMIT, leaving).await {
            Ok(Ok(IgnoredAny)) => debug!(server = %self.access.server, "logged out"),
            Ok(Err(error)) => debug!(error = error.detail(), "the session is left to end by itself"),
            Err(_) => debug!("the hub takes too long to end the session"),
        }
        _ = self.client.take_session();
    }
}

/// Returns whether the hub has looked at the session, refused it, and so done nothing. A number that it has seen
/// before (1009) is no such word: it may have done what came with it.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others leave the session as it is")]
fn has_refused_session(error: &HubError) -> bool {
    match error {
        HubError::Fault(fault) => matches!(
            fault.code,
            FaultCode::Auth | FaultCode::AuthExpired | FaultCode::Sequence
        ),
        HubError::NotLoggedIn => true,
        _ => false,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an answer to another question is none")]
fn user(answer: Answer) -> Option<User> {
    match answer {
        Answer::User(user) => user,
        _ => None,
    }
}
