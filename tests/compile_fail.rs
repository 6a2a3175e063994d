//! What must not compile, and what the compiler says then.
//!
//! Every file in `tests/ui` is a program. One with a comment `//~ ERROR text` must fail to build, and the
//! compiler must say `text`, for each such comment; one without must build. So the rest of what the
//! compiler says may change from version to version. They are built, not only checked: some of the
//! pool's errors come when a generic function is used.
#![cfg(not(miri))]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn every_program_in_ui_says_what_it_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let bins = package.join("src/bin");
    let _ = fs::remove_dir_all(&bins);
    fs::create_dir_all(&bins).unwrap();
    let manifest = format!(
        "[package]\nname = \"ui\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nringpool.path = {root:?}\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    // The same versions, so that there is nothing to download.
    let _ = fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"));

    let mut wrong = Vec::new();
    let mut programs = 0;
    for program in fs::read_dir(root.join("tests/ui")).unwrap() {
        let program = program.unwrap().path();
        let name = program.file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(&program).unwrap();
        fs::write(bins.join(name).with_extension("rs"), &source).unwrap();
        let output = Command::new(env!("CARGO"))
            .args([
                "build",
                "--offline",
                "--quiet",
                "--color=never",
                "--bin",
                name,
            ])
            .arg("--target-dir")
            .arg(package.join("target"))
            .current_dir(&package)
            .output()
            .unwrap();
        // Messages that are broken into lines are compared without their breaks.
        let says = String::from_utf8_lossy(&output.stderr);
        let flat = says.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected: Vec<_> = source
            .lines()
            .filter_map(|line| line.split_once("//~ ERROR "))
            .map(|(_, text)| text.trim())
            .collect();
        let right = output.status.success() == expected.is_empty()
            && expected.iter().all(|text| flat.contains(text));
        if !right {
            wrong.push(format!("--- {name}: expected {expected:?}, but:\n{says}"));
        }
        programs += 1;
    }
    assert!(programs > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
