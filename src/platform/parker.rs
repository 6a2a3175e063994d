//! A spot of std threads: a binary semaphore where one sleeps.
//!
//! On Linux, on the processors that [`native`](crate::native) lists, it is a futex, as in std's own
//! locks: one word, no lock, one system call to wake a sleeper. So
//! [`execute`](crate::Pool::execute) may be called from a signal handler there. Elsewhere it is
//! std's mutex and condition variable, which cost the thread that wakes a sleeper 0.4 to 0.8 us
//! more (measured on Linux).
//!
//! Not `std::thread::park`, whose token belongs to the thread's own code: `map` waits on its
//! caller's thread.

use crate::native::where_there_is_a_futex;

// What is named goes before what comes by a `*`.
#[allow(unused_imports, reason = "not where there is a futex")]
pub(crate) use condvar::*;
where_there_is_a_futex! {
    pub(crate) use futex::Parker;

    mod futex {
        use core::ffi::c_long;
        use core::sync::atomic::{AtomicU32, Ordering};

        /// The number of the system call, from the kernel's `syscall` tables.
        const FUTEX: c_long = if cfg!(target_arch = "x86_64") {
            202
        } else if cfg!(target_arch = "s390x") {
            238
        } else if cfg!(any(target_arch = "x86", target_arch = "arm")) {
            240
        } else {
            98 // of all that are newer
        };
        /// `FUTEX_WAIT` and `FUTEX_WAKE`, for threads of this process only.
        const WAIT: c_long = 128;
        const WAKE: c_long = 129;

        unsafe extern "C" {
            // From the C library that std uses.
            fn syscall(number: c_long, ...) -> c_long;
        }

        /// 1: there is a token.
        pub(crate) struct Parker(AtomicU32);

        impl Parker {
            pub(crate) const fn new() -> Self {
                Self(AtomicU32::new(0))
            }

            pub(crate) fn park(&self) {
                // Acquire: pairs with the release in `unpark`.
                while self.0.swap(0, Ordering::Acquire) == 0 {
                    self.call(WAIT, 0);
                }
            }

            pub(crate) fn unpark(&self) {
                // Release: pairs with the acquire in `park`.
                self.0.store(1, Ordering::Release);
                self.call(WAKE, 1);
            }

            /// `WAIT`: sleeps if there is no token (`number` is 0), until it is woken, or for no reason.
            /// `WAKE`: wakes `number` sleepers.
            fn call(&self, operation: c_long, number: c_long) {
                let forever: *const () = core::ptr::null();
                // SAFETY: the call wants an aligned word, two numbers and no time; it writes nothing.
                unsafe { syscall(FUTEX, self.0.as_ptr(), operation, number, forever) };
            }
        }
    }
}

/// Compiled and tested everywhere, used where there is no futex.
#[allow(dead_code, reason = "not used where there is a futex")]
mod condvar {
    use std::sync::{Condvar, Mutex, PoisonError};

    pub(crate) struct Parker {
        token: Mutex<bool>,
        left: Condvar,
    }

    impl Parker {
        pub(crate) const fn new() -> Self {
            Self {
                token: Mutex::new(false),
                left: Condvar::new(),
            }
        }

        pub(crate) fn park(&self) {
            // Nothing panics while it holds the lock.
            let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
            let mut token = self
                .left
                .wait_while(token, |token| !*token)
                .unwrap_or_else(PoisonError::into_inner);
            *token = false;
        }

        pub(crate) fn unpark(&self) {
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.left.notify_one();
        }
    }
}

#[cfg(test)]
#[cfg(not(any(ringpool_loom, ringpool_shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    macro_rules! is_a_binary_semaphore {
        ($parker:ty) => {{
            let (here, there) = (<$parker>::new(), <$parker>::new());
            here.unpark();
            here.unpark();
            here.park(); // two make one token
            let turns = AtomicUsize::new(0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    for turn in 0..100 {
                        here.park();
                        assert_eq!(turns.fetch_add(1, Ordering::Relaxed), 2 * turn + 1);
                        there.unpark();
                    }
                });
                for turn in 0..100 {
                    assert_eq!(turns.fetch_add(1, Ordering::Relaxed), 2 * turn);
                    here.unpark();
                    there.park();
                }
            });
        }};
    }

    #[test]
    fn a_spot_is_a_binary_semaphore() {
        is_a_binary_semaphore!(super::Parker);
        is_a_binary_semaphore!(super::condvar::Parker);
    }
}
