# The CUDA module: build/reverie-cuda.so, which the program loads when it is asked for a GPU (engine/cuda/module.c).
#
# Built when nvcc (CUDA 12 or 13), cuDNN 9 and cuBLASLt are found: in CUDA_HOME, in /usr/local/cuda, or where
# distributions put them (nvcc in the PATH, headers and libraries where the compiler looks anyway). CUDA=no builds none,
# CUDA=yes says what is missing. Sanitizers do not see through the driver, so their flavours have no module.
#
# It uses the program's own functions (the program exports them: -rdynamic) and exports the one symbol that asks for it:
# __attribute__((visibility("default"))). The CUDA runtime is linked in; cuDNN and cuBLASLt are found in the toolkit's
# folder.

CUDA       ?= auto
CUDA_HOME  ?= $(firstword $(wildcard /usr/local/cuda))
CUDA_ARCHS ?= 75 80 86 89 90

cuda_dir     := engine/cuda/module
cuda_c       := $(sort $(wildcard $(cuda_dir)/*.c))
cuda_cu      := $(sort $(wildcard $(cuda_dir)/*.cu))
cuda_headers := $(sort $(wildcard $(cuda_dir)/*.h $(cuda_dir)/*.cuh))
cuda_objects := $(cuda_c:%.c=$O/%.o) $(cuda_cu:%.cu=$O/%.cu.o)
cuda_module  := # empty: none
cuda_is_there := # the toolkit: also tests without a GPU read its headers

cuda_goals := $(filter-out $(bare_goals),$(or $(MAKECMDGOALS),all))
ifneq ($(and $(cuda_goals),$(filter-out no,$(CUDA))),)
  nvcc      := $(firstword $(wildcard $(CUDA_HOME:%=%/bin/nvcc)) $(shell command -v nvcc 2>/dev/null))
  cuda_inc  := $(addprefix -isystem ,$(wildcard $(CUDA_HOME:%=%/include)))
  cuda_lib  := $(firstword $(wildcard $(CUDA_HOME:%=%/lib64) $(CUDA_HOME:%=%/lib)))
  cuda_libs := $(if $(cuda_lib),-L$(cuda_lib) -Wl$(comma)-rpath$(comma)$(cuda_lib)) \
                 -lcudnn -lcublasLt -lcudart_static -lstdc++ -ldl -lrt
  cuda_test := printf '%s\n' '\#include <cublasLt.h>' '\#include <cudnn.h>' '\#include <cuda_runtime_api.h>' \
                 '_Static_assert(CUDNN_MAJOR >= 9 && CUDART_VERSION >= 12000, "too old");'
  ifneq ($(nvcc),)
    cuda_is_there := $(shell $(cuda_test) | $(CC) $(cuda_inc) -shared -fPIC -x c - -o /dev/null $(cuda_libs) \
                       2>/dev/null && echo yes)
  endif
  ifeq ($(CUDA)$(cuda_is_there),yes)
    $(error CUDA=yes: nvcc (CUDA 12 or 13), cuDNN 9 or cuBLASLt was not found; CUDA_HOME=folder says where they are)
  endif
  ifeq ($(cuda_is_there)$(SANITIZER),yes)
    cuda_module := build/reverie-cuda.so
  endif
endif

# Machine code for each architecture, and PTX of the newest for those to come.
cuda_newest := $(lastword $(CUDA_ARCHS))
nvcc_flags  := -std=c++17 -O3 -lineinfo --threads 2 -I. -D_GNU_SOURCE -Werror all-warnings \
               -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Werror \
               $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$a,code=sm_$a) \
               -gencode arch=compute_$(cuda_newest),code=compute_$(cuda_newest)

$O/cuda-flags: FORCE
	$(call remember,$@,$(nvcc) $(nvcc_flags) $(cuda_inc) $(cuda_libs) $(cuda_objects))

# Flags of a C file. test_cuda_net and test_cuda_tuning are the network's host code with stand-ins for the
# libraries, test_cuda_planning what it tells the real cuDNN, test_cuda_picture* the picture's half with a
# CUDA that is played on the CPU.
cuda_host_tests := $(addprefix tests/engine/cuda/test_cuda_,picture.c picture_arithmetic.c)
cuda_net_tests := $(addprefix tests/engine/cuda/test_cuda_,net.c tuning.c planning.c)
cuda_flags_of = $(if $(filter $(cuda_dir)/%.c,$1),-fPIC -fvisibility=hidden $(cuda_inc)) \
                $(if $(filter $(cuda_net_tests),$1),$(if $(cuda_is_there),-DHAVE_CUDA_TOOLKIT $(cuda_inc))) \
                $(if $(filter $(cuda_host_tests),$1),-Itests/engine/cuda/cuda_on_host -Itests/engine/cuda)
$(cuda_c:%.c=$O/%.o) $(cuda_net_tests:%.c=$O/%.o): $O/cuda-flags
$O/tests/engine/cuda/test_cuda_planning: ldlibs += $(if $(cuda_is_there),$(cuda_libs))

$O/%.cu.o: %.cu $O/cuda-flags
	@mkdir -p $(@D)
	$(call say,nvcc,$<)$(nvcc) $(nvcc_flags) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

build/reverie-cuda.so: $(cuda_objects) $O/cuda-flags $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) $(hardened_link) -shared -Wl,--exclude-libs,ALL $(LDFLAGS) -o $@ $(cuda_objects) $(cuda_libs)

# The one that is installed knows no folder of this machine: the linker's own list (ld.so.conf) has the toolkit's, which
# NVIDIA's packages put there.
installed_module := $(if $(cuda_module),$O/installed/reverie-cuda.so)
$O/installed/reverie-cuda.so: $(cuda_objects) $O/cuda-flags $O/links
	@mkdir -p $(@D)
	$(call say,link,$@)$(CC) $(CFLAGS) $(hardened_link) -shared -Wl,--exclude-libs,ALL $(LDFLAGS) -o $@ $(cuda_objects) \
	  $(filter-out -Wl$(comma)-rpath%,$(cuda_libs))

# These load the module, which takes what it needs of the program from them: all of it has to be there.
$O/tests/gpu/%: $O/tests/gpu/%.o $O/all.a $O/links
	$(call say,link,$@)$(CC) $(CFLAGS) $(ldflags) -rdynamic $(LDFLAGS) -o $@ $< -Wl,--whole-archive $O/all.a \
	  -Wl,--no-whole-archive $(ldlibs) -lcmocka
