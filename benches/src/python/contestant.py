"""Python's pools, doing what ringpool does: `contestant.py POOL WORKLOAD THREADS`.

Prints `ready`; then for each line `go` on its input, a line of samples.
"""

import ctypes
import hashlib
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool
from multiprocessing.pool import ThreadPool
from queue import Queue
from threading import Thread


# The pools, each with the same three methods:
#   apply(f, xs): submits f(x) for each x, one by one; the results.
#   submit(f): submits f(); a function that waits for its result.
#   map(f, xs): the results in the order of xs, by the pool's own map where it has one.


class Executor:
    def __init__(self, threads):
        self.pool = ThreadPoolExecutor(threads)

    def apply(self, f, xs):
        futures = [self.pool.submit(f, x) for x in xs]
        return [future.result() for future in futures]

    def submit(self, f):
        return self.pool.submit(f).result

    def map(self, f, xs):
        return list(self.pool.map(f, xs))


class Multiprocessing:
    """ThreadPool and Pool have the same interface."""

    def __init__(self, pool):
        self.pool = pool

    def apply(self, f, xs):
        results = [self.pool.apply_async(f, (x,)) for x in xs]
        return [result.get() for result in results]

    def submit(self, f):
        return self.pool.apply_async(f).get

    def map(self, f, xs):
        return self.pool.map(f, xs)


class Worker(Thread):
    def __init__(self, tasks):
        super().__init__(daemon=True)
        self.tasks = tasks
        self.start()

    def run(self):
        while True:
            f, args = self.tasks.get()
            try:
                f(*args)
            except Exception as e:
                print(e, file=sys.stderr)
            finally:
                self.tasks.task_done()


class WorkersAndQueue:
    """The pool that everybody writes once."""

    def __init__(self, threads):
        self.tasks = Queue(1024)
        for _ in range(threads):
            Worker(self.tasks)

    def apply(self, f, xs):
        results = [None] * len(xs)

        def task(i, x):
            results[i] = f(x)

        for i, x in enumerate(xs):
            self.tasks.put((task, (i, x)))
        self.tasks.join()
        return results

    def submit(self, f):
        result = []
        self.tasks.put((lambda: result.append(f()), ()))

        def wait():
            self.tasks.join()
            return result[0]

        return wait

    map = apply


class Loop:
    """No pool."""

    def __init__(self, threads):
        pass

    def map(self, f, xs):
        return [f(x) for x in xs]


def die_with_parent():
    """Whoever ends this program kills it; its processes would stay."""
    pr_set_pdeathsig = 1
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


POOLS = {
    "executor": Executor,
    "threads": lambda threads: Multiprocessing(ThreadPool(threads)),
    "processes": lambda threads: Multiprocessing(Pool(threads, die_with_parent)),
    "workers": WorkersAndQueue,
    "loop": Loop,
}


# What jobs do. Functions of the module, so that processes find them.


def same(x):
    return x


def now():
    return time.perf_counter_ns()


def nap(_):
    time.sleep(0.01)


def square(x):
    return x * x + 1


def steps(x):
    x += 1
    for _ in range(5000):
        x ^= (x << 13) & 0xFFFF_FFFF_FFFF_FFFF
        x ^= x >> 7
        x ^= (x << 17) & 0xFFFF_FFFF_FFFF_FFFF
    return x


def sha256(x):
    return hashlib.sha256(bytes([x]) * 65536).digest()


# Workloads: each gives a function that returns samples.


def timed(f):
    """What f() takes in ns, and its result."""
    start = now()
    result = f()
    return now() - start, result


def submit(pool):
    def burst(n):
        ns, results = timed(lambda: pool.apply(same, range(n)))
        assert sum(results) == n * (n - 1) // 2, "each job runs once"
        return ns / n

    def turn():
        burst(100)
        return [burst(2000)]

    return turn


def latency(pool):
    def sample():
        before = now()
        started = pool.submit(now)
        time.sleep(0.001)
        return started() - before

    def turn():
        for _ in range(4):
            sample()
        return [sample() for _ in range(40)]

    return turn


def naps(pool):
    def turn():
        pool.apply(nap, range(32))
        ns, _ = timed(lambda: pool.apply(nap, range(200)))
        return [ns / 1e6]

    return turn


def mapped(f, n, calls):
    def workload(pool):
        xs = list(range(n))
        ys = [f(x) for x in xs]

        def turn():
            assert pool.map(f, xs) == ys, "results in order"
            return [timed(lambda: pool.map(f, xs))[0] for _ in range(calls)]

        return turn

    return workload


WORKLOADS = {
    "submit": submit,
    "latency": latency,
    "naps": naps,
    "map-64": mapped(square, 64, 20),
    "map-1024": mapped(square, 1024, 3),
    "steps": mapped(steps, 64, 1),
    "sha256": mapped(sha256, 64, 3),
}


def main():
    pool, workload, threads = sys.argv[1:]
    turn = WORKLOADS[workload](POOLS[pool](int(threads)))
    print("ready", flush=True)
    for _ in sys.stdin:
        print(*turn(), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Exception as e:
        print("fails:", repr(e), flush=True)
        sys.exit(1)
