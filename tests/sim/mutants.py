#!/usr/bin/env python3
"""Breaks the source on purpose, one way at a time, and asks the simulation whether it notices.

`make mutants` (SEEDS=2000, ONLY=<part of a name>). A copy of the files that git knows is changed, never the checkout. Each way has to
be noticed: one that is not, or that no longer fits the source, ends this with 1. Builds for each way, quickly
rather than well, so it takes a while.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TREE = TARGET / "mutants"

# What is broken; and where, what stands there and what stands there then, so often as it takes.
MUTANTS = [
    ("order: a message is acknowledged when it is heard", "watch/hearing.rs",
     "        self.deliveries.extend(news.delivery);\n    }\n\n    fn count_news",
     "        effects.extend(news.delivery.clone().map(Effect::Acknowledge));\n        self.deliveries.extend(news.delivery);\n"
     "    }\n\n    fn count_news"),
    ("order: a copy of a message that is not on record yet is acknowledged", "watch/hearing.rs",
     "            Known::Pending => {}\n",
     "            Known::Pending => {\n                effects.extend(news.delivery.map(Effect::Acknowledge));\n                return;\n            }\n"),
    ("order: nothing is acknowledged", "watch/step.rs",
     "        effects.push(Effect::Acknowledge(delivery));\n",
     "        drop((delivery, effects));\n"),
    ("dedupe: each ending is a new one", "watch/learning.rs",
     "            *at = at.or(ended);\n            return false;\n",
     "            *at = at.or(ended);\n            return true;\n"),
    ("dedupe: what made room is forgotten", "watch/shelf.rs",
     "        let mut endings = endings.into_iter().peekable();\n",
     "        let mut endings = endings.into_iter().take(0).peekable();\n",
     # A run has too few builds to fill what is kept.
     "watch/state.rs", "pub const MAX_STORIES: usize = 1000;\n", "pub const MAX_STORIES: usize = 8;\n"),
    ("dedupe: that something was told is not put on record", "watch/keeping.rs",
     "            self.keeps.push(Keep::Told { tales, digest, at: now });\n        }\n    }\n\n    /// Ends a step",
     "            drop((tales, digest, now));\n        }\n    }\n\n    /// Ends a step"),
    ("catch-up: nothing is asked for when the line is back", "watch/step.rs",
     "                self.look_soon(now, instance);\n                if let Some(heard)",
     "                if let Some(heard)"),
    ("catch-up: nothing is asked for after a sleep", "watch/step.rs",
     "            Event::Slept => self.look_everywhere(now),\n",
     "            Event::Slept => {}\n"),
    ("catch-up: the mark is as of the answer", "hub/look.rs",
     "            as_of: asked.and_then(|it| it.saturating_sub(CLOCK_SKEW).ok()),\n",
     "            as_of: asked.and_then(|it| it.saturating_sub(SignedDuration::from_secs(-60)).ok()),\n"),
    ("start: what was due is not taken up", "watch/keeping.rs",
     "        for tale in resumed.due {\n            held.push(tale);\n        }\n",
     ""),
    ("start: how builds stood is not taken up", "watch/keeping.rs",
     "            self.stories.restore(key, entry);\n",
     "            drop((key, entry));\n"),
    ("screen: what no server took is forgotten", "watch/telling.rs",
     "                if is_newest {\n                    self.waiting.insert(id, notice);\n",
     "                if is_newest {\n"),
    ("screen: every popup at once", "watch/pace.rs",
     "pub(super) const MAX_POPUPS: usize = 5;\n",
     "pub(super) const MAX_POPUPS: usize = 50;\n"),
    ("screen: what a pause holds is not told", "watch/step.rs",
     "        let missed = std::mem::take(&mut self.missed);\n        self.show_held(missed, false, effects);\n    }\n\n    /// Does what",
     "        self.missed = Default::default();\n    }\n\n    /// Does what"),
    ("concern: everybody's builds are mine", "watch/hearing.rs",
     "            Some(owner) => whose.is_some_and(|it| it.users.contains(owner)),\n",
     "            Some(owner) => !owner.is_empty() && whose.is_some(),\n",
     # The sieve does not let them through either.
     "bus/sieve.rs", "    if users.peek().is_none() {\n", "    if users.peek().is_none() || !interest.users.is_empty() {\n",
     "bus/sieve.rs", "            is_of_kind && (is_nameless || ", "            is_of_kind && (true || is_nameless || "),
    ("time: what is due is due for ever", "watch/step.rs",
     "            && let Some(held) = self.pace.release(now)\n",
     "            && let Some(held) = self.pace.release(now).filter(|_| false)\n"),
    ("journal: that a message was dealt with is not written", "journal/write.rs",
     "        Keep::Message { instance, id, at } => message(connection, instance, id, *at),\n",
     "        Keep::Message { instance, id, at } => message(connection, instance, &format!(\"{id}?\"), *at),\n"),
]


def prepare():
    """A copy of the checkout; what is the same stays, so that it need not be built again."""
    TREE.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, copy = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def simulate(seeds):
    """Runs so many seeds; returns whether it built, the seed that failed if one did, and what was said last."""
    command = ["cargo", "test", "--quiet", "--locked", "--test", "sim", "--", "--nocapture",
               "nothing_is_missed_and_nothing_is_told_twice"]
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), SEEDS=str(seeds))
    environment.pop("SEED", None)
    done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    built = "running 1 test" in said
    seed = re.search(r"^seed (\d+)$", said, re.M)
    complaint = said.partition("\n\nstack backtrace")[0].rpartition("\n\n")[2].splitlines()
    return built, seed and int(seed[1]), said if not built else (complaint or [""])[0]


def main():
    seeds = int(os.environ.get("SEEDS") or 2000)
    only = os.environ.get("ONLY", "")
    prepare()
    missed = 0
    for name, *edits in MUTANTS:
        if only not in name:
            continue
        edits = [(TREE / "src" / edits[n], edits[n + 1], edits[n + 2]) for n in range(0, len(edits), 3)]
        texts = {path: path.read_text() for path, _, _ in edits}
        broken = dict(texts)
        for path, old, new in edits:
            if broken[path].count(old) != 1:
                print(f"{name}: {path.name} has changed; it no longer fits", flush=True)
                missed += 1
                break
            broken[path] = broken[path].replace(old, new)
        else:
            try:
                for path, text in broken.items():
                    path.write_text(text)
                built, seed, said = simulate(seeds)
            finally:
                for path, text in texts.items():
                    path.write_text(text)
            missed += report(name, built, seed, said, seeds)
    return 1 if missed else 0


def report(name, built, seed, said, seeds):
    """Says what became of one; returns how many were not noticed."""
    if not built:
        print(f"{name}: does not build\n{said}", flush=True)
    elif seed is None:
        print(f"{name}: NOT NOTICED in {seeds} seeds", flush=True)
    else:
        print(f"{name}: seed {seed}: {said[:160]}", flush=True)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
