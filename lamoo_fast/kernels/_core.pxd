# The kernels for other Cython code: `from lamoo_fast.kernels._core cimport lamoo_hypervolume`.
# Arguments and statuses (0: fine) are those of csrc/lamoo_fast.h. They need no GIL; run may be NULL.
# Compile with lamoo_fast.get_include() among the include directories.

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "lamoo_fast.h":
    ctypedef struct lamoo_run:
        int n_threads
        int (*interrupted)(void* context) noexcept nogil
        void* context
    ctypedef struct lamoo_front:
        const double* F
        size_t n
        size_t m
        const double* ref

cdef int lamoo_hypervolume(const double* F, size_t n, size_t m, const double* ref,
                           const lamoo_run* run, double* out) noexcept nogil
cdef int lamoo_hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m,
                                 const double* ref, const lamoo_run* run,
                                 double* out) noexcept nogil
cdef int lamoo_hv_contributions(const double* F, size_t n, size_t m, const double* ref,
                                int ignore_dominated, const lamoo_run* run,
                                double* out) noexcept nogil
cdef int lamoo_hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                              const double* ref, const lamoo_run* run,
                                 double* out) noexcept nogil
cdef int lamoo_hv_least_contributor(const double* F, size_t n, size_t m, const double* ref,
                                    const lamoo_run* run, size_t* out) noexcept nogil
cdef int lamoo_hv_subset_selection(const double* F, size_t n, size_t m, const double* ref, size_t k,
                                   const lamoo_run* run, size_t* out) noexcept nogil
cdef int lamoo_hv_approx(const double* F, size_t n, size_t m, const double* ref,
                         uint64_t n_samples, double rel_tol, uint64_t seed, const lamoo_run* run,
                         double* value, double* stderr_, uint64_t* n_used) noexcept nogil
cdef int lamoo_hv_approx_contributions(const double* F, size_t n, size_t m, const double* ref,
                                       int ignore_dominated, uint64_t n_samples, uint64_t seed,
                                       const lamoo_run* run, double* value, double* stderr_,
                                       uint64_t* n_used) noexcept nogil
cdef int lamoo_hv_approx_improvement(const double* C, size_t c, const double* F, size_t n,
                                     size_t m, const double* ref, uint64_t n_samples,
                                     uint64_t seed, const lamoo_run* run, double* value,
                                     double* stderr_, uint64_t* n_used) noexcept nogil
cdef int lamoo_is_nondominated(const double* F, size_t n, size_t m, int keep_weakly,
                               const lamoo_run* run, uint8_t* out) noexcept nogil
cdef int lamoo_pareto_rank(const double* F, size_t n, size_t m, size_t max_fronts,
                           size_t min_points, const lamoo_run* run, int64_t* out) noexcept nogil
cdef int lamoo_dominance_count(const double* F, size_t n, size_t m, const lamoo_run* run,
                               int64_t* out) noexcept nogil
cdef double lamoo_improvement_at(int m, double* x, void* front) noexcept nogil
cdef int lamoo_indicator(int kind, const double* F, size_t n, const double* R, size_t k, size_t m,
                         const uint8_t* inverse, const lamoo_run* run, double* out) noexcept nogil
cdef int lamoo_crowding_distance(const double* F, size_t n, size_t m, const int64_t* front,
                                 const lamoo_run* run, double* out) noexcept nogil
