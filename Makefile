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
UNIT    := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
SQL     := $(sort $(wildcard store/migrations/*.sql))
SQLINC  := $(SQL:%.sql=$(OUT)/gen/%.sql.inc)

.PHONY: all unit clean
.SECONDARY:

all: build/kcibot

build/kcibot: $(OUT)/kcibot
	@mkdir -p build
	@cp -f $< $@.new && mv -f $@.new $@

$(OUT)/kcibot: $(OBJ)
	$(CC) $(ALL_CFLAGS) -o $@ $(OBJ) $(ALL_LDFLAGS) $(LIBS)

$(OUT)/libkcibot.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $(LIBOBJ)

$(OUT)/%.o: %.c | $(SQLINC)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A real .sql file as a C string literal.
$(OUT)/gen/%.sql.inc: %.sql
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

$(OUT)/tests/%: tests/unit/%.c $(OUT)/libkcibot.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(OUT)/libkcibot.a \
		$(ALL_LDFLAGS) $(LIBS) -lcmocka

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf build

-include $(OBJ:.o=.d) $(UNIT:=.d)
