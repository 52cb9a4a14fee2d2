# budstikke: one Makefile, not recursive but for the build variants.
#
#   make            build/budstikked and build/budstikke
#   make demo       see it work            make check   prove it
#   make bench      measure it             make lint    the analysers
#
# A variant is the same tree with other flags in a folder of its own:
# hooks (test hooks on), san (hooks, ASan, UBSan), fuzz (clang, libFuzzer).

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
SHELL := /bin/bash

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
V ?=
B := build$(if $(V),/$(V))
WERROR ?=
PREFIX ?= /usr/local
DESTDIR ?=

probe = $(strip $(foreach f,$(1),$(shell $(CC) -Werror -Wall -Wformat=2 $(f) \
	-x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(f)')))

# probing forty flags takes a second: once for each compiler and variant
$(shell mkdir -p $(B))
ifeq ($(wildcard $(B)/flags.mk),)
WARN := $(call probe,-Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion \
	-Wshadow -Wundef -Wvla -Walloca -Wcast-qual -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference \
	-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wtrampolines \
	-Wbidi-chars=any -Werror=format-security -Werror=implicit \
	-Werror=incompatible-pointer-types -Werror=int-conversion)
HARD := $(call probe,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -mbranch-protection=standard \
	-ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing)
$(file >$(B)/flags.mk,WARN := $(WARN))
$(file >>$(B)/flags.mk,HARD := $(HARD))
endif
include $(B)/flags.mk

CPPFLAGS += -I. -I$(B) -D_GNU_SOURCE
CFLAGS_ALL := -std=gnu17 -g -fvisibility=hidden $(WARN) $(if $(WERROR),-Werror) \
	-MMD -MP
LDFLAGS_ALL := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed

ifeq ($(V),)
CFLAGS_ALL += -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE $(HARD)
LDFLAGS_ALL += -pie
else ifeq ($(V),hooks)
CFLAGS_ALL += -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE $(HARD) -DTEST_HOOKS
LDFLAGS_ALL += -pie
else ifeq ($(V),san)
CFLAGS_ALL += -O1 -fno-omit-frame-pointer -DTEST_HOOKS -DSANITIZED \
	-fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(V),fuzz)
CC := clang
CFLAGS_ALL += -O1 -fno-omit-frame-pointer -DTEST_HOOKS -DFUZZING -DSANITIZED \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_ALL += -fsanitize=fuzzer,address,undefined
endif

# ---- what each room is made of, and the libraries it alone may use ----------
ROOMS := base formats keys spool relay tools
src = $(sort $(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIB_base    :=
LIB_formats := -ljansson -lpcre2-8 -lcmark -lharfbuzz -lfribidi -ldeflate \
	-lunistring -larchive -lz
LIB_keys    := -lcrypto
LIB_spool   := -llmdb
LIB_relay   := -levent_core -levent_openssl -levent_extra -lhttp_parser -lssl -lcrypto \
	-lcurl -lseccomp -lconfig -ljansson -lz -lpthread
LIB_tools   := -lcurl -ljansson -lcrypto -lconfig

# main() lives in relay/main.c and tools/*_main.c; all else is a library
MAIN_SRC := relay/main.c $(wildcard tools/*_main.c)
ROOM_SRC  = $(filter-out $(MAIN_SRC),$(call src,$(1)))
$(foreach r,$(ROOMS),$(eval OBJ_$(r) := $(call obj,$(call ROOM_SRC,$(r)))))
ALL_OBJ := $(foreach r,$(ROOMS),$(OBJ_$(r)))
LIBS := $(LIB_relay) $(LIB_tools) $(LIB_spool) $(LIB_keys) $(LIB_formats) $(LIB_base) -lm

PROGRAMS := $(B)/budstikked $(patsubst tools/%_main.c,$(B)/%,$(wildcard tools/*_main.c))

all: $(PROGRAMS)

$(B)/%.o: %.c $(B)/flags.mk
	@mkdir -p $(@D)
	@$(if $(VERBOSE),,echo 'CC $@';) $(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(CFLAGS) -c $< -o $@

$(foreach r,$(ROOMS),$(eval $(B)/lib$(r).a: $(OBJ_$(r))))
$(B)/lib%.a:
	@rm -f $@
	@$(AR) rcs $@ $^

ARCHIVES := $(foreach r,tools relay spool keys formats base,$(B)/lib$(r).a)
link = @echo 'LINK $@'; $(CC) $(LDFLAGS_ALL) $(LDFLAGS) $(filter %.o,$^) -Wl,--start-group \
	$(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@

ifneq ($(V),fuzz)
$(B)/budstikked: $(B)/relay/main.o $(filter-out $(B)/libtools.a,$(ARCHIVES))
	$(link)
$(B)/%: $(B)/tools/%_main.o $(ARCHIVES)
	$(link)
endif

# ---- tests ------------------------------------------------------------------
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
HELPER_OBJ := $(call obj,$(wildcard tests/support/*.c))
$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(HELPER_OBJ) $(ARCHIVES)
	$(link) -lcmocka
tests: $(TESTS)

FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRC))
ifeq ($(V),fuzz)
$(FUZZERS): $(B)/%: $(B)/tests/fuzz/%.o $(ARCHIVES)
	$(link)
fuzzers: $(FUZZERS)
endif

clean:
	rm -rf build
.PHONY: all tests fuzzers clean
.SECONDARY:

-include $(ALL_OBJ:.o=.d) $(patsubst %.c,$(B)/%.d,$(MAIN_SRC) $(TEST_SRC) $(FUZZ_SRC))
