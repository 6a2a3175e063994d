//! How a worker serves a pool: run a job, else join a team, else look for a while, else sleep.

use core::mem;

use crate::map;
use crate::platform::Platform;
use crate::pool::Pool;
use crate::queue::backoff::Crowd;
use crate::queue::slot::Before;
use crate::sleep::Sleep;
use crate::sleep::spin::Search;
use crate::unwind;
use crate::worker::Serve;

/// A worker gives way before it sleeps if so many jobs were taken since it last slept: whoever queued so many may have
/// more, and be waiting for this very core. Measured, where a submitter and the only worker shared a core: 10 000 jobs
/// woke the worker 460 times and took 1300 ns each; like this hardly ever, and 26 ns. After fewer it does not, for
/// that costs a thread the kernel's favour when it is woken the next time.
const MANY: usize = 8;

/// How many times it relaxes while it looks away from a stream, at most: some two microseconds.
const AWAY: u32 = 64;

/// Wakes everyone when a worker leaves; by a job's panic too, without `std`.
struct Leave<'p, P: Platform>(&'p Sleep<P>);

impl<P: Platform> Drop for Leave<'_, P> {
    fn drop(&mut self) {
        self.0.wake_all();
    }
}

/// What a worker is at.
struct Shift {
    /// It ran dry, and is counted as searching.
    searching: bool,
    /// It helped a map.
    helped: bool,
    crowd: Crowd,
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Serve for Pool<CAPACITY, P, WORDS> {
    fn serve(&self, worker: usize) {
        // However this ends, the others shall look whether it is the end for them too.
        let _leave = Leave(&self.sleep);
        let platform = self.sleep.platform();
        let mut search = Search::new();
        let mut shift = self.shift();
        let mut woken_at = self.ring.taken();
        // How many turns it had since it last ran dry, and how many looks it has left.
        let (mut turns, mut looks) = (0usize, 0);
        loop {
            if self.turn(worker, &mut shift) {
                turns = turns.saturating_add(1);
                continue;
            }
            let spins = platform.spins();
            let turns = mem::take(&mut turns);
            let spun = mem::take(&mut looks);
            if spins != 0 {
                // Before it is counted on by anybody: the first quantum takes a while.
                search.ran_dry(platform.ticks(), turns, || platform.quantum());
                looks = match spun {
                    // Maps count on it: who was woken for one still looks when the next one comes.
                    _ if shift.helped => {
                        search.found();
                        spins
                    }
                    0 => search.looks(spins),
                    // What it saw, others took.
                    _ if turns == 0 => spun,
                    _ => {
                        search.found();
                        spins
                    }
                };
            }
            if !shift.searching {
                self.sleep.search();
            }
            shift = self.shift();
            shift.searching = true;
            if let Some(since) = search.looks_away().filter(|_| spins != 0) {
                self.look_away(since);
            }
            let found = self.spin(&mut looks);
            if spins != 0 && looks == 0 {
                search.was_in_vain();
            }
            if found {
                continue;
            }
            if self.ring.is_finished() {
                break self.sleep.stop_searching();
            }
            if self.ring.taken().wrapping_sub(woken_at) >= MANY {
                platform.give_way();
            }
            self.sleep
                .sleep(worker, || self.has_work() || self.ring.is_finished());
            woken_at = self.ring.taken();
            if spins != 0 {
                search.woke(platform.ticks());
            }
        }
    }

    fn step(&self, worker: usize) -> bool {
        let crowd = Crowd::of(|| 1);
        let mut shift = Shift {
            searching: false,
            helped: false,
            crowd,
        };
        self.turn(worker, &mut shift)
    }

    fn discharge(&self, worker: usize) {
        self.sleep.discharge(worker);
    }
}

/// A worker that searched has found something.
impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Before for Pool<CAPACITY, P, WORDS> {
    fn before(&self) {
        self.sleep.found(|| self.ring.is_ready(0));
    }
}

impl<const CAPACITY: usize, P: Platform, const WORDS: usize> Pool<CAPACITY, P, WORDS> {
    #[inline]
    fn shift(&self) -> Shift {
        Shift {
            searching: false,
            helped: false,
            crowd: Crowd::of(|| self.sleep.workers()),
        }
    }

    /// At most one job, then at most one team: so neither a flood of jobs nor a stream of maps starves
    /// the other.
    #[inline]
    fn turn(&self, worker: usize, shift: &mut Shift) -> bool {
        let mut busy = false;
        if let Some(job) = self.ring.pop(&mut shift.crowd) {
            let found: Option<&dyn Before> = match mem::take(&mut shift.searching) {
                true => Some(self),
                false => None,
            };
            if unwind::contain(|| job.run(found)) {
                self.count_panic();
            }
            busy = true;
        }
        if let Some(team) = self.maps.join(worker, &self.sleep) {
            if mem::take(&mut shift.searching) {
                self.before();
            }
            map::help(team, worker, &self.sleep);
            shift.helped = true;
            busy = true;
        }
        busy
    }

    fn has_work(&self) -> bool {
        self.ring.is_ready(0) || self.maps.any_open()
    }

    /// Waits for a quarter of the ring to be filled, or a team, for a quantum `since` then.
    fn look_away(&self, since: u64) {
        let platform = self.sleep.platform();
        for _ in 0..AWAY {
            let waited = platform.ticks().wrapping_sub(since);
            if self.ring.is_ready(CAPACITY / 4)
                || self.maps.any_open()
                || waited > platform.quantum()
            {
                break;
            }
            platform.relax();
        }
    }

    /// Looks for work for a while, and once more. Leaves how many looks are left.
    fn spin(&self, looks: &mut u32) -> bool {
        let platform = self.sleep.platform();
        while *looks != 0 {
            if self.has_work() {
                return true;
            }
            *looks -= 1;
            // Now and then only: this reads the producers' line.
            if *looks % 256 == 0 && self.ring.is_finished() {
                return false;
            }
            platform.relax();
        }
        self.has_work()
    }
}

#[cfg(test)]
#[cfg(all(feature = "std", not(any(ringpool_loom, ringpool_shuttle))))]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::{AWAY, MANY};
    use crate::{Platform, Pool, Spin, Threads};

    const UNPARK: usize = usize::MAX;

    /// Counts the waits between looks, and does something at one; and how often it gives way. To park is wait 0,
    /// to unpark wait `UNPARK`. It has a clock if its quantum is not 0; each look at it takes a tick.
    struct Host {
        spins: u32,
        waits: AtomicUsize,
        then: fn(usize),
        ways: AtomicUsize,
        now: AtomicU64,
        quantum: u64,
    }

    impl Host {
        const fn new(spins: u32, then: fn(usize)) -> Self {
            Self::with_clock(spins, 0, then)
        }

        const fn with_clock(spins: u32, quantum: u64, then: fn(usize)) -> Self {
            let (waits, ways) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let now = AtomicU64::new(0);
            Self {
                spins,
                waits,
                then,
                ways,
                now,
                quantum,
            }
        }
    }

    impl Platform for Host {
        fn park(&self, _: usize) {
            (self.then)(0);
        }

        fn unpark(&self, _: usize) {
            (self.then)(UNPARK);
        }

        fn spins(&self) -> u32 {
            self.spins
        }

        fn relax(&self) {
            (self.then)(1 + self.waits.fetch_add(1, Ordering::Relaxed));
        }

        fn give_way(&self) {
            self.ways.fetch_add(1, Ordering::Relaxed);
        }

        fn ticks(&self) -> u64 {
            self.now.fetch_add(1, Ordering::Relaxed) * self.quantum.min(1)
        }

        fn quantum(&self) -> u64 {
            self.quantum
        }
    }

    /// Serves the pool on this thread, until something closes it.
    fn serve<const CAPACITY: usize>(pool: &'static Pool<CAPACITY, Host>) {
        let start = pool.start(1, |worker| {
            worker.run();
            Ok::<(), ()>(())
        });
        start.unwrap();
    }

    fn waits<const CAPACITY: usize>(pool: &Pool<CAPACITY, Host>) -> usize {
        pool.sleep.platform().waits.load(Ordering::Relaxed)
    }

    /// What a worker sees that looks for a while, and after how many waits.
    fn spin(pool: &Pool<4, Host>) -> (bool, usize) {
        let found = pool.spin(&mut pool.sleep.platform().spins());
        (found, waits(pool))
    }

    #[test]
    fn a_worker_looks_so_many_times() {
        let pool = Pool::new(Host::new(700, |_| ()));
        assert_eq!(spin(&pool), (false, 700));
    }

    #[test]
    fn a_worker_that_looks_sees_a_job() {
        static POOL: Pool<4, Host> = Pool::new(Host::new(700, |wait| {
            if wait == 300 {
                POOL.execute(|| ()).unwrap();
            }
        }));
        assert_eq!(spin(&POOL), (true, 300));
        let pool = Pool::new(Host::new(0, |_| ()));
        pool.execute(|| ()).unwrap();
        assert_eq!(spin(&pool), (true, 0));
    }

    #[test]
    fn a_worker_that_looks_sees_the_end_now_and_then() {
        static POOL: Pool<4, Host> = Pool::new(Host::new(100_000, |wait| {
            if wait == 300 {
                POOL.close();
            }
        }));
        assert_eq!(spin(&POOL), (false, 415));
    }

    #[test]
    fn a_worker_that_spun_in_vain_sleeps_at_once_and_tries_again_later() {
        static PARKS: AtomicUsize = AtomicUsize::new(0);
        static POOL: Pool<4, Host> = Pool::new(Host::new(5, |wait| {
            // Something comes while it spins the 10th time.
            let found = wait == 9 * 5 + 3;
            let park = PARKS.fetch_add(usize::from(wait == 0), Ordering::Relaxed);
            if wait == 0 && park == 20 {
                POOL.close();
            } else if wait == 0 || found {
                POOL.execute(|| ()).unwrap();
            }
        }));
        serve(&POOL);
        assert_eq!(PARKS.load(Ordering::Relaxed), 21);
        // 8 sleeps after spinning, 2 without, 1 after, 4 without, where it finds something; and then 6 after spinning anew.
        assert_eq!(waits(&POOL), 9 * 5 + 3 + 6 * 5 + 4);
    }

    #[test]
    fn a_worker_looks_away_for_a_while() {
        let pool: Pool<16, Host> = Pool::new(Host::new(0, |_| ()));
        (0..4).for_each(|_| pool.execute(|| ()).unwrap());
        pool.look_away(0);
        assert_eq!(waits(&pool), AWAY as usize);
        let pool: Pool<16, Host> = Pool::new(Host::with_clock(0, 10, |_| ()));
        pool.look_away(0);
        assert_eq!(waits(&pool), 11, "a quantum");
    }

    #[test]
    fn a_worker_looks_away_until_a_quarter_is_filled() {
        static POOL: Pool<16, Host> = Pool::new(Host::new(0, |_| POOL.execute(|| ()).unwrap()));
        POOL.look_away(0);
        assert_eq!(waits(&POOL), 5);
    }

    #[test]
    fn a_worker_looks_away_until_somebody_maps() {
        let pool: Pool<16, Host> = Pool::new(Host::new(0, |_| ()));
        pool.sleep.enlist();
        // Without a clock, the team is opened after the first element.
        pool.map(0..3, (), |k| {
            pool.look_away(0);
            assert_eq!(waits(&pool), AWAY as usize, "{k}");
        });
    }

    #[test]
    fn a_worker_looks_away_from_a_stream() {
        static MOST: AtomicUsize = AtomicUsize::new(0);
        // A job at each wait.
        static POOL: Pool<16, Host> = Pool::new(Host::with_clock(1000, 1000, |wait| match wait {
            100 => POOL.close(),
            _ if wait > 100 => (),
            _ => {
                let job = || _ = MOST.fetch_max(POOL.ring.len(), Ordering::Relaxed);
                POOL.execute(job).unwrap();
            }
        }));
        serve(&POOL);
        assert_eq!(MOST.load(Ordering::Relaxed), 4, "more queued behind a job");
    }

    #[test]
    fn a_worker_that_had_much_to_do_gives_way_before_it_sleeps() {
        static PARKS: AtomicUsize = AtomicUsize::new(0);
        static POOL: Pool<16, Host> = Pool::new(Host::new(0, |_| {
            let jobs = match PARKS.fetch_add(1, Ordering::Relaxed) {
                0 => MANY - 1,
                1 => MANY,
                2 => 1,
                _ => return POOL.close(),
            };
            (0..jobs).for_each(|_| POOL.execute(|| ()).unwrap());
        }));
        serve(&POOL);
        assert_eq!(PARKS.load(Ordering::Relaxed), 4);
        let ways = POOL.sleep.platform().ways.load(Ordering::Relaxed);
        assert_eq!(ways, 1, "after the many");
        let now = POOL.sleep.platform().now.load(Ordering::Relaxed);
        assert_eq!(now, 0, "nobody looks at the clock where nobody spins");
    }

    #[test]
    fn who_wakes_another_before_its_job_has_freed_the_slot_before() {
        static RESULT: Mutex<Option<bool>> = Mutex::new(None);
        static POOL: Pool<2, Host> = Pool::new(Host::new(0, |wait| {
            assert_eq!(wait, UNPARK);
            *RESULT.lock().unwrap() = Some(POOL.execute(|| ()).is_ok());
        }));
        (0..2).for_each(|_| POOL.execute(|| ()).unwrap());
        POOL.sleep.lay_down([1]);
        POOL.sleep.search();
        let mut shift = POOL.shift();
        shift.searching = true;
        assert!(POOL.turn(0, &mut shift));
        assert_eq!(*RESULT.lock().unwrap(), Some(true));
    }

    #[test]
    fn a_job_is_work_and_so_is_an_open_team() {
        let pool: Pool<4, Host> = Pool::new(Host::new(0, |_| ()));
        assert!(!pool.has_work());
        pool.execute(|| ()).unwrap();
        assert!(pool.has_work());
        assert!(pool.turn(0, &mut pool.shift()));
        assert!(!pool.has_work());
        pool.sleep.enlist();
        // Without a clock, the team is opened after the first element.
        pool.map(0..10, (), |k| assert_eq!(pool.has_work(), k != 0));
        assert!(!pool.has_work());
        let helped = AtomicUsize::new(0);
        pool.map(0..10, (), |k| {
            if k == 1 {
                let mut shift = pool.shift();
                assert!(pool.turn(0, &mut shift));
                assert!(shift.helped);
                helped.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(helped.into_inner(), 1);
    }

    #[test]
    fn a_worker_sleeps_while_a_producer_is_stopped_halfway_and_wakes_when_it_goes_on() {
        let pool: Pool<4, Threads> = Pool::new(Threads::new());
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            let claim = pool.ring.claim().ok().unwrap();
            let start = pool.start(1, |worker| {
                scope.spawn(|| worker.run());
                Ok::<(), ()>(())
            });
            start.unwrap();
            let behind = sender.clone();
            pool.execute(move || behind.send(2).unwrap()).unwrap();
            while pool.sleep.sleepers() == 0 {
                thread::yield_now();
            }
            assert!(receiver.try_recv().is_err());
            claim.fill(move || sender.send(1).unwrap());
            pool.sleep.notify();
            assert_eq!(receiver.recv(), Ok(1));
            assert_eq!(receiver.recv(), Ok(2));
            pool.close();
        });
    }

    #[test]
    fn all_who_wait_for_a_late_job_hear_of_the_end() {
        let pool: Pool<4, Threads> = Pool::new(Threads::new());
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            let claim = pool.ring.claim().ok().unwrap();
            let start = pool.start(3, |worker| {
                scope.spawn(|| worker.run());
                Ok::<(), ()>(())
            });
            start.unwrap();
            // Accepted and not yet written when the pool closes: nobody may leave.
            pool.close();
            while pool.sleep.sleepers() != 3 {
                thread::yield_now();
            }
            claim.fill(move || sender.send(()).unwrap());
            pool.sleep.notify();
            // One is woken; as it leaves it wakes the others, or this scope does not end.
        });
        assert_eq!(receiver.recv(), Ok(()));
    }
    #[test]
    fn while_a_producer_is_stopped_halfway_nobody_else_waits() {
        let pool: Pool<4> = Pool::new(Spin::new());
        let mut worker = None;
        pool.start(1, |it| {
            worker = Some(it);
            Ok::<(), ()>(())
        })
        .unwrap();
        let mut worker = worker.unwrap();
        let (sender, receiver) = channel();
        let job = |k| {
            let sender = sender.clone();
            move || sender.send(k).unwrap()
        };
        let claim = pool.ring.claim().ok().unwrap();
        (1..4).for_each(|k| pool.execute(job(k)).unwrap());
        assert!(pool.execute(|| ()).unwrap_err().is_full());
        assert!(!worker.step());
        let mut ys = [0; 100];
        pool.map(0..100, &mut ys, |k| k);
        assert!((0..100).eq(ys));
        claim.fill(job(0));
        pool.sleep.notify();
        while worker.step() {}
        assert!(receiver.try_iter().eq(0..4));
    }

    #[test]
    fn who_helps_a_map_is_not_counted_on_for_jobs() {
        let pool: Pool<4, Threads> = Pool::new(Threads::new());
        let [(helping, helps), (sender, receiver)] = [channel(), channel()];
        let (helps, receiver) = (Mutex::new(helps), Mutex::new(receiver));
        let caller = thread::current().id();
        thread::scope(|scope| {
            let hire = || {
                let start = pool.start(1, |worker| {
                    scope.spawn(|| worker.run());
                    Ok::<(), ()>(())
                });
                start.unwrap();
                while pool.sleep.sleepers() == 0 {
                    thread::yield_now();
                }
            };
            hire();
            pool.map(0..3, (), |element| {
                if element == 0 {
                    // Long, so that the others are shared.
                    thread::sleep(Duration::from_millis(1));
                } else if thread::current().id() == caller {
                    helps.lock().unwrap().recv().unwrap();
                    hire();
                    let sender = sender.clone();
                    pool.execute(move || sender.send(()).unwrap()).unwrap();
                } else {
                    helping.send(()).unwrap();
                    // From a job that somebody else has to wake up for.
                    receiver.lock().unwrap().recv().unwrap();
                }
            });
            pool.close();
        });
    }
}
