//! Faults: the hub's way of saying no. They come with HTTP 200 (`koji/__init__.py`, the classes with a `faultCode`).

use std::fmt;

/// A fault, as the hub sent it. The text is free, may be a whole traceback, and was partly written by strangers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    pub code: FaultCode,
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl std::error::Error for Fault {}

/// What a fault means to the one who asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// Something was busy; the same call may succeed in a moment.
    Passing,
    /// The hub is closed for everybody; the same call will succeed later.
    Outage,
    /// The session is not there or no longer good: log in anew.
    LoginNeeded,
    /// The hub refused the login itself.
    LoginRefused,
    /// The hub understood and says no: there is no such thing, or it is not allowed. For a failed task, this is why
    /// it failed.
    No,
    /// We asked wrongly.
    Ours,
}

/// The hub's fault codes up to Koji 1.36.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FaultCode {
    Generic,
    Lock,
    Auth,
    Tag,
    ActionNotAllowed,
    Build,
    AuthLock,
    AuthExpired,
    Sequence,
    Retry,
    PreBuild,
    PostBuild,
    Buildroot,
    FunctionDeprecated,
    ServerOffline,
    LiveCd,
    Plugin,
    Callback,
    Appliance,
    Parameter,
    Import,
    Configuration,
    LiveMedia,
    GssapiAuth,
    NameValidation,
    /// 1: any other Python error, or a number that no release up to 1.36 knows.
    Other(i64),
}

impl FaultCode {
    /// Returns the code with the hub's number.
    pub fn from_number(number: i64) -> Self {
        match number {
            1000 => Self::Generic,
            1001 => Self::Lock,
            1002 => Self::Auth,
            1003 => Self::Tag,
            1004 => Self::ActionNotAllowed,
            1005 => Self::Build,
            1006 => Self::AuthLock,
            1007 => Self::AuthExpired,
            1008 => Self::Sequence,
            1009 => Self::Retry,
            1010 => Self::PreBuild,
            1011 => Self::PostBuild,
            1012 => Self::Buildroot,
            1013 => Self::FunctionDeprecated,
            1014 => Self::ServerOffline,
            1015 => Self::LiveCd,
            1016 => Self::Plugin,
            1017 => Self::Callback,
            1018 => Self::Appliance,
            1019 => Self::Parameter,
            1020 => Self::Import,
            1021 => Self::Configuration,
            1022 => Self::LiveMedia,
            1023 => Self::GssapiAuth,
            1024 => Self::NameValidation,
            other => Self::Other(other),
        }
    }

    /// Returns the hub's number.
    pub fn number(self) -> i64 {
        match self {
            Self::Generic => 1000,
            Self::Lock => 1001,
            Self::Auth => 1002,
            Self::Tag => 1003,
            Self::ActionNotAllowed => 1004,
            Self::Build => 1005,
            Self::AuthLock => 1006,
            Self::AuthExpired => 1007,
            Self::Sequence => 1008,
            Self::Retry => 1009,
            Self::PreBuild => 1010,
            Self::PostBuild => 1011,
            Self::Buildroot => 1012,
            Self::FunctionDeprecated => 1013,
            Self::ServerOffline => 1014,
            Self::LiveCd => 1015,
            Self::Plugin => 1016,
            Self::Callback => 1017,
            Self::Appliance => 1018,
            Self::Parameter => 1019,
            Self::Import => 1020,
            Self::Configuration => 1021,
            Self::LiveMedia => 1022,
            Self::GssapiAuth => 1023,
            Self::NameValidation => 1024,
            Self::Other(number) => number,
        }
    }

    /// Returns the name of the hub's class (`koji/__init__.py`), if it has one of its own.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Generic => "GenericError",
            Self::Lock => "LockError",
            Self::Auth => "AuthError",
            Self::Tag => "TagError",
            Self::ActionNotAllowed => "ActionNotAllowed",
            Self::Build => "BuildError",
            Self::AuthLock => "AuthLockError",
            Self::AuthExpired => "AuthExpired",
            Self::Sequence => "SequenceError",
            Self::Retry => "RetryError",
            Self::PreBuild => "PreBuildError",
            Self::PostBuild => "PostBuildError",
            Self::Buildroot => "BuildrootError",
            Self::FunctionDeprecated => "FunctionDeprecated",
            Self::ServerOffline => "ServerOffline",
            Self::LiveCd => "LiveCDError",
            Self::Plugin => "PluginError",
            Self::Callback => "CallbackError",
            Self::Appliance => "ApplianceError",
            Self::Parameter => "ParameterError",
            Self::Import => "ImportError",
            Self::Configuration => "ConfigurationError",
            Self::LiveMedia => "LiveMediaError",
            Self::GssapiAuth => "GSSAPIAuthError",
            Self::NameValidation => "NameValidationError",
            Self::Other(_) => return None,
        })
    }

    /// Returns what it means to the one who asked.
    pub fn meaning(self) -> Meaning {
        match self {
            Self::Lock | Self::AuthLock => Meaning::Passing,
            Self::ServerOffline => Meaning::Outage,
            Self::Auth | Self::AuthExpired | Self::Sequence | Self::Retry => Meaning::LoginNeeded,
            Self::GssapiAuth => Meaning::LoginRefused,
            Self::FunctionDeprecated | Self::Parameter => Meaning::Ours,
            Self::Generic
            | Self::Tag
            | Self::ActionNotAllowed
            | Self::Build
            | Self::PreBuild
            | Self::PostBuild
            | Self::Buildroot
            | Self::LiveCd
            | Self::Plugin
            | Self::Callback
            | Self::Appliance
            | Self::Import
            | Self::Configuration
            | Self::LiveMedia
            | Self::NameValidation
            | Self::Other(_) => Meaning::No,
        }
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for number in (990..1040).chain([0, 1, -1, i64::MAX]) {
            assert_eq!(FaultCode::from_number(number).number(), number);
        }
    }
}
