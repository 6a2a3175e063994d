// Counts the calls of the kernel by which threads sleep, wake and yield.
//
// The program's own `syscall` and `sched_yield` come before libc's: std, parking_lot and libc's Rust bindings
// call these. What libc and libgomp do inside is not seen: pthread's mutexes and condition variables, malloc.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

_Atomic int32_t ringpool_counting;
_Atomic uint64_t ringpool_wakes, ringpool_waits, ringpool_yields;

static void count(_Atomic uint64_t *counter) {
    if (atomic_load_explicit(&ringpool_counting, memory_order_relaxed))
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

// The kernel takes six arguments at most. Whoever passes fewer has the rest ignored.
long syscall(long number, ...) {
    static _Atomic(long (*)(long, ...)) libc_syscall;
    long (*forward)(long, ...) = atomic_load_explicit(&libc_syscall, memory_order_relaxed);
    if (!forward) {
        forward = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        atomic_store_explicit(&libc_syscall, forward, memory_order_relaxed);
    }

    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);

    if (number == SYS_futex) {
        switch (b & FUTEX_CMD_MASK) {
        case FUTEX_WAIT:
        case FUTEX_WAIT_BITSET:
            count(&ringpool_waits);
            break;
        case FUTEX_WAKE:
        case FUTEX_WAKE_BITSET:
            count(&ringpool_wakes);
            break;
        }
    }
    return forward(number, a, b, c, d, e, f);
}

int sched_yield(void) {
    count(&ringpool_yields);
    return syscall(SYS_sched_yield);
}
