//! The example `sha256sum` against coreutils' own.
//!
//! `cargo test --features std` builds the example first; `cargo test --test sha256sum` does not.

#![cfg(all(feature = "std", target_os = "linux", not(miri)))]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// `target/<profile>/examples/sha256sum`; this test is in `target/<profile>/deps`.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples/sha256sum");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sha256sum.rs");
    let written = |path| fs::metadata(path).and_then(|file| file.modified()).ok();
    assert!(
        written(&example) >= written(&source),
        "not built, or older than its source: cargo build --features std --example sha256sum"
    );
    example
}

/// A command that runs in `tree`, in the locale whose messages are known.
fn command(program: impl AsRef<OsStr>, tree: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(tree).env("LC_ALL", "C");
    command.stdin(Stdio::null());
    command
}

/// The example, which gets a minute.
fn our_command(tree: &Path) -> Command {
    let mut command = command("timeout", tree);
    command.arg("60").arg(example());
    command
}

fn ours<S: AsRef<OsStr>>(tree: &Path, args: impl IntoIterator<Item = S>) -> Output {
    our_command(tree).args(args).output().unwrap()
}

fn coreutils<S: AsRef<OsStr>>(tree: &Path, args: impl IntoIterator<Item = S>) -> Output {
    let output = command("sha256sum", tree).args(args).output();
    output.expect("coreutils' sha256sum is needed to compare with")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_same(ours: &Output, theirs: &Output) {
    assert_eq!(text(&ours.stdout), text(&theirs.stdout));
    assert!(
        ours.stdout == theirs.stdout,
        "they differ in what is not UTF-8"
    );
    assert_eq!(ours.status.code(), theirs.status.code());
    assert_eq!(text(&ours.stderr), text(&theirs.stderr));
}

/// Writes a file of its own content for each name; both programs must print the same for these arguments.
#[track_caller]
fn assert_names_come_out_the_same(names: &[&[u8]]) {
    let tree = TempDir::new().unwrap();
    let names: Vec<&OsStr> = names.iter().map(|name| OsStr::from_bytes(name)).collect();
    for name in &names {
        fs::write(tree.path().join(name), name.as_bytes()).unwrap();
    }
    let args = || [OsStr::new("--")].into_iter().chain(names.iter().copied());
    let theirs = coreutils(tree.path(), args());
    assert!(theirs.status.success(), "{theirs:?}");
    assert_same(&ours(tree.path(), args()), &theirs);
}

/// Both programs must fail, print the same, and name the same files.
#[track_caller]
fn assert_fails_the_same(tree: &Path, args: &[&str]) {
    let theirs = coreutils(tree, args);
    assert_eq!(theirs.status.code(), Some(1), "{theirs:?}");
    assert_same(&ours(tree, args), &theirs);
}

fn tree_with(files: &[(&str, &[u8])]) -> TempDir {
    let tree = TempDir::new().unwrap();
    for (name, content) in files {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    tree
}

/// What `find DIRS -type f | sort | xargs sha256sum` prints, for any names.
fn found_by_find(tree: &Path, dirs: &[&str]) -> Output {
    let mut find = command("find", tree);
    let found = find.args(dirs).args(["-type", "f", "-print0"]).output();
    let found = found.unwrap().stdout;
    let mut names: Vec<&[u8]> = found.split(|&byte| byte == 0).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    coreutils(tree, names.iter().map(|name| OsStr::from_bytes(name)))
}

#[test]
fn names_with_newlines_are_escaped_like_coreutils() {
    assert_names_come_out_the_same(&[b"a\nb", b"\n", b"plain", b"end\n", b"\n\n"]);
}

#[test]
fn names_with_backslashes_are_escaped_like_coreutils() {
    assert_names_come_out_the_same(&[b"a\\b", b"\\", b"a\\nb", b"plain", b"\\\n\\"]);
}

#[test]
fn names_with_carriage_returns_are_escaped_like_coreutils() {
    assert_names_come_out_the_same(&[b"a\rb", b"\r", b"plain", b"end\r\n"]);
}

#[test]
fn names_with_spaces_tabs_and_dashes_are_printed_as_they_are() {
    assert_names_come_out_the_same(&[b" a  b ", b"-dash", b"--stats", b"*", b"tab\t", b"\x1b[1m"]);
}

#[test]
fn names_that_are_not_utf8_are_printed_byte_for_byte() {
    assert_names_come_out_the_same(&[b"\xff\xfe", b"caf\xe9", "caf\u{e9}".as_bytes(), b"\n\xff\\"]);
}

#[test]
fn an_empty_file_has_a_checksum() {
    let tree = tree_with(&[("empty", b"")]);
    let output = ours(tree.path(), ["empty"]);
    assert_eq!(
        text(&output.stdout),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\n"
    );
    assert_same(&output, &coreutils(tree.path(), ["empty"]));
}

#[test]
fn files_of_any_size_are_hashed_to_the_last_byte() {
    let bytes: Vec<u8> = (0..3 << 20).map(|i: u32| (i ^ (i >> 9)) as u8).collect();
    let sizes = [1, 63, 64, 65, 65535, 65536, 65537, 1 << 20, (3 << 20) - 7];
    let tree = TempDir::new().unwrap();
    let names = sizes.map(|size| size.to_string());
    for (name, size) in names.iter().zip(sizes) {
        fs::write(tree.path().join(name), &bytes[..size]).unwrap();
    }
    assert_same(&ours(tree.path(), &names), &coreutils(tree.path(), &names));
}

#[test]
fn standard_input_is_hashed_if_there_are_no_arguments_or_for_a_dash() {
    let input = vec![7; 1 << 20]; // long enough for others to come in between
    let tree = tree_with(&[("input", &input), ("other", b"another")]);
    for args in [&[][..], &["-"], &["other", "-", "other"], &["-"; 9]] {
        let run = |program: &OsStr| {
            let input = File::open(tree.path().join("input")).unwrap();
            let mut command = command(program, tree.path());
            command.args(args).stdin(input).output().unwrap()
        };
        assert_same(&run(example().as_os_str()), &run(OsStr::new("sha256sum")));
    }
}

#[test]
fn a_missing_path_is_reported_and_the_others_are_hashed() {
    let tree = tree_with(&[("a", b"a"), ("b", b"b")]);
    assert_fails_the_same(tree.path(), &["a", "missing", "b", "missing/too"]);
}

#[test]
fn a_name_through_a_file_is_reported_and_the_others_are_hashed() {
    let tree = tree_with(&[("a", b"a"), ("b", b"b")]);
    assert_fails_the_same(tree.path(), &["a/in_a", "a/", "b"]);
}

#[test]
fn an_empty_name_is_a_missing_path() {
    let tree = tree_with(&[("a", b"a")]);
    let output = ours(tree.path(), ["", "a"]);
    let theirs = coreutils(tree.path(), ["", "a"]);
    assert_eq!(text(&output.stdout), text(&theirs.stdout));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "sha256sum: \"\": No such file or directory\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_others_are_hashed() {
    let tree = tree_with(&[("a", b"a"), ("secret", b"?"), ("b", b"b")]);
    // Not for root, who may read everything; but not this one, which can only be opened.
    fs::set_permissions(tree.path().join("secret"), PermissionsExt::from_mode(0o000)).unwrap();
    assert_fails_the_same(tree.path(), &["a", "/proc/self/mem", "secret", "b"]);
}

#[test]
fn messages_about_odd_names_are_one_line() {
    let tree = TempDir::new().unwrap();
    let output = ours(tree.path(), [OsStr::from_bytes(b"a\n\x1b[1m\xff")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "sha256sum: \"a\\n\\u{1b}[1m\\xFF\": No such file or directory\n"
    );
}

#[test]
fn symbolic_links_given_as_arguments_are_followed() {
    let tree = tree_with(&[("dir/a", b"a"), ("b", b"b")]);
    let link = |to: &str, name: &str| symlink(to, tree.path().join(name)).unwrap();
    link("b", "to_file");
    link("dir/a", "to_file_in_dir");
    link("nowhere", "dangling");
    link("loop", "loop");
    assert_fails_the_same(
        tree.path(),
        &["to_file", "dangling", "loop", "to_file_in_dir"],
    );

    link("dir", "to_dir");
    let output = ours(tree.path(), ["to_dir"]);
    assert_same(&output, &coreutils(tree.path(), ["to_dir/a"]));
}

#[test]
fn a_directory_is_its_regular_files_in_the_order_of_sorted_paths() {
    let tree = tree_with(&[
        ("dir/sub/x", b"1"),
        ("dir/sub.c", b"2"),
        ("dir/sub-x/y", b"3"),
        ("dir/sub0", b"4"),
        ("dir/sub/sub/z", b"5"),
        ("dir/B", b"6"),
        ("dir/.hidden", b"7"),
        ("dir/a\nb", b"8"),
        ("dir/a b/c", b"9"),
        ("elsewhere/x", b"10"),
    ]);
    let dir = tree.path().join("dir");
    symlink("../elsewhere", dir.join("to_dir")).unwrap();
    symlink("B", dir.join("to_file")).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    fs::write(dir.join(OsString::from_vec(b"\xff".into())), b"11").unwrap();
    let made = command("mkfifo", &dir).arg("fifo").status().unwrap();
    assert!(made.success());

    let theirs = found_by_find(tree.path(), &["dir"]);
    assert_eq!(theirs.stdout.iter().filter(|&&b| b == b'\n').count(), 10);
    assert_same(&ours(tree.path(), ["dir"]), &theirs);
    assert_same(&ours(&dir, ["."]), &found_by_find(&dir, &["."]));
    assert_same(
        &ours(tree.path(), ["dir/"]),
        &found_by_find(tree.path(), &["dir/"]),
    );
}

#[test]
fn a_directory_that_cannot_be_read_is_reported_and_the_others_are_walked() {
    let tree = tree_with(&[("a/x", b"1"), ("b/y", b"2")]);
    // A directory that even root cannot list: that of a process that is gone, but not waited for.
    let mut zombie = Command::new("true").spawn().unwrap();
    let gone = format!("/proc/{}/net", zombie.id());
    while fs::read_dir(&gone).unwrap().all(|entry| entry.is_ok()) {
        thread::sleep(Duration::from_millis(1));
    }
    let output = ours(tree.path(), ["a", &gone, "b"]);
    zombie.wait().unwrap();

    let theirs = coreutils(tree.path(), ["a/x", "b/y"]);
    assert_eq!(text(&output.stdout), text(&theirs.stdout));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        format!("sha256sum: {gone}: Invalid argument\n")
    );
}

#[test]
fn many_files_come_in_order_from_any_number_of_threads() {
    let tree = TempDir::new().unwrap();
    let names: Vec<String> = (0..3000).map(|i| format!("dir/{i:04}")).collect();
    fs::create_dir(tree.path().join("dir")).unwrap();
    for (i, name) in names.iter().enumerate() {
        // Now and then one that takes longer than many that follow it.
        let size = if i % 700 == 0 { 1 << 20 } else { i % 50 };
        fs::write(tree.path().join(name), vec![i as u8; size]).unwrap();
    }
    let theirs = coreutils(tree.path(), &names);
    for threads in ["1", "2", "8"] {
        let args = ["--threads", threads, "dir"];
        assert_same(&ours(tree.path(), args), &theirs);
    }
    let backwards = || names.iter().rev();
    assert_same(
        &ours(tree.path(), backwards()),
        &coreutils(tree.path(), backwards()),
    );
}

#[test]
fn big_files_are_not_read_into_memory() {
    let tree = TempDir::new().unwrap();
    let big = File::create(tree.path().join("big")).unwrap();
    big.set_len(64 << 20).unwrap();
    let made = command("mkfifo", tree.path()).arg("fifo").status().unwrap();
    assert!(made.success());

    let mut child = command(example(), tree.path())
        .args(["--threads", "1", "big", "fifo"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // This waits for the reader, who comes here when the big file is done.
    let fifo = File::options().write(true).open(tree.path().join("fifo"));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(fifo);
    assert!(child.wait().unwrap().success());

    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().strip_suffix(" kB").unwrap();
    assert!(peak.parse::<u32>().unwrap() < 32 << 10, "{peak} KiB");
}

#[test]
fn stats_are_one_line_on_standard_error() {
    let tree = tree_with(&[("dir/a", b"abc"), ("dir/b", b"defgh"), ("c", b"ij")]);
    let args = ["--stats", "--threads", "3", "dir", "c", "missing", "-"];
    let output = ours(tree.path(), args);
    let theirs = coreutils(tree.path(), ["dir/a", "dir/b", "c", "missing", "-"]);
    assert_eq!(text(&output.stdout), text(&theirs.stdout));
    assert_eq!(output.status.code(), Some(1));

    let stderr = text(&output.stderr);
    let stats = stderr.strip_prefix(&text(&theirs.stderr)).unwrap();
    assert!(stats.starts_with("3 files, 10 bytes: "), "{stats}");
    assert!(stats.contains(" s with 3 threads, "), "{stats}");
    assert!(stats.ends_with(" times as fast\n"), "{stats}");
    assert_eq!(stats.lines().count(), 1, "{stats}");
}

#[test]
fn a_demonstration_makes_its_own_files_prints_stats_and_leaves_nothing() {
    let tree = TempDir::new().unwrap();
    let mut command = our_command(tree.path());
    command
        .args(["--demo=1", "--threads", "2"])
        .env("TMPDIR", tree.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("64 files, 1048576 bytes: "), "{stderr}");
    assert!(stderr.ends_with(" times as fast\n"), "{stderr}");
    assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 0);
}

#[test]
fn there_is_no_progress_bar_in_a_pipe() {
    let bytes = vec![0; 1 << 19];
    let tree = tree_with(&[("a", &bytes), ("b", &bytes), ("c", &bytes)]);
    let output = ours(tree.path(), ["a", "b", "c", "--stats"]);
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&b'\r'));
    let stderr = text(&output.stderr);
    assert!(!stderr.contains(['\x1b', '\r']), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr:?}");
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_at_once() {
    let tree = TempDir::new().unwrap();
    // So many small files that the line of the first gets out; then some that would take hours.
    for i in 0..900 {
        fs::write(tree.path().join(format!("{i:03}")), b"").unwrap();
    }
    for i in 0..4 {
        let huge = File::create(tree.path().join(format!("huge{i}"))).unwrap();
        huge.set_len(1 << 40).unwrap();
    }
    let mut child = our_command(tree.path())
        .arg(".")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_full_disk_is_an_error() {
    let tree = tree_with(&[("a", b"a")]);
    let run = |program: &OsStr| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = command(program, tree.path());
        command.arg("a").stdout(full).output().unwrap()
    };
    let output = run(example().as_os_str());
    assert_eq!(
        output.status.code(),
        run(OsStr::new("sha256sum")).status.code()
    );
    assert_eq!(
        text(&output.stderr),
        "sha256sum: write error: No space left on device\n"
    );
}

#[test]
fn wrong_arguments_are_an_error_like_coreutils() {
    let tree = TempDir::new().unwrap();
    let output = ours(tree.path(), ["--no-such-option"]);
    let theirs = coreutils(tree.path(), ["--no-such-option"]);
    assert_eq!(output.status.code(), theirs.status.code());
    assert!(text(&output.stderr).contains("--no-such-option"));
}
