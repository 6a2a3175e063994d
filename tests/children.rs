//! What could end the process: each test starts its own program again, as a child that runs only it.
#![cfg(all(unix, not(miri)))]

mod common;

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use common::{wait_until, watchdog};
use ringpool::{Platform, Pool};

/// In the child: runs `body`, and exits with 0. In the test `test`: runs the child, and returns how it
/// ended.
fn in_a_child(test: &str, body: impl FnOnce()) -> Output {
    const CHILD: &str = "RINGPOOL_CHILD";
    if env::var_os(CHILD).is_some() {
        body();
        process::exit(0);
    }
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "")
        .output()
        .unwrap()
}

#[test]
fn a_hook_that_panics_while_helpers_work_ends_the_program() {
    /// A caller's wait for its helpers panics.
    struct Bad;
    impl Platform for Bad {
        fn park(&self, spot: usize) {
            assert!(spot >= 4, "a caller waits");
            thread::yield_now();
        }

        fn unpark(&self, _: usize) {}
    }
    static POOL: Pool<4, Bad> = Pool::new(Bad);
    static HELPS: AtomicBool = AtomicBool::new(false);
    let _watchdog = watchdog();
    let test = "a_hook_that_panics_while_helpers_work_ends_the_program";
    let output = in_a_child(test, || {
        let start = POOL.start(1, |worker| {
            thread::spawn(|| worker.run());
            Ok::<(), ()>(())
        });
        start.unwrap();
        let caller = thread::current().id();
        // Without a clock, the team is opened after the first element. Its helper never leaves.
        let map = || {
            POOL.map(0..3, (), |k| {
                if thread::current().id() != caller {
                    HELPS.store(true, SeqCst);
                    wait_until(|| false);
                } else if k != 0 {
                    wait_until(|| HELPS.load(SeqCst));
                }
            });
        };
        let _ = catch_unwind(AssertUnwindSafe(map));
    });
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{says}");
    assert!(says.contains("would leave other threads in a frame that is gone"));
}

#[cfg(feature = "std")]
mod with_std {
    use std::sync::mpsc::channel;
    use std::thread::Builder;

    use ringpool::ThreadPool;

    use super::*;

    fn a_pool_on_a_stack_of<const CAPACITY: usize>(kib: usize) {
        let body = || {
            let pool = ThreadPool::<CAPACITY>::with_workers(2).unwrap();
            let (sender, receiver) = channel();
            pool.execute(move || sender.send(()).unwrap()).unwrap();
            receiver.recv().unwrap();
        };
        let thread = Builder::new().stack_size(kib * 1024).spawn(body);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn a_thread_pool_needs_little_stack() {
        let _watchdog = watchdog();
        let test = "with_std::a_thread_pool_needs_little_stack";
        let output = in_a_child(test, || {
            a_pool_on_a_stack_of::<1024>(16);
            // 16 MiB of slots.
            a_pool_on_a_stack_of::<0x4_0000>(64);
        });
        assert!(output.status.success(), "{output:?}");
    }
}
