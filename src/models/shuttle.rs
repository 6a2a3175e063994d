//! [shuttle](https://docs.rs/shuttle) tries interleavings of larger mixes, of the real sizes.

extern crate std;

use std::sync::Arc;
use std::vec::Vec;

use shuttle::thread;

use crate::models::{Count, Spots, Staffed, submit, twice};

#[test]
fn workers_submitters_and_maps() {
    shuttle::check_random(
        || {
            let count = Arc::new(Count::default());
            let staffed = Staffed::<2, _>::on(Spots::new(3), 3);
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let (pool, count) = (Arc::clone(&staffed.pool), Arc::clone(&count));
                    thread::spawn(move || (0..3).for_each(|_| submit(&pool, &count)))
                })
                .collect();
            twice(&staffed.pool, 5);
            staffed.close();
            for other in others {
                other.join().unwrap();
            }
            count.settle(6);
        },
        1000,
    );
}
