# make deps      install what is needed with apt; says what, does nothing twice
# make           build/kcibot
# make demo      the whole story on this machine; KEEP=1 stays up
# make test      unit, integration and contract tests under ASan and UBSan,
#                and 2,000 worlds of the simulator; T='test_git*' runs some,
#                GROUPS=unit a group
# make crash     two conversations, with a fault at one point after another;
#                TALK=broken FAULT='kill eio' EVERY=1 AT=n MINUTES=5 JOBS=4
#                FROM=broken:kill:n
# make soak      an hour of random conversation; MINUTES=60 SEED=n
# make fuzz      throws things at the parsers (clang, libFuzzer), SECONDS=60 at
#                each; F='grammar' some of them
# make lint      all that a machine can object to; L='format tidy' runs some
# make format    clang-format over the sources
# make sim       random worlds around the real engine; SEEDS=100000 FROM=1
#                JOBS=2
# make sim-mutants  the simulator must find each of these faults; SEEDS=400
#                M='04-one-restart-more' some of them
# make bench     what a webhook costs, beside other programs
# make install   PREFIX=/usr/local DESTDIR=
#
# MODE=release|debug|tsan   CC=gcc|clang   V=1 shows the commands

MODE    ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
B       ?= build
OUT     := $(B)/$(MODE)$(if $(findstring clang,$(CC)),-clang)
PREFIX  ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
VERSION := $(shell sed -n 's/.*KCIBOT_VERSION "\(.*\)"/\1/p' bot/version.h)
GROUPS  ?= unit integration contract sim
# Where tests and lint build: sanitized, unless a mode was asked for.
TESTMODE := $(if $(filter file default,$(origin MODE)),debug,$(MODE))

PKGS    := libcurl jansson libmicrohttpd libsodium sqlite3 libcrypto \
           yaml-0.1 zlib
# Asked once, when first needed: "make deps" may just have installed them.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

WARN    := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Walloca \
           -Wundef -Werror=format-security
GCCWARN := $(if $(findstring clang,$(CC)),,-Wjump-misses-init -Wlogical-op)
CFLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE \
           -fstack-protector-strong -fstack-clash-protection \
           -fcf-protection=full $(if $(GCCWARN),-ftrivial-auto-var-init=zero)
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
LDFLAGS_debug := -fsanitize=address,undefined
CFLAGS_debug := -O1 -g -Werror -fno-omit-frame-pointer $(LDFLAGS_debug) \
           -fno-sanitize-recover=all
# Every file tells the fuzzer where it got; only its programs carry it.
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer \
           -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_tsan := -O1 -g -Werror -fno-omit-frame-pointer $(LDFLAGS_tsan)

ALL_CPPFLAGS = -D_GNU_SOURCE -I. -I$(OUT)/gen $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=c17 $(WARN) $(GCCWARN) $(CFLAGS_$(MODE)) -pthread \
           -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
LINK    = $(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
           $(LDFLAGS_$(MODE)) $(LDFLAGS) $(PKG_LIBS) -lcmark-gfm \
           -lcmark-gfm-extensions

object  = $(1:%.c=$(OUT)/%.o)
SRC     := $(filter-out bot/main.c,$(wildcard bot/base/*.c store/*.c \
           deploy/*.c commands/*.c bot/*.c))
SANDBOX := $(filter-out tests/sandbox/main.c,$(wildcard tests/sandbox/*.c))
UNITSRC := $(wildcard tests/unit/test_*.c)
UNIT    := $(UNITSRC:tests/unit/%.c=$(OUT)/tests/%)
# A file with a main() is a program; the others belong to each of these.
INTSRC  := $(wildcard tests/integration/*.c)
INTMAIN := $(if $(INTSRC),$(shell grep -l '^int main\b' $(INTSRC)))
INT     := $(INTMAIN:%.c=$(OUT)/%)
INTOBJ  := $(call object,$(filter-out $(INTMAIN),$(INTSRC)))
BENCHSRC := $(wildcard tests/bench/*.c)
SOAKSRC := $(wildcard tests/soak/*.c)
SOAK    := $(OUT)/tests/soak/soak
CRASHSRC := $(addprefix tests/crash/,sweep.c plan.c play.c talk.c record.c \
           turn.c)
KEEPSRC := $(addprefix tests/crash/,keeper.c power.c)
CRASH   := $(addprefix $(OUT)/tests/crash/,sweep keeper shim.so)
FUZZSRC := $(wildcard tests/fuzz/*.c)
FUZZ    := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(filter tests/fuzz/fuzz_%, \
           $(FUZZSRC)))
FUZZOBJ := $(call object,$(filter-out tests/fuzz/fuzz_%,$(FUZZSRC)))
DEMOSRC := $(wildcard tests/demo/*.c)
SIMSRC  := $(wildcard tests/sim/*.c)
# Two thousand worlds want the speed of a release.
SIM     := $(B)/release$(if $(findstring clang,$(CC)),-clang)/sim
GEN     := $(patsubst %,$(OUT)/gen/%.inc,$(wildcard store/migrations/*.sql \
           bot/*.css tests/demo/*.yaml tests/demo/recipes/* \
           tests/demo/projects/*/*))
LIBS    := $(OUT)/libsandbox.a $(OUT)/libkcibot.a
OBJ     := $(call object,$(SRC) bot/main.c $(SANDBOX) tests/sandbox/main.c \
           tests/contract/calls.c $(DEMOSRC) $(UNITSRC) $(INTSRC) \
           $(BENCHSRC) $(CRASHSRC) $(KEEPSRC) $(SOAKSRC) $(FUZZSRC) \
           $(SIMSRC))

Q       := $(if $(filter 1,$(V)),,@)
say     = @$(if $(Q),printf '  %-5s %s\n' $(1))
# All cores, unless the caller said how many (make 4.3 tells us too late).
ASKED   := $(shell tr '\0' ' ' < /proc/$$PPID/cmdline)
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(ASKED)),0)
MAKEFLAGS += -j$(shell nproc)
endif
SUB     = +@$(MAKE) --no-print-directory

.PHONY: all sandbox unit programs fuzzers simulator gen deps demo test crash \
        soak fuzz sim sim-mutants lint format bench install clean
.SECONDARY:
.DELETE_ON_ERROR:

all: build/kcibot
sandbox: build/sandbox
programs: $(OUT)/kcibot $(OUT)/sandbox $(OUT)/demo $(OUT)/contract_calls \
          $(UNIT) $(INT) $(CRASH) $(SOAK) $(OUT)/sim
simulator: $(OUT)/sim
fuzzers: $(FUZZ)
gen: $(GEN) ; @:

build/kcibot build/sandbox build/demo: build/%: $(OUT)/%
	@mkdir -p build && cp -f $< $@.new && mv -f $@.new $@

$(OUT)/kcibot: $(OUT)/bot/main.o $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(LINK)

# The forge of the demo and the tests; libsandbox.a also holds its client.
$(OUT)/sandbox: $(OUT)/tests/sandbox/main.o $(LIBS)
	$(call say,LINK $@)
	$(Q)$(LINK)

# It carries its projects, its recipe and its configuration in itself.
$(OUT)/demo: $(call object,$(DEMOSRC)) $(LIBS)
	$(call say,LINK $@)
	$(Q)$(LINK)

# The forge client by itself, for tests/contract.
$(OUT)/contract_calls: $(OUT)/tests/contract/calls.o $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(LINK)

$(OUT)/libkcibot.a: $(call object,$(SRC))
$(OUT)/libsandbox.a: $(call object,$(SANDBOX))
$(LIBS):
	$(call say,AR $@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(UNIT): $(OUT)/tests/%: $(OUT)/tests/unit/%.o
$(INT): $(OUT)/tests/integration/%: $(OUT)/tests/integration/%.o $(INTOBJ)
$(UNIT) $(INT): $(LIBS)
	$(call say,LINK $@)
	$(Q)$(LINK) -lcmocka
$(OUT)/tests/test_sandbox: | $(OUT)/sandbox
$(OUT)/tests/test_soak_judge: $(OUT)/tests/soak/judge.o
# It spends its time in these two: as archives they cost a tenth less.
archive = $(if $(filter /%,$(shell $(CC) -print-file-name=lib$1.a)),-l:lib$1.a,-l$1)
$(OUT)/sim: $(call object,$(SIMSRC)) $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(subst -lsqlite3,$(call archive,sqlite3),$(subst \
		-ljansson,$(call archive,jansson),$(LINK))) -lm
$(FUZZ): $(OUT)/%: $(OUT)/tests/fuzz/%.o $(FUZZOBJ) $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(LINK) -lcmocka
$(OUT)/tests/bench/bench: $(call object,$(BENCHSRC)) $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(LINK)

$(OUT)/tests/crash/sweep: $(call object,$(CRASHSRC)) $(INTOBJ) $(LIBS)
	$(call say,LINK $@)
	$(Q)$(LINK) -lcmocka
$(SOAK): $(call object,$(SOAKSRC)) $(INTOBJ) $(LIBS)
	$(call say,LINK $@)
	$(Q)$(LINK) -lcmocka
$(OUT)/tests/crash/keeper: $(call object,$(KEEPSRC)) $(OUT)/libkcibot.a
	$(call say,LINK $@)
	$(Q)$(LINK)
# Without sanitizers: it works below theirs.
$(OUT)/tests/crash/shim.so: $(wildcard tests/crash/shim*.c) \
		tests/crash/shim.h tests/crash/fault.h tests/crash/power.h \
		Makefile
	@mkdir -p $(@D)
	$(call say,LINK $@)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -I. -O2 -g $(WARN) -Werror -fPIC \
		-shared -o $@ $(filter %.c,$^)

$(OUT)/%.o: %.c Makefile | $(GEN) $(OUT)/.libs
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A real .sql or .css file as a C string literal.
$(OUT)/gen/%.inc: %
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

# A clear word instead of a hundred lines about a missing header.
$(OUT)/.libs: | $(filter deps,$(MAKECMDGOALS))
	@command -v pkg-config >/dev/null && command -v $(CC) >/dev/null && \
		pkg-config --exists --print-errors $(PKGS) || \
		{ echo "Something to build with is missing: run 'make deps'" \
			>&2; exit 1; }
	@mkdir -p $(@D) && touch $@

deps:
	@tools/deps run build test npm lint fuzz

demo:
	@tools/deps run build
	$(SUB) build/kcibot build/sandbox build/demo
	@build/demo $(if $(filter-out 0,$(KEEP)),--keep)

test:
	@tools/deps run build test npm
	$(SUB) MODE=$(TESTMODE) programs
	$(if $(filter sim,$(GROUPS)),$(SUB) MODE=release simulator)
	$(SUB) MODE=$(TESTMODE) run-tests
run-tests:
	@OUT='$(OUT)' SIM='$(SIM)' T='$(T)' tests/run $(GROUPS)
unit: $(UNIT)
	@OUT='$(OUT)' T='$(T)' tests/run unit

# What was found once is tried first: see tests/fuzz/run.
SECONDS ?= 60
fuzz:
	@tools/deps run build test fuzz
	$(SUB) MODE=fuzz CC=clang fuzzers
	@B='$(B)' OUT='$(B)/fuzz-clang' tests/fuzz/run '$(SECONDS)' $(F)

lint:
	@tools/deps run build test lint
	$(SUB) MODE=$(TESTMODE) gen run-lint
run-lint: gen
	@CPPFLAGS='$(ALL_CPPFLAGS)' WARN='$(WARN)' OUT='$(OUT)' \
		tools/lint/run $(L)

format:
	clang-format -i $$(tools/lint/files c h)

crash:
	@tools/deps run build test
	$(SUB) $(OUT)/kcibot $(OUT)/sandbox $(CRASH)
	@$(OUT)/tests/crash/sweep $(TALK:%=--talk %) $(FAULT:%=--fault %) \
		$(AT:%=--at %) $(EVERY:%=--every %) $(MINUTES:%=--minutes %) \
		$(JOBS:%=--jobs %) $(if $(filter command environment,$(origin \
		FROM)),--from $(FROM))

# Optimized and without sanitizers, so that its memory is what it would be.
soak:
	@tools/deps run build test
	$(SUB) run-soak
run-soak: $(OUT)/kcibot $(OUT)/sandbox $(SOAK)
	@$(SOAK) $(MINUTES:%=--minutes %) \
		$(SEED:%=--seed %) --out $(B)/soak

SEEDS ?= 100
FROM  ?= 1
sim:
	@tools/deps run build
	$(SUB) simulator
	@$(OUT)/sim --seeds $(SEEDS) --from $(FROM) \
		--jobs $(or $(JOBS),$(shell nproc))
sim-mutants: SEEDS = 400
sim-mutants:
	@tools/deps run build
	$(SUB) simulator
	+@OUT='$(OUT)' MAKE='$(MAKE)' FROM='$(FROM)' \
		tests/sim/mutants/run '$(SEEDS)' $(M)

bench:
	@tools/deps run build bench
	$(SUB) all $(OUT)/tests/bench/bench
	@$(OUT)/tests/bench/bench build/kcibot tests/bench \
		'$(CURDIR)/build/bench' build/bench.txt

# The unit file is written for /usr and installed for PREFIX.  On this machine
# (no DESTDIR) systemd is told at once; in a package its scripts do that.
SHARE   := $(DESTDIR)$(PREFIX)
install: all
	install -D -m 755 build/kcibot $(SHARE)/bin/kcibot
	for f in docs/*.1; do \
		install -D -m 644 $$f $(SHARE)/share/man/man1/$${f##*/} || exit; \
	done
	install -D -m 644 packaging/kcibot.sysusers \
		$(SHARE)/lib/sysusers.d/kcibot.conf
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/bin/kcibot|$(PREFIX)/bin/kcibot|' packaging/kcibot.service \
		> $(DESTDIR)$(UNITDIR)/kcibot.service
	[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || \
		{ systemd-sysusers kcibot.conf && systemctl daemon-reload; }
	@echo "kcibot $(VERSION) is installed in $(SHARE)"

clean:
	rm -rf $(B) build

-include $(OBJ:.o=.d)
