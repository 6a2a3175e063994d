//! An interrupt queues jobs, and a second core runs them.

#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use footprint::{Board, read, write};
use ringpool::{Pool, Worker};

#[unsafe(link_section = ".entries")]
#[used]
static ENTRIES: [extern "C" fn(); 3] = [start, other_core, interrupt];

static POOL: Pool<16, Board> = Pool::new(Board);

/// The worker on its way to the other core.
struct Post(UnsafeCell<MaybeUninit<Worker<'static>>>);
// SAFETY: it is written before the other core is started, which reads it.
unsafe impl Sync for Post {}
static POST: Post = Post(UnsafeCell::new(MaybeUninit::uninit()));

#[unsafe(no_mangle)]
extern "C" fn start() {
    let started = POOL.start(1, |worker| {
        // SAFETY: the other core does not run yet.
        unsafe { (*POST.0.get()).write(worker) };
        Ok::<(), ()>(())
    });
    write(started.is_ok().into());
    loop {
        write(read());
    }
}

extern "C" fn other_core() {
    // SAFETY: it was started, so this was written.
    let mut worker = unsafe { (*POST.0.get()).assume_init_read() };
    while worker.step() {
        write(read());
    }
    worker.run();
}

extern "C" fn interrupt() {
    let sample = read();
    if POOL.execute(move || write(sample)).is_err() {
        write(2);
    }
}
