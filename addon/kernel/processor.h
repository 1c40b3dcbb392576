#pragma once

/// What the processor can do and the operating system lets it do (it must save the wider registers).
namespace embedless::kernel {

struct Processor {
  bool avx2;        ///< AVX2, FMA and F16C.
  bool avx512;      ///< AVX-512 F, BW, VL and DQ besides.
  bool avx512vbmi;  ///< AVX-512 VBMI besides.
  bool vnni;        ///< Dot products of bytes: AVX-512 VNNI with VL, or AVX-VNNI.
};

/// Asked once; all false on other architectures than x86-64.
const Processor& processor();

}  // namespace embedless::kernel
