//! docs/safety.md says which `unsafe` code rests on which invariant; here that is compared with the source.

#![cfg(not(miri))] // which has no file system

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../docs/safety.md");

/// For each invariant and file: how many `SAFETY:` comments name it. "none" is for those that name none.
type Rests<'t> = BTreeMap<(&'t str, String), usize>;

/// The invariants that a comment names.
fn named(comment: &str) -> Vec<&str> {
    match comment.split('*').skip(1).step_by(2).collect::<Vec<_>>() {
        names if names.is_empty() => vec!["none"],
        names => names,
    }
}

/// What follows each `SAFETY:`, to the end of the comment.
fn reasons(source: &str) -> impl Iterator<Item = &str> {
    let (source, _tests) = source.split_once("\nmod tests {").unwrap_or((source, ""));
    source.split("// SAFETY: ").skip(1).map(|rest| {
        let code = |line: &&str| !line.trim_start().starts_with("//");
        let end = rest.lines().skip(1).find(code).unwrap_or_default();
        rest.split_once(end).map_or(rest, |(comment, _)| comment)
    })
}

#[test]
fn the_table_of_invariants_is_that_of_the_source() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for folder in ["", "map/", "platform/", "queue/", "sleep/"] {
        for entry in fs::read_dir(src.join(folder)).unwrap() {
            let name = folder.to_owned() + entry.unwrap().file_name().to_str().unwrap();
            // sync.rs has what only checkers see.
            if name.ends_with(".rs") && name != "sync.rs" && !name.ends_with("tests.rs") {
                sources.push((fs::read_to_string(src.join(&name)).unwrap(), name));
            }
        }
    }
    let mut source = Rests::new();
    for (text, name) in &sources {
        for reason in reasons(text) {
            for invariant in named(reason) {
                *source.entry((invariant, name.clone())).or_default() += 1;
            }
        }
    }
    let mut table = Rests::new();
    for row in PAGE.lines().filter(|row| row.starts_with("| ")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, invariant, _, stated, rests, _] = cells[..] else {
            continue;
        };
        for rest in rests.split(", ") {
            if let Some((file, count)) = rest.trim_matches('`').split_once("` ") {
                let name = invariant.trim_matches('*');
                table.insert((name, file.to_owned()), count.parse().unwrap());
                if name != "none" {
                    let (text, _) = sources
                        .iter()
                        .find(|(_, name)| stated == format!("`{name}`"))
                        .expect(stated);
                    assert_eq!(text.matches(&format!("Invariant *{name}*")).count(), 1);
                }
            }
        }
    }
    assert_eq!(source, table);
}
