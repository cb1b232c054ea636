# cython: language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True
"""The boundary to csrc: typed arrays in, statuses to exceptions, nothing else.

Trusts its arguments; `lamoo_fast.kernels._check` has seen them. The GIL is released in every call.
"""

from cpython.pycapsule cimport PyCapsule_New
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint8_t, uint64_t

import numpy as np

import threading

cdef extern from "Python.h":
    int PyErr_CheckSignals()
    unsigned long PyThread_get_thread_ident() nogil

cdef extern from "lamoo_fast.h" nogil:
    ctypedef struct lamoo_archive:
        pass
    int LAMOO_FAST_ABI_VERSION
    const char* lamoo_simd_level()
    int c_hypervolume "lamoo_hypervolume"(
        const double*, size_t, size_t, const double*, const lamoo_run*, double*)
    int c_hypervolume_batch "lamoo_hypervolume_batch"(
        const double*, const size_t*, size_t, size_t, const double*, const lamoo_run*,
        double*)
    int c_hv_contributions "lamoo_hv_contributions"(
        const double*, size_t, size_t, const double*, int, const lamoo_run*, double*)
    int c_hv_improvement "lamoo_hv_improvement"(
        const double*, size_t, const double*, size_t, size_t, const double*, const lamoo_run*,
        double*)
    int c_hv_least_contributor "lamoo_hv_least_contributor"(
        const double*, size_t, size_t, const double*, const lamoo_run*, size_t*)
    int c_hv_subset_selection "lamoo_hv_subset_selection"(
        const double*, size_t, size_t, const double*, size_t, const lamoo_run*, size_t*)
    int c_is_nondominated "lamoo_is_nondominated"(
        const double*, size_t, size_t, int, const lamoo_run*, uint8_t*)
    int c_pareto_rank "lamoo_pareto_rank"(
        const double*, size_t, size_t, size_t, size_t, const lamoo_run*, int64_t*)
    int c_dominance_count "lamoo_dominance_count"(
        const double*, size_t, size_t, const lamoo_run*, int64_t*)
    ctypedef enum lamoo_indicator_kind:
        pass
    int c_indicator "lamoo_indicator"(
        lamoo_indicator_kind, const double*, size_t, const double*, size_t, size_t, const uint8_t*,
        const lamoo_run*, double*)
    int c_crowding_distance "lamoo_crowding_distance"(
        const double*, size_t, size_t, const int64_t*, const lamoo_run*, double*)
    int lamoo_archive_new(size_t, const double*, lamoo_archive**)
    void lamoo_archive_free(lamoo_archive*)
    int lamoo_archive_add(lamoo_archive*, const double*, size_t, const lamoo_run*, uint8_t*)
    size_t lamoo_archive_size(const lamoo_archive*)
    int lamoo_archive_front(const lamoo_archive*, double*)
    int lamoo_archive_keep(lamoo_archive*, const uint8_t*)
    int lamoo_archive_clear(lamoo_archive*)
    int lamoo_archive_hypervolume(lamoo_archive*, const lamoo_run*, double*)
    ctypedef struct lamoo_boxes:
        pass
    int lamoo_boxes_new(const double*, size_t, size_t, const double*, int, size_t, const lamoo_run*,
                        lamoo_boxes**)
    void lamoo_boxes_free(lamoo_boxes*)
    size_t lamoo_boxes_size(const lamoo_boxes*)
    void lamoo_boxes_corners(const lamoo_boxes*, double*, double*)
    double c_improvement_at "lamoo_improvement_at"(int, double*, void*)
    int LAMOO_OK
    int LAMOO_NO_MEMORY
    int LAMOO_INTERRUPTED
    int LAMOO_TOO_MANY_ROWS
    int LAMOO_TOO_LONG
    int LAMOO_TOO_MANY_BOXES

cdef extern from "lamoo_fast_capsule.h":
    ctypedef struct lamoo_api:
        pass
    const lamoo_api* lamoo_get_api()
    const char* LAMOO_CAPSULE_NAME


# Looked up once.
cdef object ndarray = np.ndarray
cdef object empty = np.empty
cdef object int64 = np.dtype(np.int64)
cdef object bool_ = np.dtype(np.bool_)
cdef object uintp = np.dtype(np.uintp)


cdef struct Rows:
    double* data
    size_t n
    size_t m


cdef Rows rows_of(array) except *:
    # Of a C-contiguous array, valid as long as the caller holds it. A fraction of the cost of a
    # memoryview.
    cdef Py_buffer view
    cdef Rows rows
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS)
    rows.data = <double*> view.buf
    rows.n = view.shape[0]
    rows.m = view.shape[1] if view.ndim == 2 else 1
    PyBuffer_Release(&view)
    return rows


cdef unsigned long main_thread = threading.main_thread().ident


cdef int interrupted(void* context) noexcept with gil:
    return PyErr_CheckSignals()  # the exception stays set: check() lets it out


cdef lamoo_run run_on(int n_threads) noexcept nogil:
    # Python hands signals to the main thread only: calls on others need not ask for them.
    cdef lamoo_run run
    run.n_threads = n_threads
    run.interrupted = NULL
    if PyThread_get_thread_ident() == main_thread:
        run.interrupted = interrupted
    run.context = NULL
    return run


cdef int check(int status) except -1:
    if status == LAMOO_OK:
        return 0
    if status == LAMOO_NO_MEMORY:
        raise MemoryError("out of memory in a lamoo_fast kernel")
    if status == LAMOO_INTERRUPTED:
        return -1  # with the exception that interrupted() found, KeyboardInterrupt as a rule
    if status == LAMOO_TOO_LONG:
        raise ValueError("F has too many points in too many objectives for exact volumes; hv_approx "
                         "estimates hypervolumes of any size")
    if status == LAMOO_TOO_MANY_ROWS:
        raise ValueError("too many points: kernels take at most 2**32 - 1")
    raise RuntimeError(f"lamoo_fast kernel failed with status {status}; please report this")


# ---- for Cython (_core.pxd) ----

cdef int lamoo_hypervolume(const double* F, size_t n, size_t m, const double* ref,
                           const lamoo_run* run, double* out) noexcept nogil:
    return c_hypervolume(F, n, m, ref, run, out)


cdef int lamoo_hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m,
                                 const double* ref, const lamoo_run* run, double* out) noexcept nogil:
    return c_hypervolume_batch(F, start, k, m, ref, run, out)


cdef int lamoo_hv_contributions(const double* F, size_t n, size_t m, const double* ref,
                                int ignore_dominated, const lamoo_run* run, double* out) noexcept nogil:
    return c_hv_contributions(F, n, m, ref, ignore_dominated, run, out)


cdef int lamoo_hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                              const double* ref, const lamoo_run* run, double* out) noexcept nogil:
    return c_hv_improvement(C, c, F, n, m, ref, run, out)


cdef int lamoo_hv_least_contributor(const double* F, size_t n, size_t m, const double* ref,
                                    const lamoo_run* run, size_t* out) noexcept nogil:
    return c_hv_least_contributor(F, n, m, ref, run, out)


cdef int lamoo_hv_subset_selection(const double* F, size_t n, size_t m, const double* ref, size_t k,
                                   const lamoo_run* run, size_t* out) noexcept nogil:
    return c_hv_subset_selection(F, n, m, ref, k, run, out)


cdef int lamoo_is_nondominated(const double* F, size_t n, size_t m, int keep_weakly,
                               const lamoo_run* run, uint8_t* out) noexcept nogil:
    return c_is_nondominated(F, n, m, keep_weakly, run, out)


cdef int lamoo_pareto_rank(const double* F, size_t n, size_t m, size_t max_fronts,
                           size_t min_points, const lamoo_run* run, int64_t* out) noexcept nogil:
    return c_pareto_rank(F, n, m, max_fronts, min_points, run, out)


cdef int lamoo_dominance_count(const double* F, size_t n, size_t m, const lamoo_run* run,
                               int64_t* out) noexcept nogil:
    return c_dominance_count(F, n, m, run, out)


cdef double lamoo_improvement_at(int m, double* x, void* front) noexcept nogil:
    return c_improvement_at(m, x, front)


cdef int lamoo_indicator(int kind, const double* F, size_t n, const double* R, size_t k, size_t m,
                         const uint8_t* inverse, const lamoo_run* run, double* out) noexcept nogil:
    return c_indicator(<lamoo_indicator_kind> kind, F, n, R, k, m, inverse, run, out)


cdef int lamoo_crowding_distance(const double* F, size_t n, size_t m, const int64_t* front,
                                 const lamoo_run* run, double* out) noexcept nogil:
    return c_crowding_distance(F, n, m, front, run, out)


# ---- for C (lamoo_fast_capsule.h) ----

C_API = PyCapsule_New(<void*> lamoo_get_api(), LAMOO_CAPSULE_NAME, NULL)
ABI_VERSION = LAMOO_FAST_ABI_VERSION


# ---- for Python (_core.pyi) ----

include "_approx.pxi"
include "_ready.pxi"
include "_svm.pxi"


def simd_level():
    return lamoo_simd_level().decode()


def hypervolume(F, ref, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    cdef double out = 0.0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hypervolume(rows.data, rows.n, rows.m, corner.data, &run, &out)
    check(status)
    return out


def hypervolume_batch(F, start, ref, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    cdef const size_t* starts = <const size_t*> rows_of(start).data
    cdef size_t sets = len(start) - 1
    out = empty(sets)
    cdef double* data = rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hypervolume_batch(rows.data, starts, sets, rows.m, corner.data,
                                     &run, data)
    check(status)
    return out


def hv_contributions(F, ref, bint ignore_dominated, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    out = empty(rows.n)
    cdef double* data = rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_contributions(rows.data, rows.n, rows.m, corner.data, ignore_dominated,
                                    &run, data)
    check(status)
    return out


def hv_improvement(C, F, ref, int n_threads):
    cdef Rows joining = rows_of(C), rows = rows_of(F), corner = rows_of(ref)
    out = empty(joining.n)
    cdef double* data = rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_improvement(joining.data, joining.n, rows.data, rows.n, rows.m, corner.data,
                                  &run, data)
    check(status)
    return out


def hv_least_contributor(F, ref, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    cdef size_t out = 0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_least_contributor(rows.data, rows.n, rows.m, corner.data, &run, &out)
    check(status)
    return out


def hv_subset_selection(F, size_t k, ref, int n_threads):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    out = np.empty(k, dtype=np.uintp)
    cdef size_t* data = <size_t*> rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_hv_subset_selection(rows.data, rows.n, rows.m, corner.data, k, &run, data)
    check(status)
    return out.astype(np.intp)


def is_nondominated(F, bint keep_weakly, int n_threads):
    cdef Rows rows = rows_of(F)
    out = empty(rows.n, bool_)
    cdef uint8_t* data = <uint8_t*> rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_is_nondominated(rows.data, rows.n, rows.m, keep_weakly, &run, data)
    check(status)
    return out


def pareto_rank(F, size_t max_fronts, size_t min_points, int n_threads):
    cdef Rows rows = rows_of(F)
    out = empty(rows.n, int64)
    cdef int64_t* data = <int64_t*> rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_pareto_rank(rows.data, rows.n, rows.m, max_fronts, min_points, &run, data)
    check(status)
    return out


def dominance_count(F, int n_threads):
    cdef Rows rows = rows_of(F)
    out = empty(rows.n, int64)
    cdef int64_t* data = <int64_t*> rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_dominance_count(rows.data, rows.n, rows.m, &run, data)
    check(status)
    return out


def indicator(int kind, F, R, inverse, int n_threads):
    cdef Rows rows = rows_of(F), others = rows_of(R)
    cdef const uint8_t* flags = <const uint8_t*> rows_of(inverse).data
    cdef double out = 0.0
    cdef int status
    cdef lamoo_run run = run_on(n_threads)
    with nogil:
        status = c_indicator(<lamoo_indicator_kind> kind, rows.data, rows.n, others.data, others.n,
                             rows.m, flags, &run, &out)
    check(status)
    return out


def crowding_distance(F, front):
    cdef Rows rows = rows_of(F)
    cdef const int64_t* fronts = NULL
    if front is not None:
        fronts = <const int64_t*> rows_of(front).data
    out = empty(rows.n)
    cdef double* data = rows_of(out).data
    cdef int status
    cdef lamoo_run run = run_on(1)
    with nogil:
        status = c_crowding_distance(rows.data, rows.n, rows.m, fronts, &run, data)
    check(status)
    return out


def boxes(F, ref, bint dominated, size_t limit):
    cdef Rows rows = rows_of(F), corner = rows_of(ref)
    cdef lamoo_boxes* found = NULL
    cdef int status
    cdef lamoo_run run = run_on(1)
    with nogil:
        status = lamoo_boxes_new(rows.data, rows.n, rows.m, corner.data, dominated, limit, &run,
                                 &found)
    if status == LAMOO_TOO_MANY_BOXES:
        return None
    check(status)
    try:
        shape = lamoo_boxes_size(found), rows.m
        lower, upper = empty(shape), empty(shape)
        lamoo_boxes_corners(found, rows_of(lower).data, rows_of(upper).data)
    finally:
        lamoo_boxes_free(found)
    return lower, upper


cdef class Archive:
    """Owns a lamoo_archive. One thread at a time; the caller keeps to that."""

    cdef lamoo_archive* handle
    cdef size_t m

    def __cinit__(self, const double[::1] ref):
        self.m = ref.shape[0]
        check(lamoo_archive_new(self.m, &ref[0], &self.handle))

    def __dealloc__(self):
        lamoo_archive_free(self.handle)

    def __len__(self):
        return lamoo_archive_size(self.handle)

    def add(self, F):
        cdef Rows rows = rows_of(F)
        accepted = empty(rows.n, bool_)
        cdef uint8_t* data = <uint8_t*> rows_of(accepted).data
        cdef int status
        cdef lamoo_run run = run_on(1)
        with nogil:
            status = lamoo_archive_add(self.handle, rows.data, rows.n, &run, data)
        check(status)
        return accepted

    def front(self):
        out = np.empty((len(self), self.m))
        cdef double[:, ::1] view = out
        cdef int status
        with nogil:
            status = lamoo_archive_front(self.handle, &view[0, 0])
        check(status)
        return out

    def keep(self, const uint8_t[::1] keep):
        cdef int status
        with nogil:
            status = lamoo_archive_keep(self.handle, &keep[0])
        check(status)

    def clear(self):
        check(lamoo_archive_clear(self.handle))

    def hypervolume(self):
        cdef double out = 0.0
        cdef int status
        cdef lamoo_run run = run_on(1)
        with nogil:
            status = lamoo_archive_hypervolume(self.handle, &run, &out)
        check(status)
        return out
