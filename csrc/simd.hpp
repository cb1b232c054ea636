// Which instruction set the kernels run with.
#pragma once

namespace lamoo {

// In ascending order; each one includes those before it.
enum class Level {
  baseline,  // x86-64-v2 (SSE4.2, popcnt); NEON on AArch64; plain C++ elsewhere
  avx2,      // with FMA, BMI1, BMI2 and lzcnt
  avx512,    // F, BW, CD, DQ, VL
};

// The best level of this processor, or what the environment variable LAMOO_FAST_SIMD names
// (baseline, avx2 or avx512), if this processor has it. Looked up once.
Level level();

const char* level_name(Level level);

}  // namespace lamoo
