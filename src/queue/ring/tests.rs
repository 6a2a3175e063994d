extern crate std;

use std::sync::mpsc::channel;
use std::vec::Vec;

use super::*;

/// The lap before positions wrap to zero.
const LAST_LAP: usize = usize::MAX - 7;
type Small = Ring<4, 6>;

fn refusal<F>(pushed: Result<(), (F, Refusal)>) -> Option<Refusal> {
    pushed.err().map(|(_, refusal)| refusal)
}

#[test]
fn positions_wrap_and_nothing_is_lost_or_out_of_order() {
    for queued in 1..=4 {
        let ring = Small::starting_at(LAST_LAP - 8);
        let (sender, receiver) = channel();
        for round in 0..5 {
            for k in 0..queued {
                let sender = sender.clone();
                let job = move || sender.send(round * queued + k).unwrap();
                assert_eq!(refusal(ring.push(job)), None);
            }
            assert_eq!(ring.len(), queued);
            if queued == 4 {
                assert_eq!(refusal(ring.push(|| ())), Some(Refusal::Full));
            }
            for _ in 0..queued {
                ring.pop().unwrap().run(None);
            }
            assert!(ring.pop().is_none());
        }
        let order: Vec<_> = receiver.try_iter().collect();
        assert_eq!(order, Vec::from_iter(0..5 * queued));
    }
}

#[test]
fn a_closed_ring_is_finished_when_its_last_claim_is_filled_and_taken() {
    let ring = Small::starting_at(LAST_LAP);
    let claim = ring.claim().ok().unwrap();
    assert!(!ring.is_closed());
    ring.close();
    assert!(ring.is_closed());
    assert_eq!(refusal(ring.push(|| ())), Some(Refusal::Closed));
    assert!(!ring.is_finished());
    claim.fill(|| ());
    assert!(!ring.is_finished());
    assert!(ring.pop().is_some());
    assert!(ring.is_finished());
}

#[test]
fn a_producer_that_stops_halfway_stops_no_other() {
    let ring = Small::new();
    let claim = ring.claim().ok().unwrap();
    let (sender, receiver) = channel();
    let second = sender.clone();
    assert_eq!(refusal(ring.push(move || second.send(2).unwrap())), None);
    // The job behind it waits, and no consumer spins for it.
    assert!(ring.pop().is_none());
    assert!(!ring.is_ready());
    claim.fill(move || sender.send(1).unwrap());
    assert!(ring.is_ready());
    while let Some(job) = ring.pop() {
        job.run(None);
    }
    assert_eq!(Vec::from_iter(receiver), [1, 2]);
}

#[test]
fn a_consumer_that_stops_halfway_stops_no_other() {
    let ring = Small::new();
    let (sender, receiver) = channel();
    let push = |k| {
        let sender = sender.clone();
        refusal(ring.push(move || sender.send(k).unwrap()))
    };
    (0..4).for_each(|k| assert_eq!(push(k), None));
    // It has moved the head, and has not moved the job out yet.
    ring.head.store(STEP, Ordering::Relaxed);
    while let Some(job) = ring.pop() {
        job.run(None);
    }
    assert_eq!(Vec::from_iter(receiver.try_iter()), [1, 2, 3]);
    // The next slot in turn is the one that is being emptied. No consumer spins for it.
    assert_eq!(push(4), Some(Refusal::Full));
    assert!(!ring.is_ready());
    let slot = ring.slot(0);
    let next_lap = STEP * 4;
    Occupied { slot, next_lap }.run(None);
    assert_eq!(push(5), None);
    ring.pop().unwrap().run(None);
    assert_eq!(Vec::from_iter(receiver.try_iter()), [0, 5]);
}

#[test]
fn a_worker_that_sees_an_old_head_sees_that_there_was_a_job() {
    let ring = Small::new();
    assert_eq!(refusal(ring.push(|| ())), None);
    assert_eq!(refusal(ring.push(|| ())), None);
    assert!(ring.is_ready());
    ring.pop().unwrap().run(None);
    // Another worker has taken a job meanwhile, and there is one behind it.
    ring.head.store(0, Ordering::Relaxed);
    assert!(
        ring.is_ready(),
        "the slot is free for the next lap: look again"
    );
    ring.head.store(STEP, Ordering::Relaxed);
}
