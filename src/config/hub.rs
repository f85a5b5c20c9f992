//! Which hub an instance asks: that of its preset, of a profile of the `koji` client, or one that is told.

use std::fs;

use crate::hub::access::{Access, Address, FileServer, Hub, Login, Times, Trust};
use crate::hub::profile::{self, Profile, ProfilePlaces};
use crate::koji::Site;

use super::broker::Asked;
use super::file::HubLogin;
use super::{ConfigError, Preset};

/// Returns the hub, if the instance has one that is asked, and the profile that was read. What the profile knows of
/// pages and files is taken where the instance does not tell.
pub(super) fn hub(asked: &Asked<'_>, site: &mut Site) -> Result<(Option<Hub>, Option<Profile>), ConfigError> {
    let words = &asked.words.hub;
    let profile = match &words.profile {
        Some(name) => Some(read(asked, name)?),
        None => None,
    };
    if words.koji_config.is_some() && profile.is_none() {
        return Err(asked.wrong(&["hub", "koji-config"], "`koji-config`: expected `profile` beside it"));
    }
    if let Some(profile) = &profile {
        if site.weburl.is_none() && profile.weburl != profile::DEFAULT_WEBURL {
            site.weburl = Some(profile.weburl.clone());
        }
        if site.topurl.is_none() {
            site.topurl.clone_from(&profile.topurl);
        }
    }
    let of_profile = profile.as_ref().map(|it| it.server.as_str());
    let of_preset = asked.words.preset.map(Preset::hub);
    let server = words.server.as_deref().or(of_profile).or(of_preset);
    let Some(server) = server.filter(|_| words.ask != Some(false)) else {
        return Ok((None, profile));
    };
    let wrong = |what: &str| {
        asked.wrong(
            &["hub", "server"],
            &format!("`server`: {what}: expected https://HOST/kojihub"),
        )
    };
    let server = Address::parse(server).map_err(|it| wrong(&it.to_string()))?;
    let of_words = words.ca_cert.as_ref().map(|it| asked.path(it));
    let of_profile = profile.as_ref().and_then(|it| it.serverca.clone());
    let authority = of_words.or(of_profile);
    if let Some(file) = &authority
        && let Err(source) = fs::metadata(file)
    {
        let file = file.clone();
        return Err(ConfigError::Unreadable { file, source });
    }
    let login = login(asked, profile.as_ref(), &server)?;
    let times = Times {
        login: profile.as_ref().map_or(Times::default().login, |it| it.auth_timeout),
        ..Times::default()
    };
    let trust = |it: Option<std::path::PathBuf>| it.map_or(Trust::System, Trust::Only);
    let files = site.topurl.as_deref().and_then(|it| Address::parse(it).ok());
    // Files are often on another host, with a certificate of another authority.
    let is_same = |it: &Address| it.host == server.host;
    let files = files.map(|address| FileServer {
        trust: trust(authority.clone().filter(|_| is_same(&address))),
        address,
        times: Times::default(),
    });
    let cache = asked
        .places
        .cache_folder()
        .join(format!("{}@{}", asked.name, server.host));
    let hub = Hub {
        access: Access {
            server,
            trust: trust(authority),
            login,
            times,
        },
        files,
        cache,
    };
    Ok((Some(hub), profile))
}

/// Returns how we log in. Nobody does who has not asked for it: what is read needs no login.
fn login(asked: &Asked<'_>, profile: Option<&Profile>, server: &Address) -> Result<Login, ConfigError> {
    let words = &asked.words.hub;
    let wish = words.login.unwrap_or(HubLogin::None);
    let wrong = |key: &str, problem: &str| Err(asked.wrong(&["hub", key], &format!("`{key}`: {problem}")));
    if words.certificate.is_some() && wish != HubLogin::Certificate {
        return wrong("certificate", "expected `login = \"certificate\"` beside it");
    }
    let kerberos = [("principal", &words.principal), ("keytab", &words.keytab)];
    if let Some((key, _)) = kerberos.iter().find(|(_, it)| it.is_some())
        && wish != HubLogin::Kerberos
    {
        return wrong(key, "expected `login = \"kerberos\"` beside it");
    }
    if wish != HubLogin::None && !server.tls {
        return wrong(
            "login",
            "expected the hub's address to be https, as nobody logs in in clear",
        );
    }
    match wish {
        HubLogin::None => Ok(Login::Nothing),
        HubLogin::Certificate => {
            let of_profile = || profile.and_then(|it| it.cert.clone());
            let Some(file) = words.certificate.as_ref().map(|it| asked.path(it)).or_else(of_profile) else {
                return wrong(
                    "login",
                    "expected `certificate` beside it: a PEM file with certificate and key",
                );
            };
            match fs::metadata(&file) {
                Ok(_) => Ok(Login::Certificate { file }),
                Err(source) => Err(ConfigError::Unreadable { file, source }),
            }
        }
        HubLogin::Kerberos => {
            if words.keytab.is_some() && words.principal.is_none() {
                return wrong("keytab", "expected `principal` beside it");
            }
            Ok(Login::Kerberos {
                principal: words.principal.clone(),
                keytab: words.keytab.clone(),
            })
        }
        HubLogin::Profile => {
            let Some(profile) = profile else {
                return wrong("login", "expected `profile` beside it");
            };
            profile
                .login()
                .map_err(|it| asked.wrong(&["hub", "login"], &format!("`login`: {it}")))
        }
    }
}

fn read(asked: &Asked<'_>, name: &str) -> Result<Profile, ConfigError> {
    let places = ProfilePlaces {
        system: asked.places.etc.clone(),
        home: asked.places.home.clone(),
        given: asked.words.hub.koji_config.as_ref().map(|it| asked.path(it)),
    };
    profile::load(name, &places).map_err(|it| asked.wrong(&["hub", "profile"], &format!("`profile`: {it}")))
}
