# The estimates of _core.pyx, which includes this file.

cdef extern from "lamoo_fast.h" nogil:
    int c_hv_approx "lamoo_hv_approx"(
        const double*, size_t, size_t, const double*, uint64_t, double, uint64_t,
        const lamoo_run*, double*, double*, uint64_t*)
    int c_hv_approx_contributions "lamoo_hv_approx_contributions"(
        const double*, size_t, size_t, const double*, int, uint64_t, uint64_t,
        const lamoo_run*, double*, double*, uint64_t*)
    int c_hv_approx_improvement "lamoo_hv_approx_improvement"(
        const double*, size_t, const double*, size_t, size_t, const double*, uint64_t, uint64_t,
        const lamoo_run*, double*, double*, uint64_t*)


# ---- for Cython (_core.pxd) ----

cdef int lamoo_hv_approx(const double* F, size_t n, size_t m, const double* ref,
                         uint64_t n_samples, double rel_tol, uint64_t seed, const lamoo_run* run,
                         double* value, double* stderr_, uint64_t* n_used) noexcept nogil:
    return c_hv_approx(F, n, m, ref, n_samples, rel_tol, seed, run, value, stderr_, n_used)


cdef int lamoo_hv_approx_contributions(const double* F, size_t n, size_t m, const double* ref,
                                       int ignore_dominated, uint64_t n_samples, uint64_t seed,
                                       const lamoo_run* run, double* value, double* stderr_,
                                       uint64_t* n_used) noexcept nogil:
    return c_hv_approx_contributions(F, n, m, ref, ignore_dominated, n_samples, seed, run, value,
                                     stderr_, n_used)


cdef int lamoo_hv_approx_improvement(const double* C, size_t c, const double* F, size_t n,
                                     size_t m, const double* ref, uint64_t n_samples,
                                     uint64_t seed, const lamoo_run* run, double* value,
                                     double* stderr_, uint64_t* n_used) noexcept nogil:
    return c_hv_approx_improvement(C, c, F, n, m, ref, n_samples, seed, run, value, stderr_, n_used)


# ---- for Python (_core.pyi) ----

def hv_approx(F, ref, uint64_t n_samples, double rel_tol, uint64_t seed, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    cdef double value = 0.0, stderr_ = 0.0
    cdef uint64_t n_used = 0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_approx(rows.data, rows.n, rows.m, corner.data, n_samples, rel_tol, seed,
                             &run, &value, &stderr_, &n_used)
    check(status)
    return value, stderr_, n_used


def hv_approx_contributions(F, ref, bint ignore_dominated, uint64_t n_samples, uint64_t seed,
                            int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    value, stderr_ = np.empty(rows.n), np.empty(rows.n)
    cdef double[::1] values = value, errors = stderr_
    cdef uint64_t n_used = 0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_approx_contributions(rows.data, rows.n, rows.m, corner.data,
                                           ignore_dominated, n_samples, seed, &run, &values[0],
                                           &errors[0], &n_used)
    check(status)
    return value, stderr_, n_used


def hv_approx_improvement(C, F, ref, uint64_t n_samples, uint64_t seed, int n_threads):
    cdef Rows candidates = rows_of(C), rows = rows_of(F), corner = rows_of(ref)
    value, stderr_ = np.empty(candidates.n), np.empty(candidates.n)
    cdef double[::1] values = value, errors = stderr_
    cdef uint64_t n_used = 0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_approx_improvement(candidates.data, candidates.n, rows.data, rows.n, rows.m,
                                         corner.data, n_samples, seed, &run, &values[0],
                                         &errors[0], &n_used)
    check(status)
    return value, stderr_, n_used
