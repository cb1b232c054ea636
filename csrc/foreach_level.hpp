// Compiles one file once for each instruction set. (No include guard: it is used more than once.)
//
// thing.cpp:
//     #include "thing.hpp"
//     #include <vector>                               // every header that thing_kernel.hpp needs,
//     #define LAMOO_KERNEL_FILE "thing_kernel.hpp"    // so that only its own code is compiled for
//     #include "foreach_level.hpp"                    // wider instruction sets
//     double thing(const double* x, size_t n) { return LAMOO_DISPATCH(thing)(x, n); }
// thing_kernel.hpp, without an include and without an include guard:
//     namespace lamoo {
//     namespace LAMOO_LEVEL {
//     double thing(const double* x, size_t n) { ... }
//     }  // namespace LAMOO_LEVEL
//     }  // namespace lamoo
//
// Inside, LAMOO_LANES is the number of doubles in a register, and LAMOO_AVX2, LAMOO_AVX512 are
// 1 or 0 and say which intrinsics may be used. Everything in the file has to be in the namespace
// LAMOO_LEVEL: a function outside of it would be one function with three bodies.

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define LAMOO_HAS_LEVELS 1
#else
#define LAMOO_HAS_LEVELS 0
#endif

#define LAMOO_LEVEL baseline
#define LAMOO_LANES 2
#define LAMOO_AVX2 0
#define LAMOO_AVX512 0
#include LAMOO_KERNEL_FILE
#undef LAMOO_LEVEL
#undef LAMOO_LANES
#undef LAMOO_AVX2
#undef LAMOO_AVX512

#if LAMOO_HAS_LEVELS

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#endif
#define LAMOO_LEVEL avx2
#define LAMOO_LANES 4
#define LAMOO_AVX2 1
#define LAMOO_AVX512 0
#include LAMOO_KERNEL_FILE
#undef LAMOO_LEVEL
#undef LAMOO_LANES
#undef LAMOO_AVX2
#undef LAMOO_AVX512
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(                                                               \
    __attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq," \
                          "avx512vl,prefer-vector-width=512"))),                             \
    apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target( \
    "avx2,fma,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,prefer-vector-width=512")
#endif
#define LAMOO_LEVEL avx512
#define LAMOO_LANES 8
#define LAMOO_AVX2 1
#define LAMOO_AVX512 1
#include LAMOO_KERNEL_FILE
#undef LAMOO_LEVEL
#undef LAMOO_LANES
#undef LAMOO_AVX2
#undef LAMOO_AVX512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
#undef LAMOO_KERNEL_FILE

// LAMOO_DISPATCH(f): the f of the level that runs. A header of its own would need all f's types.
#ifndef LAMOO_DISPATCH
#include "simd.hpp"
#if LAMOO_HAS_LEVELS
#define LAMOO_DISPATCH(function)                                        \
  (::lamoo::level() == ::lamoo::Level::avx512 ? avx512::function        \
   : ::lamoo::level() == ::lamoo::Level::avx2 ? avx2::function          \
                                              : baseline::function)
#else
#define LAMOO_DISPATCH(function) (baseline::function)
#endif
#endif
