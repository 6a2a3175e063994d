extern crate std;

use std::vec;
use std::vec::Vec;

use super::*;

fn cut(work: Range<usize>, count: usize) -> Lanes {
    let mut lanes = Lanes::new();
    lanes.cut(work, count);
    lanes
}

/// All chunks of about `size` that a participant takes which begins in `lane`.
fn chunks(lanes: &Lanes, mut lane: usize, size: usize) -> Vec<Range<usize>> {
    core::iter::from_fn(|| lanes.take(&mut lane, size)).collect()
}

#[test]
fn every_element_is_taken_once() {
    for count in [1, 2, 3, LANES, LANES + 1] {
        for len in [1, 2, 3, 31, 100, 1000] {
            for size in [1, 7, 500, usize::MAX] {
                let mut taken = vec![0; len];
                let lanes = cut(5..5 + len, count);
                for chunk in chunks(&lanes, lanes.home(1), size) {
                    taken[chunk.start - 5..chunk.end - 5]
                        .iter_mut()
                        .for_each(|n| *n += 1);
                }
                assert!(
                    taken.iter().all(|n| *n == 1),
                    "{count} {len} {size}: {taken:?}"
                );
            }
        }
    }
}

#[test]
fn the_longest_input_there_can_be_is_cut_without_overflow() {
    for count in [1, 2, LANES] {
        let lanes = cut(0..usize::MAX, count);
        assert_eq!(lanes.left(), usize::MAX);
        let mut taken = chunks(&lanes, 0, usize::MAX);
        taken.sort_unstable_by_key(|chunk| chunk.start);
        let mut next = 0;
        for chunk in taken {
            assert_eq!(chunk.start, next);
            next = chunk.end;
        }
        assert_eq!(next, usize::MAX);
    }
}

#[test]
fn a_chunk_is_an_eighth_of_what_its_lane_has_left_at_most_unless_it_is_cheap() {
    for size in [1, 7, 15, 300, 100_000, usize::MAX] {
        for left in 1..2000 {
            let cheap = match size {
                300 => 16,
                100_000 => 16,
                _ => 0,
            };
            let expected = size.min((left / 8).max(cheap)).clamp(1, left);
            assert_eq!(chunk(size, left), expected, "{size} of {left}");
        }
    }
    assert_eq!(chunk(32, 8), 2, "a sixteenth");
    let lanes = cut(500..1500, 2);
    let first: Vec<_> = chunks(&lanes, 0, usize::MAX)
        .iter()
        .map(Range::len)
        .collect();
    assert_eq!(first[..4], [62, 54, 48, 42]);
}

#[test]
fn a_participant_that_comes_too_late_takes_what_is_left_or_nothing() {
    let lanes = cut(500..700, 2);
    let Lane { next, .. } = lanes.lane(0).unwrap();
    assert_eq!(lanes.take(&mut 0, 1000), Some(500..516));
    next.store(30, Ordering::Relaxed);
    let mut lane = 0;
    assert_eq!(lanes.take(&mut lane, 1000), Some(600..616));
    assert_eq!((lane, next.load(Ordering::Relaxed)), (1, 30));
    assert_eq!(lanes.left(), 84);
    #[cfg(feature = "std")]
    {
        assert!(lanes.take_all().eq([600..600, 616..700]));
        assert_eq!(lanes.left(), 0);
    }
}

/// They have seen a lane as long as can be, and add a chunk each when it is empty.
#[test]
fn as_many_as_there_can_be_may_come_too_late_to_one_lane() {
    let lanes = cut(0..usize::MAX, 2);
    let Lane { next, .. } = lanes.lane(0).unwrap();
    let longest = chunk(usize::MAX - 1, usize::MAX);
    next.store(0, Ordering::Relaxed);
    for late in 0..=MAX_WORKERS {
        assert_eq!(
            left(next.fetch_add(longest, Ordering::Relaxed)),
            0,
            "{late}"
        );
    }
    assert_eq!(left(next.load(Ordering::Relaxed)), 0);
    assert_eq!(lanes.take(&mut 0, 1).unwrap().start, usize::MAX / 2 + 1);
}

#[test]
fn a_participant_begins_at_home_and_goes_on_next_door() {
    let lanes = cut(0..90, 3);
    assert_eq!([lanes.home(0), lanes.home(1), lanes.home(2)], [1, 2, 1]);
    let mut starts: Vec<_> = chunks(&lanes, 1, usize::MAX)
        .iter()
        .map(|chunk| chunk.start / 30)
        .collect();
    starts.dedup();
    assert_eq!(starts, [1, 2, 0]);
}
