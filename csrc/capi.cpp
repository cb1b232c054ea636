// The C interface over the C++: translates exceptions into statuses, nothing else.
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "archive.hpp"
#include "boxes.hpp"
#include "dominance.hpp"
#include "hv_approx.hpp"
#include "hv_subset.hpp"
#include "hypervolume.hpp"
#include "indicators.hpp"
#include "lamoo_fast.h"
#include "lamoo_fast_capsule.h"
#include "run.hpp"
#include "simd.hpp"

struct lamoo_archive {
  lamoo::Archive archive;
};

struct lamoo_boxes {
  lamoo::Boxes boxes;
  std::size_t size;
};

namespace {

template <class Body>
lamoo_status guarded(Body body) noexcept {
  try {
    body();
    return LAMOO_OK;
  } catch (const std::bad_alloc&) {
    return LAMOO_NO_MEMORY;
  } catch (const lamoo::Interrupted&) {
    return LAMOO_INTERRUPTED;
  } catch (const lamoo::TooManyRows&) {
    return LAMOO_TOO_MANY_ROWS;
  } catch (const lamoo::TooLong&) {
    return LAMOO_TOO_LONG;
  } catch (const lamoo::TooManyBoxes&) {
    return LAMOO_TOO_MANY_BOXES;
  } catch (...) {
    return LAMOO_UNEXPECTED;
  }
}

}  // namespace

const char* lamoo_simd_level(void) { return lamoo::level_name(lamoo::level()); }

lamoo_status lamoo_hypervolume(const double* F, size_t n, size_t m, const double* ref,
                               const lamoo_run* run, double* out) {
  return guarded([=] { *out = lamoo::hypervolume(F, n, m, ref, lamoo::Run(run)); });
}

lamoo_status lamoo_hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m,
                                     const double* ref, const lamoo_run* run, double* out) {
  return guarded([=] { lamoo::hypervolume_batch(F, start, k, m, ref, lamoo::Run(run), out); });
}

lamoo_status lamoo_hv_contributions(const double* F, size_t n, size_t m, const double* ref,
                                    int ignore_dominated, const lamoo_run* run, double* out) {
  return guarded(
      [=] { lamoo::hv_contributions(F, n, m, ref, ignore_dominated != 0, lamoo::Run(run), out); });
}

lamoo_status lamoo_hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                                  const double* ref, const lamoo_run* run, double* out) {
  return guarded([=] { lamoo::hv_improvement(C, c, F, n, m, ref, lamoo::Run(run), out); });
}

lamoo_status lamoo_hv_least_contributor(const double* F, size_t n, size_t m, const double* ref,
                                        const lamoo_run* run, size_t* out) {
  return guarded([=] { *out = lamoo::hv_least_contributor(F, n, m, ref, lamoo::Run(run)); });
}

lamoo_status lamoo_hv_subset_selection(const double* F, size_t n, size_t m, const double* ref,
                                       size_t k, const lamoo_run* run, size_t* out) {
  return guarded([=] { lamoo::hv_subset_selection(F, n, m, ref, k, lamoo::Run(run), out); });
}

lamoo_status lamoo_hv_approx(const double* F, size_t n, size_t m, const double* ref,
                             uint64_t n_samples, double rel_tol, uint64_t seed, const lamoo_run* run,
                             double* value, double* stderr_, uint64_t* n_used) {
  return guarded([=] {
    const lamoo::HVEstimate estimate =
        lamoo::hv_approx(F, n, m, ref, n_samples, rel_tol, seed, lamoo::Run(run));
    *value = estimate.value;
    *stderr_ = estimate.stderr_;
    *n_used = estimate.n_samples;
  });
}

lamoo_status lamoo_hv_approx_contributions(const double* F, size_t n, size_t m, const double* ref,
                                           int ignore_dominated, uint64_t n_samples, uint64_t seed,
                                           const lamoo_run* run, double* value, double* stderr_,
                                           uint64_t* n_used) {
  return guarded([=] {
    *n_used = lamoo::hv_approx_contributions(F, n, m, ref, ignore_dominated != 0, n_samples, seed,
                                             lamoo::Run(run), value, stderr_);
  });
}

lamoo_status lamoo_hv_approx_improvement(const double* C, size_t c, const double* F, size_t n,
                                         size_t m, const double* ref, uint64_t n_samples,
                                         uint64_t seed, const lamoo_run* run, double* value,
                                         double* stderr_, uint64_t* n_used) {
  return guarded([=] {
    *n_used = lamoo::hv_approx_improvement(C, c, F, n, m, ref, n_samples, seed, lamoo::Run(run),
                                           value, stderr_);
  });
}

lamoo_status lamoo_is_nondominated(const double* F, size_t n, size_t m, int keep_weakly,
                                   const lamoo_run* run, uint8_t* out) {
  return guarded(
      [=] { lamoo::is_nondominated(F, n, m, keep_weakly != 0, out, lamoo::Run(run)); });
}

lamoo_status lamoo_pareto_rank(const double* F, size_t n, size_t m, size_t max_fronts,
                               size_t min_points, const lamoo_run* run, int64_t* out) {
  return guarded(
      [=] { lamoo::pareto_rank(F, n, m, {max_fronts, min_points}, lamoo::Run(run), out); });
}

lamoo_status lamoo_dominance_count(const double* F, size_t n, size_t m, const lamoo_run* run,
                                   int64_t* out) {
  return guarded([=] { lamoo::dominance_count(F, n, m, lamoo::Run(run), out); });
}

lamoo_status lamoo_indicator(lamoo_indicator_kind kind, const double* F, size_t n, const double* R,
                             size_t k, size_t m, const uint8_t* inverse, const lamoo_run* run,
                             double* out) {
  return guarded([=] {
    *out = lamoo::indicator(static_cast<lamoo::Indicator>(kind), F, n, R, k, m, inverse,
                            lamoo::Run(run));
  });
}

lamoo_status lamoo_crowding_distance(const double* F, size_t n, size_t m, const int64_t* front,
                                     const lamoo_run* run, double* out) {
  return guarded([=] { lamoo::crowding_distance(F, n, m, front, lamoo::Run(run), out); });
}

lamoo_status lamoo_archive_new(size_t m, const double* ref, lamoo_archive** out) {
  return guarded([=] { *out = new lamoo_archive{lamoo::Archive(m, ref)}; });
}

void lamoo_archive_free(lamoo_archive* archive) { delete archive; }

lamoo_status lamoo_archive_add(lamoo_archive* archive, const double* F, size_t n,
                               const lamoo_run* run, uint8_t* accepted) {
  return guarded([=] { archive->archive.add(F, n, lamoo::Run(run), accepted); });
}

size_t lamoo_archive_size(const lamoo_archive* archive) { return archive->archive.size(); }

lamoo_status lamoo_archive_front(const lamoo_archive* archive, double* out) {
  return guarded([=] { archive->archive.front(out); });
}

lamoo_status lamoo_archive_keep(lamoo_archive* archive, const uint8_t* keep) {
  return guarded([=] { archive->archive.keep(keep); });
}

lamoo_status lamoo_archive_clear(lamoo_archive* archive) {
  return guarded([=] { archive->archive.clear(); });
}

lamoo_status lamoo_archive_hypervolume(lamoo_archive* archive, const lamoo_run* run, double* out) {
  return guarded([=] { *out = archive->archive.hypervolume(lamoo::Run(run)); });
}

lamoo_status lamoo_boxes_new(const double* F, size_t n, size_t m, const double* ref, int dominated,
                             size_t limit, const lamoo_run* run, lamoo_boxes** out) {
  return guarded([=] {
    const lamoo::Part part = dominated != 0 ? lamoo::Part::dominated : lamoo::Part::nondominated;
    lamoo::Boxes boxes = lamoo::boxes(F, n, m, ref, part, limit, lamoo::Run(run));
    const size_t size = boxes.lower.size() / m;
    *out = new lamoo_boxes{std::move(boxes), size};
  });
}

void lamoo_boxes_free(lamoo_boxes* boxes) { delete boxes; }

size_t lamoo_boxes_size(const lamoo_boxes* boxes) { return boxes->size; }

void lamoo_boxes_corners(const lamoo_boxes* boxes, double* lower, double* upper) {
  std::copy(boxes->boxes.lower.begin(), boxes->boxes.lower.end(), lower);
  std::copy(boxes->boxes.upper.begin(), boxes->boxes.upper.end(), upper);
}

double lamoo_improvement_at(int m, double* x, void* front) {
  const auto& [F, n, objectives, ref] = *static_cast<const lamoo_front*>(front);
  double out = std::numeric_limits<double>::quiet_NaN();
  if (m < 0 || static_cast<size_t>(m) != objectives) return out;
  if (!std::all_of(x, x + m, [](double coordinate) { return std::isfinite(coordinate); })) return out;
  const lamoo_status status = lamoo_hv_improvement(x, 1, F, n, objectives, ref, nullptr, &out);
  return status == LAMOO_OK ? out : std::numeric_limits<double>::quiet_NaN();
}

const lamoo_api* lamoo_get_api(void) {
  static const lamoo_api api = {LAMOO_FAST_ABI_VERSION,
                                sizeof(lamoo_api),
                                lamoo_simd_level,
                                lamoo_hypervolume,
                                lamoo_hypervolume_batch,
                                lamoo_hv_contributions,
                                lamoo_hv_improvement,
                                lamoo_hv_approx,
                                lamoo_is_nondominated,
                                lamoo_pareto_rank,
                                lamoo_dominance_count,
                                lamoo_archive_new,
                                lamoo_archive_free,
                                lamoo_archive_add,
                                lamoo_archive_size,
                                lamoo_archive_front,
                                lamoo_archive_hypervolume,
                                lamoo_improvement_at,
                                lamoo_archive_keep,
                                lamoo_archive_clear,
                                lamoo_indicator,
                                lamoo_crowding_distance,
                                lamoo_hv_least_contributor,
                                lamoo_hv_subset_selection,
                                lamoo_hv_approx_contributions,
                                lamoo_hv_approx_improvement,
                                lamoo_boxes_new,
                                lamoo_boxes_free,
                                lamoo_boxes_size,
                                lamoo_boxes_corners};
  return &api;
}
