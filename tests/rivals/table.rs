//! `docs/rivals.md` says the truth: the tests that it names exist, and its totals are those of its rows.
#![cfg(not(miri))] // which has no file system

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("../../docs/rivals.md");

/// The cells of each row of `cells` cells.
fn rows(cells: usize) -> impl Iterator<Item = Vec<&'static str>> {
    TABLE
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect::<Vec<_>>())
        .filter(move |row| row.len() == cells)
}

/// Each row with a number of tests: that number, and what there is here.
fn tests() -> impl Iterator<Item = (usize, &'static str)> {
    rows(3).filter_map(|row| Some((row[1].parse().ok()?, row[2])))
}

/// What is in code style.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let mut missing = Vec::new();
    for name in tests().flat_map(|(_, ours)| code(ours)) {
        let modules: Vec<_> = name.split("::").collect();
        let exists = match modules[..] {
            [path] if path.contains('/') => read(path).is_some(),
            [_] => true,
            [.., test] => ["tests", "src"].iter().any(|folder| {
                let test = format!("fn {test}()");
                (1..modules.len()).any(|depth| {
                    let file = read(&format!("{folder}/{}.rs", modules[..depth].join("/")));
                    file.is_some_and(|file| file.contains(&test))
                })
            }),
            [] => unreachable!(),
        };
        if !exists {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_totals_are_those_of_the_rows() {
    let mut totals = BTreeMap::<_, usize>::new();
    for (tests, ours) in tests() {
        let kind = if ours.starts_with("otherwise: ") {
            "done otherwise here, and tested"
        } else if ours.contains("`rivals::") {
            "tested in `tests/rivals`"
        } else if ours.contains('`') {
            "tested in other files"
        } else {
            ours.split(':').next().unwrap()
        };
        for key in [kind, "tests of theirs"] {
            *totals.entry(key).or_default() += tests;
        }
    }
    let (_, says) = TABLE.split_once("## Totals").unwrap();
    for (kind, total) in totals {
        let row = format!("| {kind} | {total} |\n");
        assert!(says.contains(&row), "no row {row}");
        let reasons = TABLE.split_once("## threadpool").unwrap().0;
        let reason = rows(2).any(|row| row[0] == kind) && reasons.contains(&format!("| {kind} | "));
        assert!(reason || kind.contains("test"), "{kind} is no reason");
    }
}
