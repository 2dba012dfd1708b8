# kcibot.  `make deps all test demo lint bench install`
#
#   MODE=debug      warnings are errors, ASan and UBSan   (default for tests)
#   MODE=release    optimised and hardened                (default for all)

MODE    ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
B       ?= build
OUT     := $(B)/$(MODE)

PKGS    := libcurl jansson libmicrohttpd libsodium sqlite3 libcrypto yaml-0.1 zlib

WARN    := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
           -Wundef -Werror=format-security
CPPFLAGS += -D_GNU_SOURCE -I. -I$(OUT)/gen $(shell pkg-config --cflags $(PKGS))
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
           -fstack-clash-protection -fcf-protection=full -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
CFLAGS_debug := -O1 -g -Werror -fno-omit-frame-pointer \
           -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_debug := -fsanitize=address,undefined
ALL_CFLAGS = -std=c17 $(WARN) $(CFLAGS_$(MODE)) -pthread $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(MODE)) -pthread $(LDFLAGS)
LIBS    := $(shell pkg-config --libs $(PKGS)) -lcmark-gfm -lcmark-gfm-extensions

SRC     := $(wildcard bot/base/*.c store/*.c deploy/*.c commands/*.c bot/*.c)
LIBSRC  := $(filter-out bot/main.c,$(SRC))
OBJ     := $(SRC:%.c=$(OUT)/%.o)
LIBOBJ  := $(LIBSRC:%.c=$(OUT)/%.o)
SANDBOX := $(filter-out tests/sandbox/main.c,$(wildcard tests/sandbox/*.c))
SANDOBJ := $(SANDBOX:%.c=$(OUT)/%.o)
UNIT    := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
SQL     := $(sort $(wildcard store/migrations/*.sql))
SQLINC  := $(SQL:%.sql=$(OUT)/gen/%.sql.inc)
CSSINC  := $(OUT)/gen/bot/style.css.inc

.PHONY: all sandbox unit contract clean
.SECONDARY:

all: build/kcibot

build/kcibot: $(OUT)/kcibot
	@mkdir -p build
	@cp -f $< $@.new && mv -f $@.new $@

$(OUT)/kcibot: $(OBJ)
	$(CC) $(ALL_CFLAGS) -o $@ $(OBJ) $(ALL_LDFLAGS) $(LIBS)

# The forge for the demo and the tests; libsandbox.a holds its client too.
sandbox: $(OUT)/sandbox
	@mkdir -p build
	@cp -f $< build/sandbox.new && mv -f build/sandbox.new build/sandbox

$(OUT)/sandbox: $(OUT)/tests/sandbox/main.o $(OUT)/libsandbox.a \
		$(OUT)/libkcibot.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

# The forge client by itself, for tests/contract.
$(OUT)/contract_calls: $(OUT)/tests/contract/calls.o $(OUT)/libkcibot.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBS)

$(OUT)/libsandbox.a: $(SANDOBJ)
	@rm -f $@
	ar rcs $@ $(SANDOBJ)

$(OUT)/libkcibot.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $(LIBOBJ)

$(OUT)/%.o: %.c | $(SQLINC) $(CSSINC)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A real .sql file as a C string literal.
$(OUT)/gen/%.sql.inc: %.sql
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

# The same for the style sheet of the pages.
$(OUT)/gen/%.css.inc: %.css
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

$(OUT)/tests/%: tests/unit/%.c $(OUT)/libsandbox.a $(OUT)/libkcibot.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(OUT)/libsandbox.a \
		$(OUT)/libkcibot.a $(ALL_LDFLAGS) $(LIBS) -lcmocka

$(OUT)/tests/test_sandbox: $(OUT)/sandbox

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# Wants npm; a visible skip without it.
contract: $(OUT)/kcibot $(OUT)/sandbox $(OUT)/contract_calls
	@KCIBOT=$(OUT)/kcibot SANDBOX=$(OUT)/sandbox \
		CALLS=$(OUT)/contract_calls tests/contract/run || [ $$? -eq 77 ]

clean:
	rm -rf build

-include $(OBJ:.o=.d) $(SANDOBJ:.o=.d) $(OUT)/tests/sandbox/main.d $(UNIT:=.d) \
	$(OUT)/tests/contract/calls.d
