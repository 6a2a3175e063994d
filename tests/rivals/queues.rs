//! The queues: `heapless`'s `mpmc` and `crossbeam`'s `ArrayQueue`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use ringpool::{Pool, Spin};

use crate::common::{Lab, by_hand, rounds, serve, wait_until, watchdog};

/// heapless `drain_at_pos255` and `full_at_wrapped_pos0`: positions that had wrapped.
#[test]
fn the_smallest_ring_is_as_good_after_any_number_of_laps() {
    let pool: Pool<2> = Pool::new(Spin::new());
    let mut worker = by_hand(&pool);
    for _ in 0..600 {
        pool.execute(|| ()).unwrap();
        assert!(worker.step() && !worker.step(), "one job, and no more");
        pool.execute(|| ()).unwrap();
        pool.execute(|| ()).unwrap();
        assert!(pool.execute(|| ()).unwrap_err().is_full());
        assert!(worker.step() && worker.step() && !worker.step());
    }
}

/// heapless #583: who has just taken something finds no room for another. Here that is allowed, but only
/// while another worker is in the middle of taking a job: so a retry helps, and with one worker there is
/// always room.
#[test]
fn jobs_that_queue_themselves_again_find_room() {
    let _watchdog = watchdog();
    static POOL: Pool<4, Lab> = Pool::new(Lab::without_clock());
    static ALONE: AtomicBool = AtomicBool::new(true);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    fn again(left: usize) {
        if left == 0 {
            ENDED.fetch_add(1, SeqCst);
            return;
        }
        let mut result = POOL.execute(move || again(left - 1));
        while let Err(rejected) = result {
            assert!(rejected.is_full());
            if ALONE.load(SeqCst) {
                return;
            }
            thread::yield_now();
            result = POOL.execute(rejected.into_inner());
        }
    }
    let submit = || {
        for _ in 0..4 {
            POOL.execute(|| again(rounds(5000))).unwrap();
        }
    };
    submit();
    let mut worker = by_hand(&POOL);
    while worker.step() {}
    assert_eq!(ENDED.load(SeqCst), 4);
    ALONE.store(false, SeqCst);
    submit();
    thread::scope(|scope| {
        for mut worker in [worker, by_hand(&POOL)] {
            scope.spawn(move || {
                while ENDED.load(SeqCst) < 8 {
                    worker.step();
                }
            });
        }
    });
}

/// crossbeam `len_empty_full`, `exclusive_reference` and `len`.
#[test]
fn a_pool_says_how_many_jobs_wait_and_never_more_than_its_capacity() {
    let _watchdog = watchdog();
    let pool: Pool<8, Lab> = Pool::new(Lab::without_clock());
    let mut worker = by_hand(&pool);
    for most in (1..=8).cycle().take(40) {
        for before in 0..most {
            assert_eq!(pool.queued(), before);
            pool.execute(|| ()).unwrap();
        }
        for after in (0..most).rev() {
            worker.step();
            assert_eq!(pool.queued(), after);
        }
    }
    drop(worker);
    serve(&pool, 2, || {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..rounds(2000) {
                        while pool.execute(|| ()).is_err() {
                            let queued = pool.queued();
                            assert!(queued <= 8, "{queued}");
                        }
                    }
                });
            }
        });
        wait_until(|| pool.queued() == 0);
    });
}

/// crossbeam `spsc`; rayon-core's `spawn_fifo`.
#[test]
fn one_worker_keeps_every_producer_s_order_lap_after_lap() {
    let _watchdog = watchdog();
    let pool: Pool<4, Lab> = Pool::new(Lab::without_clock());
    let (log, order) = channel();
    serve(&pool, 1, || {
        thread::scope(|scope| {
            for producer in 0..2 {
                let (pool, log) = (&pool, log.clone());
                scope.spawn(move || {
                    for k in 0..rounds(2000) {
                        let log = log.clone();
                        let mut result = pool.execute(move || log.send((producer, k)).unwrap());
                        while let Err(rejected) = result {
                            thread::yield_now();
                            result = pool.execute(rejected.into_inner());
                        }
                    }
                });
            }
        });
    });
    drop(log);
    let mut next = [0; 2];
    for (producer, k) in order {
        assert_eq!(k, next[producer]);
        next[producer] += 1;
    }
    assert_eq!(next, [rounds(2000); 2]);
}
