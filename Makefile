# Reverie. `make help` lists the targets.
#
# Every flavour has a build folder of its own ($O), so changing the sanitizer never needs a clean. Objects are
# compiled again when a header, the flags or the compiler's target change, and linked again when one comes or goes.

PREFIX    ?= /usr/local
DESTDIR   ?=
SANITIZER ?=
AUBIO     ?=
V         ?= 0

# --- What it is built of ---------------------------------------------------------------------------------------------

comma   := ,
flavour := $(if $(SANITIZER),$(subst $(comma),-,$(SANITIZER)),release)
O       := build/obj-$(flavour)
BIN     := $(if $(SANITIZER),$O/reverie,build/reverie)

folders := common config synsets \
           engine engine/weights engine/model engine/dream engine/cpu engine/cuda \
           tape dreamer stream show chatbot rehearsal chatbot/irc terminal web app
sources := $(sort $(foreach d,$(folders),$(wildcard $d/*.c)))
headers := $(sort $(foreach d,$(folders) models,$(wildcard $d/*.h)))
objects := $(sources:%.c=$O/%.o) $(patsubst %.S,$O/%.o,$(wildcard models/*.S web/*.S config/pictures/*.S))
fuzzers := $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))
tests   := $(patsubst %.c,$O/%,$(wildcard tests/*/test_*.c tests/*/*/test_*.c)) $(subst /fuzz_,/corpus_,$(fuzzers))
tests_now := $(if $(ONLY),$(foreach t,$(tests),$(if $(findstring $(ONLY),$t),$t)),$(tests))
gpu_tests := $(filter $O/tests/gpu/%,$(tests))
scripts := .ci/run tests/run tests/bare $(filter-out %.in %.md %/embedded %/Containerfile,$(wildcard scripts/*)) $(wildcard scripts/embedded/*.py)

# Tables written by scripts/gen_synsets, gen_confusables and gen_daydreams: too long to read, and not formatted by hand.
generated := show/daydream_table.c synsets/table.c synsets/index.c synsets/ordinary.c synsets/confusables.c
c_files    = main.c $(sources) $(headers) $(cuda_c) $(cuda_cu) $(cuda_headers) $(wildcard tests/*/*.[ch] tests/*/*/*.[ch])
written    = $(filter-out $(generated),$(c_files))

# --- How ------------------------------------------------------------------------------------------------------------

CC       ?= cc
CFLAGS   ?= -O2 -g
packages := openblas yaml-0.1 jansson sqlite3 libavformat libavcodec libavutil libswscale libswresample pangocairo gnutls \
            libmicrohttpd zlib
machine  := $(shell $(CC) -dumpmachine 2>/dev/null)

# These goals compile nothing themselves; a bare machine can run them.
bare_goals := run test lint deb reproducible setup test-setup help clean format layers names uninstall lint-scripts lint-size lint-manual
ifneq ($(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all)),)
  ifeq ($(shell pkg-config --exists $(packages) 2>/dev/null && echo ok),ok)
    pkg_cflags := $(shell pkg-config --cflags $(packages))
    pkg_libs   := $(shell pkg-config --libs $(packages))
  else
    missing := $(foreach p,$(packages),$(shell pkg-config --exists $p 2>/dev/null || echo $p))
    $(error missing: $(missing). Run scripts/setup, which installs what is needed, or `make run`, which calls it)
  endif
endif

# What makes a fault of memory an end of the program and not an entrance to it, as far as the compiler has it; and paths
# that do not tell where it was built, so that two builds in two folders are the same bytes. FORTIFY wants an optimizer.
# Sanitizers do without: they look at more, FORTIFY gets in their way, and beside the protector of the stack GCC 12's
# AddressSanitizer lays vectors of 64 bytes where only 32 are aligned.
has = $(foreach f,$1,$(shell $(CC) -Werror $f -x c -c -o /dev/null /dev/null 2>/dev/null && echo $f))
ifneq ($(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all)),)
  hardening := $(call has,-ffile-prefix-map=$(CURDIR)=.)
  ifeq ($(SANITIZER),)
    hardening += $(call has,-fstack-protector-strong -fstack-clash-protection -fcf-protection)
    optimizer := $(filter-out -O0,$(lastword $(filter -O%,$(CFLAGS))))
    hardening += $(if $(optimizer),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif
endif
hardened_link := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

cppflags := -I. -D_GNU_SOURCE $(pkg_cflags)
cflags   := $(hardening) -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -fno-omit-frame-pointer -pthread
ldflags  := -pthread $(hardened_link)
# What the program can do without: audio.beat. AUBIO=no leaves it out where it is.
aubio    := $(if $(pkg_libs),$(if $(filter no,$(AUBIO)),,$(shell pkg-config --modversion aubio 2>/dev/null)))
cppflags += $(if $(aubio),-DREVERIE_AUBIO="\"$(aubio)\"" $(shell pkg-config --cflags aubio))
ldlibs   := $(if $(aubio),$(shell pkg-config --libs aubio)) $(pkg_libs) -lircclient -lunistring -lm
ifneq ($(SANITIZER),)
  cflags  += -fsanitize=$(SANITIZER) -fno-sanitize-recover=all
  ldflags += -fsanitize=$(SANITIZER)
endif

# Arithmetic kernels: contraction to FMA is allowed (the reference in the tests is double precision); fast-math is
# not, because it would break the guards against NaN. Tiers are picked at run time by cpuid; on other processors the
# same files are compiled without flags, to nothing.
kernel_flags := -O3 -ffp-contract=fast -fno-math-errno
kernels      := $(addprefix engine/cpu/,image_kernels.c prior_kernels.c kernels_c.c bf16_rounded.c) engine/weights/crc.c \
                stream/camera_kernels.c stream/plate.c
kernels_avx2   := engine/cpu/kernels_avx2.c engine/cpu/bf16_rounded_avx2.c stream/camera_kernels_avx2.c
kernels_avx512 := engine/cpu/kernels_avx512.c
kernels_bf16   := engine/cpu/bf16_avx512.c engine/cpu/bf16_amx.c
kernels_neon   := engine/cpu/bf16_neon.c
ifneq ($(filter x86_64-% amd64-%,$(machine)),)
  avx2_flags   := -march=x86-64-v3
  avx512_flags := -march=x86-64-v4 -mprefer-vector-width=512
  ifneq ($(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all)),)
    bf16_flags := $(call has,-mavx512bf16) $(call has,-mamx-tile) $(call has,-mamx-bf16)
  endif
else ifneq ($(filter aarch64-% arm64-%,$(machine)),)
  ifneq ($(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all)),)
    neon_flags := $(call has,-march=armv8.2-a+bf16)
  endif
endif
flags_of = $(if $(filter $(kernels) $(kernels_avx2) $(kernels_avx512) $(kernels_bf16) $(kernels_neon),$1),$(kernel_flags)) \
           $(if $(filter $(kernels_avx2),$1),$(avx2_flags)) $(if $(filter $(kernels_avx512),$1),$(avx512_flags)) \
           $(if $(filter $(kernels_bf16),$1),$(avx512_flags) $(bf16_flags)) $(if $(filter $(kernels_neon),$1),$(neon_flags)) \
           $(if $(filter $(abi_users),$1),-DBACKEND_CUDA_ABI=$(cuda_abi)u) $(call cuda_flags_of,$1)

# What the program and its GPU module must agree on (engine/cuda/abi.h): a checksum over the headers that both read.
abi_rooms := common config models engine engine/weights engine/model engine/cuda
abi_users := engine/cuda/load.c engine/cuda/module/module.c tests/gpu/test_backend_cuda.c \
             tests/engine/cuda/test_cuda_picture_arithmetic.c tests/engine/cuda/test_cuda_picture.c
cuda_abi  := $(shell cat $(sort $(wildcard $(abi_rooms:%=%/*.h))) | cksum | cut -d' ' -f1)

include engine/cuda/module/module.mk

ifeq ($(V),0)
  say = @printf '  %-5s %s\n' $1 $2;
endif

# Sub-makes use every core, unless the caller said how many.
jobs = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

test_environment = REVERIE=$(abspath $(BIN)) REVERIE_CUDA_MODULE=$(abspath $(cuda_module)) SANITIZER=$(SANITIZER)

.PHONY: all run test test-unit test-gpu gpu-kit deb reproducible bench setup test-setup fuzz fuzz-now soak lint lint-now lint-format lint-c lint-scripts lint-size lint-manual lint-config lint-binary \
        headers layers names format default-config install uninstall clean help FORCE
.PHONY: quality hours
.DEFAULT_GOAL := all

##@ Use
all: $(BIN) $(cuda_module) ## build the program (this is what plain `make` does)

run: ## install what is missing, build, start the show; DURATION=60 ends it, ARGS='--set ...' go to `reverie run`
	@scripts/setup
	@$(MAKE) --no-print-directory $(jobs) all
	@build/reverie run $(if $(DURATION),--duration $(DURATION)) $(ARGS)

bench: $(BIN) ## measure this machine: the table of bench/table; ARGS=--short leaves PyTorch out
	@REVERIE=$(abspath $(BIN)) bench/table $(ARGS)

quality: $(BIN) ## are the dreams any good? Dreams 24 classes, measures and judges them; JUDGE=folder, ARGS='--classes 100 --seeds 3'
	@REVERIE=$(abspath $(BIN)) bench/quality --folder build/quality/$$(date +%Y%m%d-%H%M%S) $(if $(JUDGE),--judge $(JUDGE)) $(ARGS)

##@ Check
test: ## install what the tests need, build, run them all; ONLY=text picks some, JOBS=2 runs two at a time
	@scripts/setup --tests
	@$(MAKE) --no-print-directory $(jobs) test-unit

test-unit: $(BIN) $(cuda_module) $(tests_now) ## the same without looking for packages
	@$(test_environment) tests/run $(tests_now)

test-gpu: $(BIN) $(cuda_module) $(gpu_tests) ## what needs a GPU: every operation against the CPU's, long dreams
	@ONLY=gpu MAY_SKIP=1 $(test_environment) tests/run $(gpu_tests)

gpu-kit: $(BIN) $(cuda_module) $(gpu_tests) ## build/gpu-kit.tar.xz: program, module, test and libraries for a GPU machine that has nothing
	$(if $(cuda_module),,$(error gpu-kit: nvcc, cuDNN 9 or cuBLASLt was not found; CUDA=yes says more))
	@scripts/gpu_kit build/gpu-kit $(BIN) $(cuda_module) $(gpu_tests)

fuzz: ## a million inputs for each reader of what comes from outside (clang's libFuzzer); RUNS=n or MINUTES=n for all, ONLY=text picks some
	@scripts/setup --fuzz
	@$(MAKE) --no-print-directory $(jobs) CC=clang SANITIZER=fuzzer-no-link,address,undefined fuzz-now

reproducible: ## build all of it twice, in two folders, and compare: the same bytes
	@WHOLE=1 tests/scripts/test_reproducible.py

soak: $(BIN) ## the show for a long time with a fault a minute, then floods of chat; a report; MINUTES=n
	@scripts/setup --tests
	@REVERIE=$(abspath $(BIN)) tests/soak/soak.py $(or $(MINUTES),30)
	@$(MAKE) --no-print-directory $(jobs) $O/tests/chatbot/irc/test_irc_probe
	@REVERIE=$(abspath $(BIN)) tests/chatbot/irc/soak_irc.py

hours: $O/tests/engine/dream/test_hours ## a dream of two hours at ten times the zoom, which must stay a picture; HOURS=n
	@REVERIE_HOURS=$(or $(HOURS),2) $<

lint: ## install the tools, then check layout, layers, headers, C (cppcheck), scripts, sizes and default.yaml
	@scripts/setup --tests
	@$(MAKE) --no-print-directory $(jobs) lint-now

lint-now: lint-format lint-size layers names headers lint-c lint-scripts lint-manual lint-config lint-binary

# --- Building --------------------------------------------------------------------------------------------------------

# $(call remember,FILE,TEXT): FILE holds TEXT and is touched only when that changes.
remember = @mkdir -p $(dir $1); printf '%s\n' '$2' | cmp -s - $1 || printf '%s\n' '$2' > $1

$O/flags: FORCE
	$(call remember,$@,$(CC) $(machine) $(CFLAGS) $(cppflags) $(cflags) $(kernel_flags) $(avx2_flags) $(avx512_flags) $(bf16_flags) $(neon_flags))
$O/links: FORCE
	$(call remember,$@,$(CC) $(CFLAGS) $(ldflags) $(LDFLAGS) $(ldlibs) $(wrapped) $(wrapped_libav) $(wrapped_irc) $(objects))

$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CC) $(cppflags) $(CFLAGS) $(cflags) $(call flags_of,$<) -MMD -MP -c -o $@ $<

$O/models/%.o: models/%.S $O/flags $(wildcard models/*.safetensors models/*.npy models/*.bin)
	@mkdir -p $(@D)
	$(call say,as,$<)$(CC) $(cppflags) $(hardening) -MMD -MP -c -o $@ $<

$O/cuda-abi: FORCE
	$(call remember,$@,$(cuda_abi))
$(abi_users:%.c=$O/%.o): $O/cuda-abi

$O/web/embedded.o: web/embedded.S $O/flags $(addprefix web/,page.html page.css page.js preview.js icon.svg openapi.json)
	@mkdir -p $(@D)
	$(call say,as,$<)$(CC) $(cppflags) $(hardening) -MMD -MP -c -o $@ $<

$O/config/pictures/embedded.o: config/pictures/embedded.S $O/flags $(wildcard config/pictures/*.yaml)
	@mkdir -p $(@D)
	$(call say,as,$<)$(CC) $(cppflags) -MMD -MP -c -o $@ $<

# -rdynamic: the CUDA module uses the program's own functions.
$(BIN): $O/main.o $(objects) $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) $(ldflags) -rdynamic $(LDFLAGS) -o $@ $(filter %.o,$^) $(ldlibs)

# What the tests of failures can let fail: see tests/failures/inject.h, which holds what the linker puts in place.
wrapped := malloc calloc realloc aligned_alloc free xmalloc xcalloc xrealloc xstrdup pthread_create fopen open fstat \
           mmap socket bind listen connect accept4 getsockname eventfd pipe2 epoll_create1 timerfd_create
wrapped_libav := av_malloc avio_alloc_context av_frame_alloc av_frame_get_buffer av_packet_alloc av_new_packet av_md5_alloc \
                 av_channel_layout_copy avcodec_alloc_context3 avcodec_open2 avcodec_parameters_alloc avcodec_parameters_copy \
                 avcodec_parameters_from_context avformat_alloc_output_context2 avformat_new_stream
wrapped_irc := irc_create_session gnutls_certificate_allocate_credentials gnutls_certificate_set_x509_system_trust \
               gnutls_init gnutls_set_default_priority gnutls_credentials_set
$O/tests/failures/%: wraps = $(addprefix -Wl$(comma)--wrap=,$(wrapped))
$O/tests/failures/test_show: wraps = $(addprefix -Wl$(comma)--wrap=,$(wrapped) $(wrapped_irc))
$O/tests/failures/test_stream $O/tests/failures/test_run: wraps = $(addprefix -Wl$(comma)--wrap=,$(wrapped) $(wrapped_libav))

# Tests take from an archive what they use, so each is small and stands for itself.
$O/all.a: $(objects) $O/links
	@rm -f $@
	$(call say,ar,$@)ar rcsT $@ $(objects)

$O/tests/%: $O/tests/%.o $O/all.a $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) $(ldflags) $(wraps) $(LDFLAGS) -o $@ $< $O/all.a $(ldlibs) -lcmocka

# The log's list of secrets only grows, which a million inputs would make the bottleneck.
$O/tests/fuzz/fuzz_secrets $O/tests/fuzz/fuzz_rtmp_url $O/tests/fuzz/corpus_secrets $O/tests/fuzz/corpus_rtmp_url: \
  wraps = -Wl$(comma)--wrap=log_add_secret

# A server of sound whose heads are the input; nothing is connected to, and no name is looked up.
$O/tests/fuzz/fuzz_sound_address $O/tests/fuzz/corpus_sound_address: \
  wraps = $(addprefix -Wl$(comma)--wrap=,avio_open2 avio_closep resolver_open)

$O/tests/fuzz/fuzz_%: $O/tests/fuzz/fuzz_%.o $O/all.a $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined $(wraps) -o $@ $< $O/all.a $(ldlibs)

# Each fuzz target's seeds and finds, as a test; abort: see tests/fuzz/refuse.h.
$(subst /fuzz_,/corpus_,$(fuzzers)): wraps += -Wl$(comma)--wrap=abort
$O/tests/fuzz/corpus_%: $O/tests/fuzz/fuzz_%.o $O/tests/fuzz/replay.o $O/all.a $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) $(ldflags) $(wraps) $(LDFLAGS) -o $@ $(filter %.o,$^) $O/all.a $(ldlibs) -lcmocka

# Each fuzzer has a folder of its own under build/ for what it finds; a find is kept by copying it to tests/fuzz/corpus.
# A round is RUNS inputs each, or, with MINUTES=n, an equal share of that time.
fuzz_now := $(foreach f,$(fuzzers),$(if $(or $(if $(ONLY),,all),$(findstring $(ONLY),$f)),$f))
fuzz_for  = $(if $(MINUTES),-max_total_time=$$(( $(MINUTES) * 60 / $(words $(fuzz_now)) )),-runs=$(or $(RUNS),1000000))
fuzz-now: $(fuzz_now)
	@set -e; for f in $(fuzz_now); do \
	  name=$${f##*/fuzz_}; seeds=tests/fuzz/corpus/$$name; mkdir -p build/fuzz/$$name; echo "== $$name"; \
	  LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 $$f $(fuzz_for) -max_len=4096 -timeout=20 -rss_limit_mb=3072 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/ build/fuzz/$$name $$([ -d $$seeds ] && echo $$seeds); done

.SECONDARY:
-include $(shell find $O -name '*.d' 2>/dev/null)

# --- Checking --------------------------------------------------------------------------------------------------------

lint-format:
	$(call say,lint,format)clang-format --dry-run -Werror $(written)

lint-c:
	$(call say,lint,cppcheck)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppressions-list=.cppcheck-suppressions --error-exitcode=1 -j $(shell nproc 2>/dev/null || echo 2) -I. \
	  -D__x86_64__ main.c $(filter-out $(generated),$(sources)) $(cuda_c)

lint-scripts:
	$(call say,lint,scripts)scripts/check-scripts $(scripts) $(wildcard tests/*/*.py tests/*/*/*.py)

lint-size:
	$(call say,lint,size)wc -l $(written) $(scripts) | awk '$$2 != "total" && $$1 > 800 \
	  { print $$2 ": " $$1 " lines; nobody reads more than 800" > "/dev/stderr"; bad = 1 } END { exit bad }'

lint-manual:
	$(call say,lint,manual)mandoc -T lint -W warning docs/reverie.1

lint-config: $(BIN)
	$(call say,lint,config/default.yaml)$(BIN) run --print-config | diff -u config/default.yaml - || \
	  { echo 'config/default.yaml is not what the program writes; run: make default-config' >&2; exit 1; }

lint-binary: $(BIN) $(installed_module)
	$(call say,lint,binary)scripts/check-binary $(BIN) $(installed_module)

headers: ## every header compiles alone (*_impl.h are bodies that others instantiate)
	$(call say,lint,headers)CC='$(CC)' CFLAGS='$(cppflags) $(cflags)' scripts/check-headers $(filter-out %_impl.h,$(headers))
	$(if $(cuda_module),@CC='$(CC)' CFLAGS='$(cppflags) $(cflags) $(cuda_inc)' scripts/check-headers $(filter %.h,$(cuda_headers)))

layers: ## the folders include only what they may
	$(call say,lint,layers)scripts/layers

names: ## comments name files that exist, headers offer what the program uses
	$(call say,lint,names)scripts/check-names

format: ## lay the C files out by .clang-format
	@clang-format -i $(written)

default-config: $(BIN) ## write config/default.yaml anew from the option tables
	@$(BIN) run --print-config > config/default.yaml.part
	@mv config/default.yaml.part config/default.yaml

##@ Install
setup: ## install what building and running need (Debian; root or sudo)
	@scripts/setup

test-setup: ## the same for the tests and for lint
	@scripts/setup --tests

bin_dir   := $(DESTDIR)$(PREFIX)/bin
man_dir   := $(DESTDIR)$(PREFIX)/share/man/man1
share_dir := $(DESTDIR)$(PREFIX)/share/reverie
doc_dir   := $(DESTDIR)$(PREFIX)/share/doc/reverie
UNITDIR   ?= $(PREFIX)/lib/systemd/system
unit_dir  := $(DESTDIR)$(UNITDIR)
models    := $(wildcard models/*.safetensors)
# They keep their folders, so that their links hold.
documents := README.md CONTRIBUTING.md SECURITY.md THREAT-MODEL.md LICENSE THIRD-PARTY.md synsets/LICENSE.wordnet models/README.md bench/LOG.md \
             config/default.yaml $(wildcard docs/*.md docs/*.jpg docs/*.png docs/*.webp docs/pictures/* config/pictures/*.yaml)
lib_dir   := $(DESTDIR)$(PREFIX)/lib/reverie
units     := reverie.service reverie@.service

install: $(BIN) $(installed_module) ## put program, manual, unit, model and default.yaml under PREFIX (/usr/local), below DESTDIR
	install -d $(bin_dir) $(man_dir) $(share_dir)/models $(doc_dir) $(unit_dir)
	install -m 755 $(BIN) $(bin_dir)/reverie
	$(if $(installed_module),install -d $(lib_dir) && install -m 755 $(installed_module) $(lib_dir))
	install -m 644 docs/reverie.1 $(man_dir)/reverie.1
	install -m 755 scripts/frame-client scripts/get-weights $(share_dir)
	install -m 644 config/default.yaml config/classic.yaml config/desk-frame.yaml config/outputs.yaml config/many.yaml $(share_dir)
	install -m 644 $(models) $(share_dir)/models
	for f in $(documents); do install -D -m 644 $$f $(doc_dir)/$$f || exit 1; done
	for u in $(units); do sed 's|@PREFIX@|$(PREFIX)|g' scripts/$$u.in > $(unit_dir)/$$u && chmod 644 $(unit_dir)/$$u || exit 1; done

uninstall: ## remove what install put there; settings and recordings stay
	rm -f $(bin_dir)/reverie $(man_dir)/reverie.1 $(units:%=$(unit_dir)/%)
	rm -rf $(share_dir) $(doc_dir) $(lib_dir)

deb: ## a Debian package of what is committed, into build/deb, as lintian accepts it
	@scripts/setup --deb
	@scripts/make-deb build/deb

##@ More
clean: ## remove everything that was built, of every flavour
	rm -rf build

help: ## this list
	@awk 'BEGIN { FS = ":[^#]*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:[^=].*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile
	@printf '\nVariables: V=1 shows commands, CC and CFLAGS as usual, SANITIZER=address,undefined or thread builds and\n'
	@printf 'tests in a folder of its own, PREFIX and DESTDIR are for install. CUDA=no builds no CUDA module, CUDA_HOME\n'
	@printf 'says where the toolkit is.\n'
