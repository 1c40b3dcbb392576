# Flags of the kernel files. Only the file of an instruction set may use it: everything else runs on the oldest processor.
function(kernel_file name)
  set_property(SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/kernel/${name} APPEND PROPERTY COMPILE_OPTIONS ${ARGN})
endfunction()

if(MSVC)
  kernel_file(avx2.cc /arch:AVX2)
  kernel_file(avx512.cc /arch:AVX512)
  kernel_file(descent_avx2.cc /arch:AVX2)
  kernel_file(descent_avx512.cc /arch:AVX512)
  kernel_file(avx512_vbmi.cc /arch:AVX512)
else()
  # Contraction would fuse the multiplications and additions of an estimate where the processor can, and candidates
  # would depend on the processor. Fused operations are asked for by name where they are wanted.
  foreach(name scalar.cc avx2.cc avx512.cc avx512_vbmi.cc neon.cc)
    kernel_file(${name} -ffp-contract=off)
  endforeach()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    # GCC 12 warns about uninitialised values inside its own AVX-512 headers.
    set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -Wno-uninitialized -Wno-maybe-uninitialized)
    kernel_file(avx2.cc -mavx2 -mfma -mf16c)
    kernel_file(descent_avx2.cc -mavx2 -mfma)
    kernel_file(descent_avx512.cc ${avx512})
    kernel_file(avx512.cc ${avx512})
    kernel_file(avx512_vbmi.cc ${avx512} -mavx512vbmi)
  endif()
endif()
