#include "simd.hpp"

#include <cstdlib>
#include <cstring>

namespace lamoo {

namespace {

constexpr Level all_levels[] = {Level::baseline, Level::avx2, Level::avx512};

Level best_level() {
#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return Level::avx512;
  if (avx2) return Level::avx2;
#endif
  return Level::baseline;
}

Level wanted_level() {
  const Level best = best_level();
  const char* name = std::getenv("LAMOO_FAST_SIMD");
  if (name != nullptr)
    for (const Level level : all_levels)
      if (level <= best && std::strcmp(name, level_name(level)) == 0) return level;
  return best;
}

}  // namespace

Level level() {
  static const Level wanted = wanted_level();
  return wanted;
}

const char* level_name(Level level) {
  switch (level) {
    case Level::avx2:
      return "avx2";
    case Level::avx512:
      return "avx512";
    default:
      return "baseline";
  }
}

}  // namespace lamoo
