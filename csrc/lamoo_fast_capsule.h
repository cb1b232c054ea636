/* The kernels of an installed lamoo_fast for a C or C++ extension module, without linking.
 *
 *     #include <Python.h>
 *     #include "lamoo_fast_capsule.h"          // in lamoo_fast.get_include()
 *
 *     const lamoo_api* lamoo = lamoo_import(); // once, in the module's init, with the GIL
 *     if (lamoo == NULL) return NULL;          // a Python exception is set
 *     lamoo->hypervolume(F, n, m, ref, NULL, &volume);   // from then on, from any thread
 */
#ifndef LAMOO_FAST_CAPSULE_H
#define LAMOO_FAST_CAPSULE_H

#include "lamoo_fast.h"

#if defined(__cplusplus)
#define LAMOO_POINTER_TO(function) decltype(&function)
#else
#define LAMOO_POINTER_TO(function) __typeof__(&function)
#endif
#define LAMOO_FIELD(name) LAMOO_POINTER_TO(lamoo_##name) name

/* The functions of lamoo_fast.h by their names without lamoo_. New ones are added at the end;
 * any other change has a new LAMOO_FAST_ABI_VERSION. */
typedef struct lamoo_api {
  int abi_version; /* of the library */
  size_t size;     /* of this structure in the library */
  LAMOO_FIELD(simd_level);
  LAMOO_FIELD(hypervolume);
  LAMOO_FIELD(hypervolume_batch);
  LAMOO_FIELD(hv_contributions);
  LAMOO_FIELD(hv_improvement);
  LAMOO_FIELD(hv_approx);
  LAMOO_FIELD(is_nondominated);
  LAMOO_FIELD(pareto_rank);
  LAMOO_FIELD(dominance_count);
  LAMOO_FIELD(archive_new);
  LAMOO_FIELD(archive_free);
  LAMOO_FIELD(archive_add);
  LAMOO_FIELD(archive_size);
  LAMOO_FIELD(archive_front);
  LAMOO_FIELD(archive_hypervolume);
  LAMOO_FIELD(improvement_at);
  LAMOO_FIELD(archive_keep);
  LAMOO_FIELD(archive_clear);
  LAMOO_FIELD(indicator);
  LAMOO_FIELD(crowding_distance);
  LAMOO_FIELD(hv_least_contributor);
  LAMOO_FIELD(hv_subset_selection);
  LAMOO_FIELD(hv_approx_contributions);
  LAMOO_FIELD(hv_approx_improvement);
  LAMOO_FIELD(boxes_new);
  LAMOO_FIELD(boxes_free);
  LAMOO_FIELD(boxes_size);
  LAMOO_FIELD(boxes_corners);
} lamoo_api;

#ifdef __cplusplus
extern "C" {
#endif
/* The table itself; for those who load the library on their own. */
LAMOO_API const lamoo_api* lamoo_get_api(void);
#ifdef __cplusplus
}
#endif

#undef LAMOO_FIELD
#undef LAMOO_POINTER_TO

#define LAMOO_CAPSULE_NAME "lamoo_fast.kernels._core.C_API"

#ifdef Py_PYTHON_H
/* api, or NULL and an ImportError when it does not have what this header says. */
static inline const lamoo_api* lamoo_checked(const lamoo_api* api) {
  if (api == NULL) return NULL;
  if (api->abi_version == LAMOO_FAST_ABI_VERSION && api->size >= sizeof(lamoo_api)) return api;
  PyErr_Format(PyExc_ImportError,
               "lamoo_fast has C ABI %d with a table of %zu bytes, but this module was compiled "
               "for ABI %d with %zu; compile it against the installed lamoo_fast",
               api->abi_version, api->size, LAMOO_FAST_ABI_VERSION, sizeof(lamoo_api));
  return NULL;
}

static inline const lamoo_api* lamoo_import(void) {
  return lamoo_checked((const lamoo_api*)PyCapsule_Import(LAMOO_CAPSULE_NAME, 0));
}
#endif

#endif
