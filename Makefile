# budstikke: one Makefile, not recursive but for the build variants.
#
#   make            build/budstikked and build/budstikke
#   make demo       see it work            make check   prove it
#   make bench      measure it             make lint    the analysers
#   make soak       the long counts        make fuzz    T=seconds each
#   make deps       install what is missing
#   make install    PREFIX= DESTDIR=
#
# A variant is the same tree with other flags in a folder of its own:
# hooks (test hooks on), san (hooks, ASan, UBSan), fuzz (clang, libFuzzer),
# clang (the second compiler).

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
SHELL := /bin/bash

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
V ?=
ifneq ($(filter clang fuzz,$(V)),)
CC := clang
endif
B := build$(if $(V),/$(V))
WERROR ?=
PREFIX ?= /usr/local
DESTDIR ?=

probe = $(strip $(foreach f,$(1),$(shell $(CC) -Werror -Wall -Wformat=2 $(f) \
	-x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(f)')))

# probing forty flags takes a second: once for each compiler and variant; not
# at all where there is no compiler yet (make deps brings it)
HAVE_CC := $(shell command -v $(CC))
$(shell mkdir -p $(B))
ifneq ($(HAVE_CC),)
ifeq ($(wildcard $(B)/flags.mk),)
WARN := $(call probe,-Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion \
	-Wshadow -Wundef -Wvla -Walloca -Wcast-qual -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference \
	-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wtrampolines \
	-Wbidi-chars=any -Werror=format-security -Werror=implicit \
	-Werror=incompatible-pointer-types -Werror=int-conversion)
# not -ftrivial-auto-var-init: where a structure that holds an array of
# structures is copied inside an initialiser, gcc 12.2 clears members with it
HARD := $(call probe,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -mbranch-protection=standard \
	-fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing)
$(file >$(B)/flags.mk,WARN := $(WARN))
$(file >>$(B)/flags.mk,HARD := $(HARD))
endif
include $(B)/flags.mk
endif

CPPFLAGS += -I. -I$(B) -isystem /usr/include/libxml2 -D_GNU_SOURCE
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
else ifeq ($(V),clang)
CFLAGS_ALL += -O1 -fPIE $(HARD) -DTEST_HOOKS
LDFLAGS_ALL += -pie
else ifeq ($(V),fuzz)
CFLAGS_ALL += -O1 -fno-omit-frame-pointer -DTEST_HOOKS -DFUZZING -DSANITIZED \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_ALL += -fsanitize=fuzzer,address,undefined
endif

# ---- what each room is made of, and the libraries it alone may use ----------
ROOMS := base formats keys spool relay tools
src = $(sort $(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIB_base    :=
LIB_formats := -ljansson -lpcre2-8 -lcmark -lharfbuzz -lfribidi -ldeflate -lpng \
	-lunistring -larchive -lxml2 -lz
LIB_keys    := -lcrypto
LIB_spool   := -llmdb
LIB_relay   := -levent_core -levent_openssl -levent_extra -lhttp_parser -lssl -lcrypto \
	-lcurl -lseccomp -lconfig -ljansson -lcjose -lz -lpthread
LIB_tools   := -lcurl -ljansson -lcrypto -lconfig

# main() lives in relay/main.c and tools/*_main.c; all else is a library
MAIN_SRC := relay/main.c $(wildcard tools/*_main.c)
ROOM_SRC  = $(filter-out $(MAIN_SRC),$(call src,$(1)))
$(foreach r,$(ROOMS),$(eval OBJ_$(r) := $(call obj,$(call ROOM_SRC,$(r)))))
ALL_OBJ := $(foreach r,$(ROOMS),$(OBJ_$(r)))
LIBS := $(LIB_relay) $(LIB_tools) $(LIB_spool) $(LIB_keys) $(LIB_formats) $(LIB_base) -lm

PROGRAMS := $(B)/budstikked $(patsubst tools/%_main.c,$(B)/%,$(wildcard tools/*_main.c))

all: $(PROGRAMS)

$(B)/flags.mk:
	@echo 'there is no $(CC) here: say make deps' >&2; exit 1

$(B)/%.o: %.c $(B)/flags.mk
	@mkdir -p $(@D)
	@$(if $(VERBOSE),,echo 'CC $@';) $(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(CFLAGS) -c $< -o $@

$(B)/relay/openapi.o: relay/openapi.json

# the list is a file of its own, so that a source taken away leaves its archive
$(foreach r,$(ROOMS),$(shell echo '$(OBJ_$(r))' | cmp -s - $(B)/lib$(r).objects || \
	echo '$(OBJ_$(r))' >$(B)/lib$(r).objects))
$(foreach r,$(ROOMS),$(eval $(B)/lib$(r).a: $(OBJ_$(r)) $(B)/lib$(r).objects))
$(B)/lib%.a:
	@rm -f $@
	@$(AR) rcs $@ $(filter %.o,$^)

# relay and tools never meet in one program: they have their own submissions
RELAY_ARCHIVES := $(foreach r,relay spool keys formats base,$(B)/lib$(r).a)
TOOLS_ARCHIVES := $(foreach r,tools spool keys formats base,$(B)/lib$(r).a)
link = @echo 'LINK $@'; $(CC) $(LDFLAGS_ALL) $(LDFLAGS) $(filter %.o,$^) -Wl,--start-group \
	$(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@

ifneq ($(V),fuzz)
$(B)/budstikked: $(B)/relay/main.o $(RELAY_ARCHIVES)
	$(link)
$(B)/%: $(B)/tools/%_main.o $(TOOLS_ARCHIVES)
	$(link)
endif

# ---- tests ------------------------------------------------------------------
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
HELPER_OBJ := $(call obj,$(filter-out %_main.c,$(wildcard tests/support/*.c)))
TOOLS_TESTS := $(filter $(B)/tests/tools/%,$(TESTS))
$(TOOLS_TESTS): $(TOOLS_ARCHIVES)
$(filter-out $(TOOLS_TESTS),$(TESTS)): $(RELAY_ARCHIVES)
# an archive: a test gets only the helpers that it calls
$(B)/libsupport.a: $(HELPER_OBJ)
$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(B)/libsupport.a
	$(link) -lcmocka
tests: $(TESTS)
ifneq ($(V),fuzz)
$(B)/sink: $(B)/tests/support/sink_main.o
	$(link)
$(B)/thief: $(B)/tests/support/thief_main.o $(RELAY_ARCHIVES)
	$(link)
endif

FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRC))
ifeq ($(V),fuzz)
$(FUZZERS): $(B)/%: $(B)/tests/fuzz/%.o $(RELAY_ARCHIVES)
	$(link)
fuzzers: $(FUZZERS)
endif

# ---- what people and scripts call --------------------------------------------
# The programs run each other's builds, so each of these is a make of its own:
# it also sees a compiler that deps has just brought.
T ?= 60
FUZZ_CHECK ?= 20
CPUS := $(shell nproc)

build/.deps-%: tools/deps.list tools/deps.sh
	@mkdir -p build
	@tools/deps.sh $(subst +, ,$*)
	@touch $@
deps: build/.deps-build+demo+check

demo: build/.deps-build+demo
	@$(MAKE) --no-print-directory -j$(CPUS) V= all demo-tools
	@tests/demo.sh $(if $(ONCE),--once)
demo-tools: $(B)/sink $(if $(filter hooks,$(V)),$(B)/thief)

check-build:
	+$(MAKE) V= all
	+$(MAKE) V=hooks all demo-tools
	+$(MAKE) V=san all tests
	+$(MAKE) V=clang all
	+$(MAKE) V=fuzz fuzzers
check: build/.deps-build+demo+check
	@$(MAKE) --no-print-directory -j$(CPUS) check-build
	@tests/run.sh -t $(FUZZ_CHECK)

soak: build/.deps-build+demo+check
	@$(MAKE) --no-print-directory -j$(CPUS) V=hooks all demo-tools
	@$(MAKE) --no-print-directory -j$(CPUS) V=san tests
	SOAK=1 tests/run.sh -t 0 tests/crash/ tests/scenarios/ formats/test_texts \
		formats/test_json_xml

fuzz: build/.deps-build+demo+check
	@$(MAKE) --no-print-directory -j$(CPUS) V=fuzz fuzzers
	tests/run.sh -t $(T) build/fuzz/

# PEERS=1: RabbitMQ and PostgreSQL, too; only then are their packages wanted
bench: build/.deps-build+demo$(if $(PEERS),+peers)
	@$(MAKE) --no-print-directory -j$(CPUS) V= all $(B)/bench_render $(if $(PEERS),bench-peers)
	@build/bench_run $(if $(PEERS),--peers)
$(B)/bench_render: $(B)/tests/bench/render.o $(B)/libsupport.a $(B)/libformats.a \
		$(B)/libbase.a
	$(link)
bench-peers: $(B)/peer_rabbitmq $(B)/peer_postgres $(B)/peer_pango
pango = $(shell pkg-config --$(1) pangocairo cairo-pdf)
$(B)/tests/bench/peer_pango.o: CPPFLAGS += $(subst -I,-isystem ,$(call pango,cflags))
$(B)/peer_pango: LIBS = $(call pango,libs)
$(B)/peer_pango: $(B)/tests/bench/peer_pango.o
	$(link)
$(B)/peer_rabbitmq: LIBS := -lrabbitmq -lpthread
$(B)/peer_postgres: LIBS := -lpq -lpthread
$(B)/tests/bench/peer_postgres.o: CPPFLAGS += -I/usr/include/postgresql
$(B)/peer_rabbitmq $(B)/peer_postgres: $(B)/peer_%: $(B)/tests/bench/peer.o \
		$(B)/tests/bench/peer_%.o
	$(link)

# The analysers read the same sources with the same include paths. -fanalyzer
# is run on its own objects, so that it never mixes with what is shipped; gcc 12
# loses track of owners in structs, so that leaks and uses after free are left to
# the sanitizers, and null pointers to clang.
LINT_SRC := $(foreach r,$(ROOMS),$(call src,$(r)))
lint: build/.deps-build+demo+check
	@$(MAKE) --no-print-directory -j$(CPUS) lint-analyzer lint-tidy lint-cppcheck
lint-analyzer: $(LINT_SRC:%.c=build/lint/%.analyzed)
build/lint/%.analyzed: %.c
	@mkdir -p $(@D)
	@gcc $(CPPFLAGS) -std=gnu17 -O1 -D__clang_analyzer__ -fanalyzer -Wno-analyzer-too-complex \
	-Wno-analyzer-malloc-leak -Wno-analyzer-use-after-free -Wno-analyzer-null-dereference \
	-Werror -MMD -MP -MT $@ -MT $(@:.analyzed=.tidied) -MF $(@:.analyzed=.d) -c $< -o $@
lint-tidy: $(LINT_SRC:%.c=build/lint/%.tidied)
build/lint/%.tidied: %.c .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet --warnings-as-errors='*' $< -- $(CPPFLAGS) -std=gnu17 \
	2>build/lint/$*.said || { cat build/lint/$*.said; exit 1; }
	@touch $@
lint-cppcheck:
	@cppcheck --quiet --enable=warning,performance,portability --inline-suppr \
	--suppressions-list=tests/lint/cppcheck.txt --include=tests/lint/macros.h \
	--error-exitcode=1 --std=c11 -I. -D_GNU_SOURCE -D__cppcheck__ -j $(CPUS) $(LINT_SRC)

BIN := $(DESTDIR)$(PREFIX)/bin
SBIN := $(DESTDIR)$(PREFIX)/sbin
MAN := $(DESTDIR)$(PREFIX)/share/man
SHARE := $(DESTDIR)$(PREFIX)/share/budstikke
DOC := $(DESTDIR)$(PREFIX)/share/doc/budstikke
install: all
	install -d $(BIN) $(SBIN) $(SHARE) $(DOC)
	install -m 755 $(B)/budstikked $(SBIN)/
	install -m 755 $(B)/budstikke $(BIN)/
	for page in */*.[1-8]; do \
		install -D -m 644 $$page $(MAN)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	for file in $$(cd formats && find profiles -type f 2>/dev/null); do \
		install -D -m 644 formats/$$file $(SHARE)/$$file || exit 1; \
	done
	install -m 644 formats/json_xml.rng $(SHARE)/
	install -D -m 644 tools/budstikke.bash \
	$(DESTDIR)$(PREFIX)/share/bash-completion/completions/budstikke
	install -m 644 README.md LICENSE guide/* $(DOC)/

clean:
	rm -rf build
.PHONY: all tests fuzzers clean deps demo demo-tools check check-build soak fuzz bench \
	bench-peers \
	lint lint-analyzer lint-tidy lint-cppcheck install
.SECONDARY:

-include $(LINT_SRC:%.c=build/lint/%.d)
-include $(ALL_OBJ:.o=.d) $(HELPER_OBJ:.o=.d) $(patsubst %.c,$(B)/%.d,$(MAIN_SRC) $(TEST_SRC) $(FUZZ_SRC))
