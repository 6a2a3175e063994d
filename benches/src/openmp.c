// A loop as one writes it with OpenMP, but that its body is a function in Rust.

#include <stddef.h>

typedef void body(void *context, size_t begin, size_t end);

// One part for each thread.
void ringpool_openmp_static(body *body, void *context, size_t n, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++)
        body(context, n * part / threads, n * (part + 1) / threads);
}

// Parts of `chunk` elements, each for whoever is free.
void ringpool_openmp_dynamic(body *body, void *context, size_t n, int threads, size_t chunk) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t begin = 0; begin < n; begin += chunk)
        body(context, begin, begin + chunk < n ? begin + chunk : n);
}
