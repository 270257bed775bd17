# Reverie. `make help` lists the targets. One build folder per flavour, so flavours never need a clean between them.

PREFIX    ?= /usr/local
DESTDIR   ?=
SANITIZER ?=
V         ?= 0

comma   := ,
flavour := $(if $(SANITIZER),$(subst $(comma),-,$(SANITIZER)),release)
O       := build/obj-$(flavour)
BIN     := $(if $(SANITIZER),$(O)/reverie,build/reverie)

CC       ?= cc
CFLAGS   ?= -O2 -g
packages := openblas yaml-0.1 libavformat libavcodec libavutil libswscale libswresample pangocairo
ifneq ($(filter-out setup help clean lint-shell uninstall,$(or $(MAKECMDGOALS),all)),)
  ifeq ($(shell pkg-config --exists $(packages) && echo ok),ok)
    pkg_cflags := $(shell pkg-config --cflags $(packages))
    pkg_libs   := $(shell pkg-config --libs $(packages))
  endif
endif

cppflags := -I. -D_GNU_SOURCE $(pkg_cflags)
cflags   := -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -fno-omit-frame-pointer -pthread
ldlibs   := $(pkg_libs) -lm -pthread
ifneq ($(SANITIZER),)
  cflags += -fsanitize=$(SANITIZER) -fno-sanitize-recover=all
  LDFLAGS += -fsanitize=$(SANITIZER)
endif

folders := common config synsets engine stream chatbot app
sources := $(sort $(foreach d,$(folders),$(wildcard $(d)/*.c)))
objects := $(sources:%.c=$(O)/%.o) $(patsubst %.S,$(O)/%.o,$(wildcard models/*.S))
tests   := $(patsubst %.c,$(O)/%,$(wildcard tests/*/test_*.c))

# Arithmetic kernels: contraction to FMA is allowed (the reference in the tests is double precision); fast-math is
# not, because it would break NaN guards. Tiers are chosen by file name and picked at run time by cpuid.
kernel_cflags   = $(if $(filter %_kernels %_c %_avx2 %_avx512,$(basename $(1))),-O3 -ffp-contract=fast -fno-math-errno)
tier_cflags     = $(if $(filter %_avx2.c,$(1)),-march=x86-64-v3) $(if $(filter %_avx512.c,$(1)),-march=x86-64-v4 -mprefer-vector-width=512)

ifeq ($(V),0)
  say = @printf '  %-5s %s\n' $(1) $(2);
  Q   = @
endif

.PHONY: all run test test-unit lint layers headers format bench install uninstall setup clean help
all: $(BIN)

$(BIN): $(O)/main.o $(objects)
	$(call say,link,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ldlibs)

# Flags are kept in a file that changes only with them, so a changed flag rebuilds.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(CFLAGS) $(cppflags) $(cflags) $(LDFLAGS)' | cmp -s - $@ || \
	  printf '%s\n' '$(CC) $(CFLAGS) $(cppflags) $(cflags) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CC) $(cppflags) $(CFLAGS) $(cflags) $(call kernel_cflags,$<) $(call tier_cflags,$<) -MMD -MP -c -o $@ $<

$(O)/%.o: %.S $(O)/flags
	@mkdir -p $(@D)
	$(call say,as,$<)$(CC) $(cppflags) -MMD -MP -c -o $@ $<

$(O)/models/embedded.o: $(wildcard models/*.safetensors models/*.npz models/*.npy models/*.bin)

$(O)/tests/%: $(O)/tests/%.o $(objects)
	$(call say,link,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ldlibs) -lcmocka
.SECONDARY:

-include $(shell find $(O) -name '*.d' 2>/dev/null)

setup:
	@scripts/setup

test-setup:
	@scripts/setup --tests

run:
	@scripts/setup
	@$(MAKE) --no-print-directory all
	@build/reverie run $(if $(DURATION),--duration $(DURATION)) $(ARGS)

test:
	@scripts/setup --tests
	@$(MAKE) --no-print-directory test-unit

test-unit: $(BIN) $(tests)
	@REVERIE=$(abspath $(BIN)) SANITIZER=$(SANITIZER) tests/run $(tests)

clean:
	rm -rf build

help:
	@sed -n 's/^## //p' Makefile
