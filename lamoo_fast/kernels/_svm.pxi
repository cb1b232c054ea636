# Support vector machines, included by _core.pyx.
from libcpp.vector cimport vector

cdef extern from "svm.hpp" namespace "lamoo" nogil:
    cdef cppclass CRun "lamoo::Run":
        CRun(const lamoo_run*)
    ctypedef enum CKind "lamoo::SvmKernel::Kind":
        pass
    cdef cppclass CKernel "lamoo::SvmKernel":
        CKind kind
        double gamma
        unsigned degree
    cdef cppclass CSvm "lamoo::Svm":
        CSvm(const CKernel&, const double*, const double*, const double*, const double*, size_t,
             size_t, double) except +
    cdef cppclass CSide "lamoo::SvmSide":
        const CSvm* svm
        bint above
    void svm_decisions(const CSvm&, const double*, size_t, const CRun&, double*) except +
    void svm_inside(const vector[CSide]&, double, const double*, size_t, const CRun&,
                    uint8_t*) except +
    void c_svm_train "lamoo::svm_train"(
        const CKernel&, double, double, const double*, size_t, size_t, const uint8_t*, const CRun&,
        double*, double*) except +


cdef CKernel svm_kernel(int kind, double gamma, unsigned degree) noexcept:
    cdef CKernel kernel
    kernel.kind, kernel.gamma, kernel.degree = <CKind> kind, gamma, degree
    return kernel


cdef class Svm:
    cdef CSvm* handle

    def __cinit__(self, int kind, double gamma, unsigned degree, mean, scale, support, dual,
                  double intercept):
        cdef Rows rows = rows_of(support), centre = rows_of(mean), width = rows_of(scale)
        cdef Rows weights = rows_of(dual)
        self.handle = new CSvm(svm_kernel(kind, gamma, degree), centre.data, width.data, rows.data,
                               weights.data, weights.n, centre.n, intercept)

    def __dealloc__(self):
        del self.handle

    def decision(self, Z):
        cdef Rows rows = rows_of(Z)
        out = empty(rows.n)
        cdef double* decisions = rows_of(out).data
        cdef lamoo_run run = run_on(1)
        with nogil:
            svm_decisions(self.handle[0], rows.data, rows.n, CRun(&run), decisions)
        return out


def svm_on_sides(list machines, list above, double margin, Z):
    cdef Rows rows = rows_of(Z)
    cdef vector[CSide] sides
    cdef CSide side
    cdef Py_ssize_t i
    for i in range(len(machines)):
        side.svm = (<Svm?> machines[i]).handle
        side.above = above[i]
        sides.push_back(side)
    out = empty(rows.n, bool_)
    cdef uint8_t* mask = <uint8_t*> rows_of(out).data
    cdef lamoo_run run = run_on(1)
    with nogil:
        svm_inside(sides, margin, rows.data, rows.n, CRun(&run), mask)
    return out


def svm_train(int kind, double gamma, unsigned degree, double C, double tolerance, X, good):
    cdef Rows rows = rows_of(X)
    dual = empty(rows.n)
    cdef double* duals = rows_of(dual).data
    cdef const uint8_t* labels = <const uint8_t*> rows_of(good).data
    cdef double intercept = 0.0
    cdef CKernel kernel = svm_kernel(kind, gamma, degree)
    cdef lamoo_run run = run_on(1)
    with nogil:
        c_svm_train(kernel, C, tolerance, rows.data, rows.n, rows.m, labels, CRun(&run), duals,
                    &intercept)
    return dual, intercept
