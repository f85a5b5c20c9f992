# Every chore of the house. `make help` lists them.

PREFIX = /usr/local
DESTDIR =
# A program that is already built. Without it `make install` builds one, which needs cargo.
BIN =
# Where data/screenshots is published, for the metainfo: https://… Without it that names no pictures.
SCREENSHOTS =
# More words for the program of `make demo`, for the test runner of `make test`, or the targets of `make fuzz`.
ARGS =
# How long `make fuzz` stays with a target.
SECONDS = 60

ID = org.fedoraproject.KojiNotify
TARGET := $(or $(CARGO_TARGET_DIR),target)
LANGUAGES := $(shell cat po/LINGUAS)
ICONS := $(shell cd data/icons 2>/dev/null && find hicolor -type f)

bindir = $(PREFIX)/bin
datadir = $(PREFIX)/share
docdir = $(datadir)/doc/koji-notify
unitdir = $(PREFIX)/lib/systemd/user

INSTALL_DATA = install -D -m 644
to = $(DESTDIR)$(1)
program = $(or $(BIN),$(TARGET)/release/koji-notify)
# The window, which is installed where it was built: beside the program.
window = $(wildcard $(dir $(program))koji-notify-window)

DOCUMENTS := $(wildcard README.md CHANGELOG.md ARCHITECTURE.md LICENSE data/config.toml)
INTERFACES := $(wildcard data/$(ID)1.xml)

# What `make install` writes; a test holds the two together.
INSTALLED = \
	$(bindir)/koji-notify \
	$(bindir)/koji-notify-window \
	$(datadir)/applications/$(ID).Window.desktop \
	$(datadir)/applications/$(ID).desktop \
	$(datadir)/koji-notify/autostart/$(ID).desktop \
	$(datadir)/dbus-1/services/$(ID).service \
	$(INTERFACES:data/%=$(datadir)/dbus-1/interfaces/%) \
	$(unitdir)/koji-notify.service \
	$(datadir)/metainfo/$(ID).metainfo.xml \
	$(addprefix $(datadir)/icons/,$(ICONS)) \
	$(datadir)/man/man1/koji-notify.1 \
	$(datadir)/bash-completion/completions/koji-notify \
	$(datadir)/zsh/site-functions/_koji-notify \
	$(datadir)/fish/vendor_completions.d/koji-notify.fish \
	$(LANGUAGES:%=$(datadir)/locale/%/LC_MESSAGES/koji-notify.mo) \
	$(addprefix $(docdir)/,$(notdir $(DOCUMENTS)))

.PHONY: help demo build window test check-window test-window sim mutants check check-code check-data check-words check-input bench fuzz install uninstall pot shots stage clean

help:
	@echo 'make demo       shows every kind of news, in a bit more than a minute; needs nothing but cargo'
	@echo 'make test       installs what the tests need, then checks and tests everything'
	@echo 'make sim        the program in a simulated world: SEEDS=10000, SEED=1 or FROM=1'
	@echo 'make mutants    breaks the source on purpose, and asks the simulation whether it notices'
	@echo 'make check      format, lints, documentation, data files and translations'
	@echo 'make bench      measures the program against the floor'
	@echo 'make fuzz       looks for input that breaks a promise, SECONDS=60 for each target (fuzz/README.md)'
	@echo 'make install    builds and installs; DESTDIR= PREFIX=/usr/local BIN=<a built program>'
	@echo 'make uninstall  removes what make install has installed'
	@echo 'make build      builds the release; then `sudo make install BIN=$(program)`'
	@echo 'make window     builds the window that shows the history; needs GTK 4 and libadwaita (-dev, -devel)'
	@echo 'make pot        collects the sentences to translate, and merges them into po/*.po'
	@echo 'make shots      takes pictures of the real desktops that are installed, and of the window, into $(TARGET)/shots'
	@echo 'make clean      removes all that was made'

demo: stage
	@cargo run --locked -- demo $(ARGS)

build:
	@cargo build --release --locked

# A program of its own; `make install` installs it if it is there.
window:
	@cargo build --release --locked --package koji-notify-window

test:
	@tests/install-packages
	@$(MAKE) --no-print-directory check
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --locked $(ARGS); \
	else cargo test --locked $(ARGS); fi
	@$(MAKE) --no-print-directory test-window

test-window:
	@cargo test --locked --quiet --package koji-notify-window

# Many runs of the program in a simulated world, on all cores: tests/sim/README.md.
SEEDS = 10000
sim:
	@SEEDS='$(SEEDS)' SEED='$(SEED)' FROM='$(FROM)' cargo test --quiet --locked --profile sim --test sim -- \
		--nocapture nothing_is_missed_and_nothing_is_told_twice $(ARGS)

mutants: SEEDS = 2000
mutants:
	@SEEDS='$(SEEDS)' ONLY='$(ONLY)' python3 tests/sim/mutants.py

check: check-code check-window check-data check-words check-input

check-code:
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml
	@cargo clippy --all-targets --locked --quiet -- -D warnings
	@RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --locked --quiet

check-window:
	@cargo fmt --check --package koji-notify-window
	@cargo clippy --package koji-notify-window --all-targets --locked --quiet -- -D warnings

# The unit is looked at with a stand-in for the program: systemd wants to see one. What it says of other units that are
# installed here is not ours.
check-data:
	@$(call need,desktop-file-validate appstreamcli msgfmt mandoc python3)
	@set -e; made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; \
	desktop-file-validate data/$(ID).desktop data/$(ID)-autostart.desktop data/$(ID).Window.desktop; \
	msgfmt --desktop --template=data/$(ID).desktop -d po -o "$$made/$(ID).desktop"; \
	desktop-file-validate "$$made/$(ID).desktop"; \
	for place in '' https://example.org/pictures; do \
		$(call picture,$$place) <data/$(ID).metainfo.xml >"$$made/template.metainfo.xml"; \
		msgfmt --xml --template="$$made/template.metainfo.xml" -d po -o "$$made/$(ID).metainfo.xml"; \
		appstreamcli validate --no-net "$$made/$(ID).metainfo.xml" >"$$made/said" || { cat "$$made/said"; exit 1; }; \
	done; \
	for file in $$(find data -name '*.xml' -o -name '*.svg'); do \
		python3 -c 'import sys, xml.dom.minidom as it; it.parse(sys.argv[1])' "$$file"; \
	done; \
	mandoc -T lint -W warning data/koji-notify.1; \
	for file in tests/install-packages .ci/run fuzz/run $$(find tests -name lib.sh -o -name '*-session') tests/shots; do \
		bash -n "$$file"; \
	done; \
	if command -v systemd-analyze >/dev/null; then \
		printf '#!/bin/sh\n' >"$$made/koji-notify"; chmod +x "$$made/koji-notify"; \
		sed "s|@bindir@|$$made|" data/koji-notify.service.in >"$$made/koji-notify.service"; \
		said=$$(XDG_RUNTIME_DIR="$$made" systemd-analyze --user --man=no verify "$$made/koji-notify.service" 2>&1 \
			| grep -F koji-notify || true); \
		[ -z "$$said" ] || { echo "$$said" >&2; exit 1; }; \
	fi

check-words:
	@$(call need,msgfmt msgcmp python3)
	@po/collect --check
	@set -e; for language in $(LANGUAGES); do \
		said=$$(LC_ALL=C msgfmt --check --statistics -o /dev/null po/$$language.po 2>&1) \
			|| { echo "$$said" >&2; exit 1; }; \
		case $$said in *fuzzy*|*untranslated*|*:*) echo "po/$$language.po: $$said" >&2; exit 1;; esac; \
		msgcmp po/$$language.po po/koji-notify.pot; \
	done

# The checks of the fuzz targets, with their seeds and mutations of them.
check-input:
	@cargo test --locked --quiet --test it hostile:: >/dev/null || cargo test --locked --test it hostile::

# need WORDS: each is a command.
need = for it in $(1); do \
	command -v $$it >/dev/null || { echo "$$it is not here; tests/install-packages installs it" >&2; exit 1; }; done

bench:
	@tests/install-packages
	@cargo bench --locked --bench floor -- $(ARGS)

fuzz:
	@fuzz/run $(SECONDS) $(ARGS)

pot:
	@po/collect
	@for language in $(LANGUAGES); do \
		msgmerge --quiet --update --backup=none --no-wrap po/$$language.po po/koji-notify.pot; done
	@for language in $(LANGUAGES); do \
		printf '%s: ' $$language; LC_ALL=C msgfmt --statistics -o /dev/null po/$$language.po; done

# Of the desktops that are installed; DESKTOPS=gnome for one of them.
DESKTOPS =
shots: stage
	@tests/install-packages
	@cargo build --locked --quiet
	@! pkg-config --exists libadwaita-1 || cargo build --locked --quiet --package koji-notify-window
	@tests/shots $(TARGET)/debug/koji-notify $(TARGET)/shots $(DESKTOPS)

# Puts translations and icons where a program in $(TARGET)/debug looks for them. Without msgfmt it speaks English.
stage:
	@mkdir -p $(TARGET)/share/icons
	@if [ -d data/icons/hicolor ]; then cp -R data/icons/hicolor $(TARGET)/share/icons/; fi
	@$(call translate,$(TARGET)/share/locale)

# translate FOLDER: makes the catalogs of all languages.
translate = if ! command -v msgfmt >/dev/null; then echo 'msgfmt is not here (gettext): English only' >&2; \
	else for language in $(LANGUAGES); do \
		mkdir -p $(1)/$$language/LC_MESSAGES && \
		msgfmt -o $(1)/$$language/LC_MESSAGES/koji-notify.mo po/$$language.po && \
		chmod 644 $(1)/$$language/LC_MESSAGES/koji-notify.mo || exit 1; done; fi

# The texts of the desktop entry and the metainfo are there in English if msgfmt is not. The autostart entry is not
# where the desktop looks: a person switches it on in the menu. A distribution that wants it for everybody copies it to
# /etc/xdg/autostart.
install: $(if $(BIN),,build)
	@install -D -m 755 $(program) $(call to,$(bindir))/koji-notify
	@if [ -n '$(window)' ]; then \
		install -D -m 755 '$(window)' $(call to,$(bindir))/koji-notify-window && \
		$(call merge,desktop,data/$(ID).Window.desktop,$(call to,$(datadir))/applications/$(ID).Window.desktop); fi
	@$(call merge,desktop,data/$(ID).desktop,$(call to,$(datadir))/applications/$(ID).desktop)
	@template=$$(mktemp --suffix=.metainfo.xml) && $(call picture,$(SCREENSHOTS)) <data/$(ID).metainfo.xml >"$$template" && \
		$(call merge,xml,"$$template",$(call to,$(datadir))/metainfo/$(ID).metainfo.xml); rm -f "$$template"
	@$(INSTALL_DATA) data/$(ID)-autostart.desktop $(call to,$(datadir))/koji-notify/autostart/$(ID).desktop
	@$(call fill,data/$(ID).service.in,$(call to,$(datadir))/dbus-1/services/$(ID).service)
	@$(call fill,data/koji-notify.service.in,$(call to,$(unitdir))/koji-notify.service)
	@for file in $(INTERFACES); do \
		$(INSTALL_DATA) $$file $(call to,$(datadir))/dbus-1/interfaces/$${file#data/} || exit 1; done
	@for file in $(ICONS); do $(INSTALL_DATA) data/icons/$$file $(call to,$(datadir))/icons/$$file || exit 1; done
	@$(INSTALL_DATA) data/koji-notify.1 $(call to,$(datadir))/man/man1/koji-notify.1
	@$(call complete,bash,$(call to,$(datadir))/bash-completion/completions/koji-notify)
	@$(call complete,zsh,$(call to,$(datadir))/zsh/site-functions/_koji-notify)
	@$(call complete,fish,$(call to,$(datadir))/fish/vendor_completions.d/koji-notify.fish)
	@$(call translate,$(call to,$(datadir))/locale)
	@for file in $(DOCUMENTS); do \
		$(INSTALL_DATA) $$file $(call to,$(docdir))/$${file##*/} || exit 1; done
	@$(refresh)

uninstall:
	@for file in $(INSTALLED); do rm -f $(DESTDIR)$$file; done
	@for folder in $(docdir) $(datadir)/koji-notify/autostart $(datadir)/koji-notify; do \
		rmdir $(DESTDIR)$$folder 2>/dev/null || true; done
	@$(refresh)

# merge KIND,FROM,TO: the file with its texts in all languages.
merge = mkdir -p $(dir $(3)) && if msgfmt --$(1) --template=$(2) -d po -o $(3) 2>/dev/null; \
	then chmod 644 $(3); else $(INSTALL_DATA) $(2) $(3); fi

# fill TEMPLATE,TO
fill = mkdir -p $(dir $(2)) && sed 's|@bindir@|$(bindir)|g' $(1) >$(2) && chmod 644 $(2)

# picture PLACE <FROM >TO: the metainfo with its pictures there, or without them.
picture = case "$(1)" in \
	'') sed '/<!-- Whoever publishes/d; /<screenshots>/,/<.screenshots>/d' ;; \
	*) sed "/<!-- Whoever publishes/d; s|@screenshots@|$(1)|" ;; esac

# complete SHELL,TO
complete = mkdir -p $(dir $(2)) && $(program) completions $(1) >$(2) && chmod 644 $(2)

# A cache that is older than its folder is not believed, and then new icons are seen.
refresh = [ -n '$(DESTDIR)' ] || [ ! -d $(datadir)/icons/hicolor ] || touch $(datadir)/icons/hicolor

clean:
	@cargo clean
