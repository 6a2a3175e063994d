//! Far more workers than cores, some of which submit and map at the same time: no job is lost, every map has its
//! results, and all leave. Before and after, all workers sleep, and a map has as many helpers at once as it waits for.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::{
    Lab, Ledger, check_maps_within_a_map, rounds, serve, two_help_at_once, wait_until, watchdog,
};
use ringpool::{Platform, Pool};

const MANY: usize = if usize::BITS == 64 { 64 } else { 31 };

/// `workers` of the pool, and four threads that submit jobs and map.
fn crowd<P: Platform + Send>(platform: P, workers: usize) {
    let _watchdog = watchdog();
    let each = rounds(500);
    let pool: Pool<32, P> = Pool::new(platform);
    let (values, runs) = (Ledger::new(4 * each), Arc::new(AtomicUsize::new(0)));
    serve(&pool, workers, || {
        wait_until(|| pool.sleepers() == workers);
        two_help_at_once(&pool);
        thread::scope(|scope| {
            for user in 0..4 {
                let (pool, values, runs) = (&pool, &values, &runs);
                scope.spawn(move || {
                    for k in 0..each {
                        let (value, runs) = (values.make(user * each + k), Arc::clone(runs));
                        let mut job = move || {
                            drop(value);
                            runs.fetch_add(1, SeqCst);
                        };
                        while let Err(rejected) = pool.execute(job) {
                            job = rejected.into_inner();
                            thread::yield_now();
                        }
                        if k % 10 == 0 {
                            check_maps_within_a_map(pool, 100, k);
                        }
                    }
                });
            }
        });
        wait_until(|| pool.sleepers() == workers);
        two_help_at_once(&pool);
    });
    assert!(cfg!(miri) || 4 * each > 10 * 32, "the ring has wrapped");
    assert_eq!(runs.load(SeqCst), 4 * each);
    values.check();
    let end = format!("{pool:?}");
    assert!(
        end.contains("queued: 0, closed: true, workers: 0, sleepers: 0"),
        "{end}"
    );
}

#[test]
fn many_workers_that_yield() {
    crowd(Lab::hasty(), MANY);
}

#[test]
fn many_workers_without_a_clock() {
    crowd(Lab::without_clock(), MANY);
}

#[cfg(feature = "std")]
#[test]
fn many_workers_that_sleep() {
    crowd(ringpool::Threads::new(), MANY);
}

#[cfg(feature = "std")]
#[test]
fn as_many_workers_as_there_can_be_that_sleep_at_once() {
    let most = if usize::BITS == 64 { 256 } else { 32 };
    crowd(ringpool::Threads::new().with_spins(0), most);
}
