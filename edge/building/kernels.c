/* What the generated wrappers of kernels share: taking arguments, telling failures, and the two
   functions of numba's runtime that kernels are compiled to call. Included by the generated file. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>
#include <stdint.h>
#include <stdlib.h>

/* An array as numba's compiled functions take it: owner (twice), size, bytes per item, data; then the
   shape and the strides (numba.core.datamodel.models.ArrayModel). Without an owner none is counted. */
#define ARRAY_TYPES void *, void *, int64_t, int64_t, void *
#define ARRAY_HEAD(a) NULL, NULL, (int64_t)PyArray_SIZE(a), (int64_t)PyArray_ITEMSIZE(a), PyArray_DATA(a)

/* What a kernel leaves where it raises (numba.core.callconv.excinfo_t). */
typedef struct {
    const char *pickled;
    int32_t n_pickled;
    void *arguments;
    void *unwrap;
    int32_t is_dynamic;
} raised;

__attribute__((visibility("hidden"))) void NRT_MemInfo_call_dtor(void *owner)
{
    (void)owner; /* no array of ours has one */
    abort();
}

/* Strides of a contiguous array in another shape; 0 where it is not contiguous or of another size. */
__attribute__((visibility("hidden"))) int numba_attempt_nocopy_reshape(
    npy_intp n_dims, const npy_intp *dims, const npy_intp *strides, npy_intp n_new, const npy_intp *new_dims,
    npy_intp *new_strides, npy_intp itemsize, int is_f_order)
{
    npy_intp n_bytes = itemsize, n_new_bytes = itemsize;
    for (npy_intp k = n_dims - 1; k >= 0; k--) {
        if (dims[k] != 1 && strides[k] != n_bytes)
            return 0;
        n_bytes *= dims[k];
    }
    for (npy_intp k = n_new - 1; k >= 0; k--) {
        new_strides[k] = n_new_bytes;
        n_new_bytes *= new_dims[k];
    }
    return !is_f_order && n_bytes == n_new_bytes;
}

static int is_complete(const char *kernel, Py_ssize_t n_given, Py_ssize_t n_wanted)
{
    if (n_given == n_wanted)
        return 1;
    PyErr_Format(PyExc_TypeError, "%s expected %zd arguments, got %zd", kernel, n_wanted, n_given);
    return 0;
}

static PyArrayObject *array_of(
    const char *kernel, int place, PyObject *given, int type, const char *type_name, int n_dims, int is_written)
{
    if (PyArray_Check(given)) {
        PyArrayObject *array = (PyArrayObject *)given;
        int is_plain = is_written ? PyArray_ISCARRAY(array) : PyArray_ISCARRAY_RO(array);
        if (is_plain && PyArray_NDIM(array) == n_dims && PyArray_EquivTypenums(PyArray_TYPE(array), type))
            return array;
    }
    PyErr_Format(
        PyExc_TypeError, "%s expected as argument %d a%s C-contiguous array of %s with %d dimensions, got another %s",
        kernel, place, is_written ? " writable" : "", type_name, n_dims, Py_TYPE(given)->tp_name);
    return NULL;
}

/* A whole number within bounds; -1 with an error set where it is none. */
static int64_t whole_of(const char *kernel, int place, PyObject *given, int64_t low, int64_t high)
{
    int64_t value = PyLong_AsLongLong(given);
    if (value == -1 && PyErr_Occurred())
        return -1;
    if (value < low || value > high) {
        PyErr_Format(PyExc_OverflowError, "%s: argument %d is out of range", kernel, place);
        return -1;
    }
    return value;
}

static PyObject *failed(const char *kernel, int32_t status, const raised *error)
{
    if (status <= 0 || error == NULL || error->is_dynamic)
        return PyErr_Format(PyExc_RuntimeError, "%s failed with status %d", kernel, (int)status);
    PyObject *pickle = PyImport_ImportModule("pickle");
    if (pickle == NULL)
        return NULL;
    PyObject *what = PyObject_CallMethod(
        pickle, "loads", "y#", error->pickled, (Py_ssize_t)error->n_pickled); /* class, arguments, place */
    Py_DECREF(pickle);
    if (what != NULL && PyTuple_Check(what) && PyTuple_GET_SIZE(what) == 3)
        PyErr_SetObject(PyTuple_GET_ITEM(what, 0), PyTuple_GET_ITEM(what, 1));
    else if (what != NULL)
        PyErr_Format(PyExc_RuntimeError, "%s failed with status %d", kernel, (int)status);
    Py_XDECREF(what);
    return NULL;
}
