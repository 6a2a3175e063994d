//! GCC's OpenMP: the loops are in `openmp.c`, what they do is in Rust.
//!
//! Between two loops its threads spin for ever (active) or sleep (passive), as `OMP_WAIT_POLICY`
//! says. It is read before `main`, so this program starts itself once more, with that variable set.

use std::env;
use std::ffi::{c_int, c_void};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{ForkJoin, Load, Work, fill_alone};

type Body = extern "C" fn(context: *const c_void, begin: usize, end: usize);

unsafe extern "C" {
    fn ringpool_openmp_static(body: Body, context: *const c_void, n: usize, threads: c_int);
    fn ringpool_openmp_dynamic(
        body: Body,
        context: *const c_void,
        n: usize,
        threads: c_int,
        chunk: usize,
    );
}

pub struct OpenMp<const ACTIVE: bool> {
    threads: c_int,
}

struct Context<'a, F> {
    out: *mut u64,
    f: &'a F,
}

extern "C" fn body<F: Fn(usize) -> u64>(context: *const c_void, begin: usize, end: usize) {
    // SAFETY: `fill` passes a context of this type, which outlives its loop.
    let context = unsafe { &*context.cast::<Context<F>>() };
    // SAFETY: `begin` lies within the output, or at its end.
    let start = unsafe { context.out.add(begin) };
    // SAFETY: so does `end`, and OpenMP gives no part of the output to two threads.
    let out = unsafe { std::slice::from_raw_parts_mut(start, end - begin) };
    fill_alone(begin, out, context.f);
}

impl<const ACTIVE: bool> ForkJoin for OpenMp<ACTIVE> {
    fn start(threads: usize) -> Self {
        let policy = if ACTIVE { "active" } else { "passive" };
        if env::var("OMP_WAIT_POLICY").as_deref() != Ok(policy) {
            let error = Command::new(env::current_exe().expect("a program has a path"))
                .args(env::args_os().skip(1))
                .env("OMP_WAIT_POLICY", policy)
                .exec();
            panic!("{error}");
        }
        Self {
            threads: threads.try_into().expect("not so many threads"),
        }
    }

    fn fill<F: Fn(usize) -> u64 + Sync>(&mut self, work: Work, out: &mut [u64], f: &F) {
        let (n, out) = (out.len(), out.as_mut_ptr());
        let context = Context { out, f };
        let context = (&raw const context).cast();
        match work.load {
            Load::Even | Load::Few => {
                // SAFETY: `body` may be called with this context for parts of `0..n`, on any
                // thread: `f` is `Sync`.
                unsafe { ringpool_openmp_static(body::<F>, context, n, self.threads) };
            }
            Load::Uneven => {
                // SAFETY: as above.
                unsafe {
                    ringpool_openmp_dynamic(body::<F>, context, n, self.threads, work.piece);
                }
            }
        }
    }
}
