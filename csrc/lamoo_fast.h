/* lamoo_fast: hypervolume, dominance and archive kernels behind a C interface.
 *
 * Conventions, the same in C++, Cython and Python:
 *   F    (n, m) row-major objectives, all minimised, all finite
 *   ref  (m,)   reference point, finite; F[i] counts where it is below ref in every objective
 *   out  memory of the caller, of the stated size
 * m >= 1; n may be 0. Inputs are never written to. The caller validates, these functions trust:
 * NaN or infinity in an input gives an unspecified number (never a crash).
 * run says how a call runs; it may be NULL. No result depends on it. No function keeps global state.
 * Every function returns a lamoo_status.
 */
#ifndef LAMOO_FAST_H
#define LAMOO_FAST_H

#include <stddef.h>
#include <stdint.h>

#define LAMOO_FAST_ABI_VERSION 3

#if defined(_WIN32)
#define LAMOO_API __declspec(dllexport)
#elif defined(__GNUC__)
#define LAMOO_API __attribute__((visibility("default")))
#else
#define LAMOO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lamoo_status {
  LAMOO_OK = 0,
  LAMOO_NO_MEMORY = 1,    /* out of memory; nothing was changed */
  LAMOO_UNEXPECTED = 2,   /* any other C++ exception: a defect in this library */
  LAMOO_INTERRUPTED = 3,  /* the callback of lamoo_run said so; out is unspecified */
  LAMOO_TOO_LONG = 4,     /* an exact volume of so many points would take days; out is unspecified */
  LAMOO_TOO_MANY_ROWS = 5, /* more than 2^32 - 1 in one argument */
  LAMOO_TOO_MANY_BOXES = 6 /* more than the caller wants; nothing was made */
} lamoo_status;

/* How a call runs. NULL instead of one: one thread, not to be interrupted. */
typedef struct lamoo_run {
  int n_threads;                     /* >= 1 */
  int (*interrupted)(void* context); /* or NULL. Asked often, on the calling thread only; anything
                                        but 0 ends the call with LAMOO_INTERRUPTED. */
  void* context;
} lamoo_run;

/* The instruction set that the kernels run with: "baseline", "avx2" or "avx512". The environment
 * variable LAMOO_FAST_SIMD, if it names one that this processor has, decides at the first call. */
LAMOO_API const char* lamoo_simd_level(void);

/* ---- hypervolume ---- */

/* Volume of the union of the boxes [F[i], ref]. */
LAMOO_API lamoo_status lamoo_hypervolume(const double* F, size_t n, size_t m, const double* ref,
                                         const lamoo_run* run, double* out);

/* k sets in one call: set s is rows start[s] .. start[s+1]-1 of F. start (k+1,), out (k,). */
LAMOO_API lamoo_status lamoo_hypervolume_batch(const double* F, const size_t* start, size_t k,
                                               size_t m, const double* ref, const lamoo_run* run,
                                               double* out);

/* out[i] = volume that only row i covers; 0 for dominated and for repeated rows.
 * ignore_dominated != 0: dominated rows are taken away first, so they take nothing from others.
 * out (n,) */
LAMOO_API lamoo_status lamoo_hv_contributions(const double* F, size_t n, size_t m,
                                              const double* ref, int ignore_dominated,
                                              const lamoo_run* run, double* out);

/* out[i] = volume that row i of C (c, m) would add to F, each on its own. out (c,) */
LAMOO_API lamoo_status lamoo_hv_improvement(const double* C, size_t c, const double* F, size_t n,
                                            size_t m, const double* ref, const lamoo_run* run,
                                            double* out);

/* The row that contributes least (lamoo_hv_contributions with ignore_dominated), the first of equal
 * ones. n >= 1; out: one number. */
LAMOO_API lamoo_status lamoo_hv_least_contributor(const double* F, size_t n, size_t m,
                                                  const double* ref, const lamoo_run* run,
                                                  size_t* out);

/* k <= n rows, each the one that adds most volume to those before it, the first of equal ones.
 * out (k,) */
LAMOO_API lamoo_status lamoo_hv_subset_selection(const double* F, size_t n, size_t m,
                                                 const double* ref, size_t k, const lamoo_run* run,
                                                 size_t* out);

/* An estimate by randomised quasi-Monte Carlo. Stops at n_samples samples, or before that once
 * stderr <= rel_tol * value (rel_tol = 0: never before). value, stderr_, n_used: one number each. */
LAMOO_API lamoo_status lamoo_hv_approx(const double* F, size_t n, size_t m, const double* ref,
                                       uint64_t n_samples, double rel_tol, uint64_t seed,
                                       const lamoo_run* run, double* value, double* stderr_,
                                       uint64_t* n_used);

/* The same for contributions (ignore_dominated as above) and improvement: n_samples for each row.
 * value, stderr_ (n,) or (c,); n_used: one number. */
LAMOO_API lamoo_status lamoo_hv_approx_contributions( const double* F, size_t n, size_t m,
                                                     const double* ref, int ignore_dominated,
                                                     uint64_t n_samples, uint64_t seed,
                                                     const lamoo_run* run, double* value,
                                                     double* stderr_, uint64_t* n_used);
LAMOO_API lamoo_status lamoo_hv_approx_improvement( const double* C, size_t c, const double* F,
                                                   size_t n, size_t m, const double* ref,
                                                   uint64_t n_samples, uint64_t seed,
                                                   const lamoo_run* run, double* value,
                                                   double* stderr_, uint64_t* n_used);

/* ---- dominance: a dominates b when a <= b everywhere and a < b somewhere ---- */

/* out[i] = 1 when no row dominates row i; of equal rows only the first is kept unless
 * keep_weakly != 0. out (n,) */
LAMOO_API lamoo_status lamoo_is_nondominated(const double* F, size_t n, size_t m, int keep_weakly,
                                             const lamoo_run* run, uint8_t* out);

/* out[i] = 0 for the front, 1 for the front of the rest, ... Equal rows share a rank. Only the first
 * max_fronts fronts are told apart, and only as many as it takes to hold min_points rows: all other
 * rows get the number of the fronts that are. Both >= 1; SIZE_MAX for both: all fronts. out (n,) */
LAMOO_API lamoo_status lamoo_pareto_rank(const double* F, size_t n, size_t m, size_t max_fronts,
                                         size_t min_points, const lamoo_run* run, int64_t* out);

/* out[i] = how many rows dominate row i. out (n,) */
LAMOO_API lamoo_status lamoo_dominance_count(const double* F, size_t n, size_t m,
                                             const lamoo_run* run, int64_t* out);

/* ---- quality ---- */

typedef enum lamoo_indicator_kind {
  LAMOO_EPSILON_ADDITIVE = 0,
  LAMOO_EPSILON_MULT = 1, /* all numbers > 0 */
  LAMOO_IGD_PLUS = 2
} lamoo_indicator_kind;

/* Of the n > 0 rows of F against the k > 0 rows of R (k, m). inverse (m,) or NULL: for EPSILON_MULT,
 * other than 0 where the objective is maximised. out: one number. */
LAMOO_API lamoo_status lamoo_indicator(lamoo_indicator_kind kind, const double* F, size_t n,
                                       const double* R, size_t k, size_t m, const uint8_t* inverse,
                                       const lamoo_run* run, double* out);

/* NSGA-II's distance within each front, averaged over the objectives. front (n,): numbers from 0 to
 * n-1, or NULL: all rows are one. out (n,) */
LAMOO_API lamoo_status lamoo_crowding_distance(const double* F, size_t n, size_t m,
                                               const int64_t* front, const lamoo_run* run,
                                               double* out);

/* ---- archive: the front of all points ever added ---- */

typedef struct lamoo_archive lamoo_archive;

LAMOO_API lamoo_status lamoo_archive_new(size_t m, const double* ref, lamoo_archive** out);
LAMOO_API void lamoo_archive_free(lamoo_archive* archive);

/* Rows one after the other; accepted[i] = 1 when row i was neither dominated by nor equal to a
 * member at its turn. On LAMOO_NO_MEMORY the archive is as before the call, on LAMOO_INTERRUPTED it
 * holds the rows up to there. accepted (n,) */
LAMOO_API lamoo_status lamoo_archive_add(lamoo_archive* archive, const double* F, size_t n,
                                         const lamoo_run* run, uint8_t* accepted);
LAMOO_API size_t lamoo_archive_size(const lamoo_archive* archive);
/* Members in lexicographic order. out (size, m) */
LAMOO_API lamoo_status lamoo_archive_front(const lamoo_archive* archive, double* out);
/* Members whose entry is 0 leave, in the order of lamoo_archive_front. keep (size,) */
LAMOO_API lamoo_status lamoo_archive_keep(lamoo_archive* archive, const uint8_t* keep);
LAMOO_API lamoo_status lamoo_archive_clear(lamoo_archive* archive);
/* Exact hypervolume of the members: kept up to date for m <= 2, computed after a change for more. */
LAMOO_API lamoo_status lamoo_archive_hypervolume(lamoo_archive* archive, const lamoo_run* run,
                                                 double* out);

/* ---- disjoint boxes: the space below ref, cut along the front of the rows ---- */

typedef struct lamoo_boxes lamoo_boxes;

/* dominated != 0: the part that the rows dominate, else the rest, whose lower corners may be
 * -infinity. Box i holds the points x with lower[i] <= x < upper[i] in every objective; none is empty.
 * LAMOO_TOO_MANY_BOXES when the front has more than limit local upper bounds; there are no more boxes
 * than these, and as many for the rest of a front of which no rows share a coordinate. */
LAMOO_API lamoo_status lamoo_boxes_new(const double* F, size_t n, size_t m, const double* ref,
                                       int dominated, size_t limit, const lamoo_run* run,
                                       lamoo_boxes** out);
LAMOO_API void lamoo_boxes_free(lamoo_boxes* boxes);
LAMOO_API size_t lamoo_boxes_size(const lamoo_boxes* boxes);
/* lower, upper (size, m) */
LAMOO_API void lamoo_boxes_corners(const lamoo_boxes* boxes, double* lower, double* upper);

/* ---- for numerical integration: the improvement as a function of the point ---- */

typedef struct lamoo_front {
  const double* F;
  size_t n, m;
  const double* ref;
} lamoo_front;

/* What a point x (m,) would add to the rows of front, a lamoo_front; NaN when m is not that of
 * the front or on any failure. The signature is one that scipy.LowLevelCallable takes. */
LAMOO_API double lamoo_improvement_at(int m, double* x, void* front);

#ifdef __cplusplus
}
#endif
#endif
