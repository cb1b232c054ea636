# Are arguments what kernels take, with little said and done? (A part of _core.pyx.)
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_SIMPLE
from libc.float cimport DBL_MAX
from libc.math cimport fabs
from libc.string cimport memcpy

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1

cdef extern from "within.hpp" namespace "lamoo" nogil:
    bint all_within(const double*, size_t, double)


def all_at_most(array, double limit):
    cdef Py_buffer view
    cdef bint found
    PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
    with nogil:
        found = all_within(<const double*> view.buf, view.len // sizeof(double), limit)
    PyBuffer_Release(&view)
    return found


cdef Py_ssize_t plain_columns(array, int ndim, double limit, Rows* rows=NULL) except -1:
    # The columns of an ndarray of float64, C-contiguous, no number beyond limit. 0: it is none.
    cdef Py_buffer view
    cdef Py_ssize_t columns = 0
    if type(array) is not ndarray:
        return 0
    try:
        PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    except (BufferError, ValueError):  # not contiguous; of a type without a format
        return 0
    if view.ndim == ndim and view.format[0] == c"d" and not view.format[1]:
        with nogil:
            if all_within(<const double*> view.buf, view.len // sizeof(double), limit):
                columns = view.shape[ndim - 1]
    if rows != NULL:
        rows.data, rows.n, rows.m = <double*> view.buf, view.shape[0], columns
    PyBuffer_Release(&view)
    return columns


cdef bint plain_number(value, double limit, double* out) except -1:
    # A float, or an int that is one, not beyond limit.
    cdef int overflow = 0
    if isinstance(value, float):
        out[0] = value
    elif type(value) is int:
        out[0] = PyLong_AsLongLongAndOverflow(value, &overflow)
    else:
        return False
    return not overflow and fabs(out[0]) <= limit


def is_ready(F):
    """Whether F is what kernels take: an ndarray (n, m) of float64, C-contiguous, finite, m >= 1."""
    return plain_columns(F, 2, DBL_MAX) > 0


def ready_ref(F, ref, double limit):
    """ref as kernels take it, if F (n, m) is what they take and no number is beyond limit, or None.

    It may be an array (m,), a list or tuple of m Python numbers, or one number.
    """
    cdef Py_ssize_t m = plain_columns(F, 2, limit), j
    if m == 0:
        return None
    if type(ref) is ndarray:
        return ref if plain_columns(ref, 1, limit) == m else None
    cdef bint several = type(ref) is list or type(ref) is tuple
    if several and len(ref) != m:
        return None
    corner = empty(m)
    cdef double* data = rows_of(corner).data
    for j in range(m):
        if not plain_number(ref[j] if several else ref, limit, data + j):
            return None
    return corner


def joined(list sets, double limit):
    """All points, and where each set begins and the last one ends, if kernels take all sets as they
    are, with as many columns and no number beyond limit; or None."""
    cdef Py_ssize_t k = len(sets), i
    cdef size_t total = 0, m = 0
    cdef Rows rows
    begins = empty(k + 1, uintp)
    addresses = empty(k, uintp)  # valid as long as sets holds the arrays
    cdef size_t* begin = <size_t*> rows_of(begins).data
    cdef size_t* address = <size_t*> rows_of(addresses).data
    for i in range(k):
        if not plain_columns(sets[i], 2, limit, &rows) or (i > 0 and rows.m != m):
            return None
        m = rows.m
        begin[i], address[i] = total, <size_t> rows.data
        total += rows.n
    begin[k] = total
    points = empty((total, m))
    cdef double* data = rows_of(points).data
    for i in range(k):
        memcpy(data + begin[i] * m, <double*> address[i],
               (begin[i + 1] - begin[i]) * m * sizeof(double))
    return points, begins
