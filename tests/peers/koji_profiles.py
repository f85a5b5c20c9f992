#!/usr/bin/python3
"""Answers how Python's ConfigParser reads INI files, and what a Koji client makes of its profiles.

One question a line on the standard input, one answer a line on the standard output, both JSON:

{"do": "ini", "files": [text, ..]}: the contents of files that feed one parser; each letter is one byte.
    {"sections": {name: {option: value}}} or {"error": kind, "file": number, "line": number}.
    A value is {"text": .., "boolean": .., "integer": ..} or {"error": kind}.
{"do": "profile", "name": .., "system": path, "home": path, "given": path or null}
    {"profile": {..}, "names": [..], "files": [path, ..]} or {"error": kind, "file": path, "line": number}.
"""

import configparser
import io
import json
import os
import sys


class ConfigurationError(Exception):
    """What a Koji client says before it reads."""


def answer_ini(question):
    parser = configparser.ConfigParser()
    for number, text in enumerate(question["files"]):
        # As open(.., encoding="utf8") does it.
        lines = io.TextIOWrapper(io.BytesIO(text.encode("latin-1")), encoding="utf8")
        try:
            parser.read_file(lines, str(number))
        except (configparser.Error, UnicodeDecodeError) as error:
            return {"error": type(error).__name__, "file": number, "line": line_of(error)}
    return {
        "sections": {
            section: {option: value_of(parser, section, option) for option in parser.options(section)}
            for section in parser.sections()
        }
    }


def value_of(parser, section, option):
    try:
        text = parser.get(section, option)
    except configparser.Error as error:
        return {"error": type(error).__name__}
    return {
        "text": text,
        "boolean": attempt(parser.getboolean, section, option),
        # Only those that a hub could mean.
        "integer": attempt(lambda: narrow(parser.getint(section, option))),
    }


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except ValueError:
        return None


def narrow(number):
    return number if -(2**63) <= number < 2**63 else None


def line_of(error):
    lines = getattr(error, "errors", None)
    return lines[0][0] if lines else getattr(error, "lineno", None)


# Option by option: the default and how the text is read.
OPTIONS = {
    "server": ("http://localhost/kojihub", "address"),
    "weburl": ("http://localhost/koji", "address"),
    "topurl": (None, "address"),
    "topdir": ("/mnt/koji", "path"),
    "authtype": (None, "text"),
    "principal": (None, "text"),
    "keytab": (None, "text"),
    "cert": ("~/.koji/client.crt", "usual"),
    "serverca": ("~/.koji/serverca.crt", "usual"),
    "max_retries": (30, "number"),
    "retry_interval": (20, "number"),
    "anon_retry": (True, "flag"),
    "offline_retry": (False, "flag"),
    "offline_retry_interval": (20, "number"),
    "timeout": (43200, "number"),
    "auth_timeout": (60, "number"),
    "poll_interval": (6, "number"),
    "use_fast_upload": (True, "flag"),
    "upload_blocksize": (1048576, "number"),
    "debug": (False, "flag"),
    "debug_xmlrpc": (False, "flag"),
    "pyver": (None, "number"),
    "force_auth": (False, "flag"),
}


def answer_profile(question):
    os.environ["HOME"] = question["home"]
    parser = configparser.ConfigParser()
    reading = [None]
    try:
        files = read_files(parser, question, reading)
        profile = profile_of(parser, question["name"])
    except (configparser.Error, ConfigurationError, UnicodeDecodeError, ValueError) as error:
        return {"error": type(error).__name__, "why": str(error), "line": line_of(error), "file": reading[0]}
    return {"profile": profile, "files": files, "names": sorted(parser.sections())}


def read_files(parser, question, reading):
    places = [(os.path.join(question["system"], it), False) for it in ("koji.conf.d", "koji.conf")]
    if question["given"]:
        places.append((os.path.expanduser(question["given"]), True))
    else:
        places += [(os.path.expanduser(it), False) for it in ("~/.koji/config.d", "~/.koji/config")]
    candidates = []
    for place, must_be in places:
        if os.path.isdir(place):
            found = [os.path.join(place, it) for it in sorted(os.listdir(place)) if it.endswith(".conf")]
            if must_be and not found:
                raise ConfigurationError("empty")
        else:
            found = [place]
        for file in found:
            if os.path.isfile(file):
                candidates.append(file)
            elif must_be:
                raise ConfigurationError("no file")
    files = []
    for file in candidates:
        reading[0] = file
        files += parser.read(file, encoding="utf8")
    reading[0] = None
    return files


def profile_of(parser, name):
    if not parser.has_section(name):
        raise ConfigurationError("no profile")
    written = dict(parser.items(name))
    profile = {}
    for option, (default, kind) in OPTIONS.items():
        text = written.get(option)
        if kind == "usual":
            usual = os.path.expanduser(default)
            value = os.path.expanduser(text) if text is not None else usual if os.path.exists(usual) else ""
        elif text is None:
            value = default
        elif kind == "flag":
            value = parser.getboolean(name, option)
        elif kind == "number":
            value = int(text)
        elif kind == "address":
            value = text.rstrip("/")
        elif kind == "path":
            value = os.path.expanduser(text)
        else:
            value = text
        profile[option] = value
    profile["login"] = login_of(profile)
    return profile


def login_of(profile):
    """The choice that the command line makes."""
    wish = profile["authtype"]
    if wish == "noauth":
        return "nothing"
    if wish == "ssl" or (wish is None and os.path.isfile(profile["cert"])):
        return "certificate"
    if wish == "kerberos" or wish is None:
        return "kerberos"
    return "password" if wish == "password" else "refused"


def main():
    if sys.version_info < (3, 10):
        sys.exit("Python 3.10 or newer is needed: before, a heading ended at its first bracket")
    answers = {"ini": answer_ini, "profile": answer_profile}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question["do"]](question)), flush=True)


if __name__ == "__main__":
    main()
