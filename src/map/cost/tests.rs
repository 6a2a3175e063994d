use super::*;

#[test]
fn a_cost_is_so_many_ticks_an_element() {
    let cost = Cost::of(1000, 4);
    assert_eq!(cost.total(10), 2500);
    assert_eq!(cost.afford(2500), 10);
    assert_eq!(cost.afford(2499), 9);
    // Sixteenths of a tick: four elements a tick.
    let cost = Cost::of(25, 100);
    assert_eq!(cost.total(100), 25);
    assert_eq!(cost.afford(25), 100);
}

#[test]
fn nothing_is_free_and_one_element_can_always_be_afforded() {
    let free = Cost::of(0, 1000);
    assert_eq!(free.total(160), 10);
    assert_eq!(free.afford(10), 160);
    assert_eq!(Cost::of(1000, 1).afford(0), 1);
}

#[test]
fn what_cannot_be_counted_is_the_most_there_is() {
    let cost = Cost::of(usize::MAX, 1);
    assert_eq!(cost.total(usize::MAX), usize::MAX / 16);
    assert_eq!(Cost::of(0, 1).afford(usize::MAX), usize::MAX);
}

#[test]
fn a_sleeper_is_worth_waking_for_so_much_work() {
    let cost = Cost::of(10, 1);
    let elements = 1000 / 10;
    for sleepers in 0..4 {
        assert_eq!(cost.wakes(sleepers * elements, 1000), sleepers);
        assert_eq!(cost.wakes((sleepers + 1) * elements - 1, 1000), sleepers);
    }
    assert_eq!(cost.wakes(77, 0), 77, "without a clock, for each element");
}

/// What is remembered of `key`, in sixteenths of a tick.
fn recall(costs: &Costs, key: usize) -> Option<usize> {
    match costs.recall(key) {
        Known::Cost(Cost(cost)) => Some(cost.get()),
        Known::New => None,
        Known::Forgotten => panic!("{key:#x} has no place"),
    }
}

fn is_forgotten(costs: &Costs, key: usize) -> bool {
    matches!(costs.recall(key), Known::Forgotten)
}

/// The k-th function of one set.
fn key(k: usize) -> usize {
    0x7000 + 16 * SETS * k
}

#[test]
fn a_function_that_was_not_called_is_new() {
    let costs = Costs::new();
    for key in (0..0x1000).step_by(16) {
        assert_eq!(recall(&costs, key), None);
    }
}

#[test]
fn so_many_functions_are_remembered_side_by_side() {
    let costs = Costs::new();
    let entries = if usize::BITS >= 64 { 64 } else { 4 };
    let keys = || (0..entries).map(|k| (0x7000 + 16 * k, 100 + k));
    for (key, cost) in keys() {
        assert_eq!(recall(&costs, key), None);
        costs.note(key, cost, 16);
    }
    for (key, cost) in keys() {
        assert_eq!(recall(&costs, key), Some(cost));
    }
}

#[test]
fn once_a_set_is_full_no_function_of_it_is_new_again() {
    let costs = Costs::new();
    (0..WAYS).for_each(|k| costs.note(key(k), 100 + k, 16));
    for k in WAYS..5 * WAYS {
        assert!(is_forgotten(&costs, key(k)));
        costs.note(key(k), 100 + k, 16);
        assert_eq!(recall(&costs, key(k)), Some(100 + k));
        let known = |k| !is_forgotten(&costs, key(k));
        assert_eq!((0..5 * WAYS).filter(|k| known(*k)).count(), WAYS);
    }
}

#[test]
fn a_call_that_took_no_time_teaches_nothing() {
    let costs = Costs::new();
    costs.note(key(0), 0, 1000);
    assert_eq!(recall(&costs, key(0)), None);
    costs.note(key(0), 100, 16);
    costs.note(key(0), 0, 1000);
    assert_eq!(recall(&costs, key(0)), Some(100));
}

#[test]
fn a_cost_that_is_about_the_same_is_not_written_again() {
    let costs = Costs::new();
    let note = |cost| {
        costs.note(0x7000, cost, 16);
        recall(&costs, 0x7000).unwrap()
    };
    assert_eq!(note(100), 100);
    assert_eq!(note(125), 100);
    assert_eq!(note(75), 100);
    assert_eq!(note(126), 126);
    assert_eq!(note(90), 90);
}

#[test]
fn the_highest_cost_there_is_leaves_the_key_alone() {
    let costs = Costs::new();
    costs.note(key(0), usize::MAX, 1);
    let highest = if usize::BITS >= 64 {
        0xFFFF_FFFF
    } else {
        0xF_FFFF
    };
    assert_eq!(recall(&costs, key(0)), Some(highest));
    for k in 1..WAYS {
        assert_eq!(recall(&costs, key(k)), None);
    }
}
