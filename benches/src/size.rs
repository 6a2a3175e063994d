//! How large a program gets by a pool, and how long it takes to build: the programs of `size/`,
//! each built from nothing.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::time::Instant;

use object::elf::{FileHeader64, SectionFlags};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, elf};

/// The first is what the others are compared with.
const PROGRAMS: [&str; 8] = [
    "empty",
    "threads",
    "ringpool",
    "mutex_deque",
    "crossbeam_channel",
    "rusty_pool",
    "threadpool",
    "rayon",
];

/// Those that need a feature of the same name: whatever has a dependency.
const WITHOUT_FEATURE: [&str; 3] = ["empty", "threads", "mutex_deque"];

struct Size {
    file: u64,
    code: u64,
    /// Tables for unwinding too.
    constants: u64,
    /// Zeroed memory too.
    variables: u64,
}

/// Prints a table for each profile of `size/Cargo.toml`.
pub fn run() -> Result<(), Box<dyn Error>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("size/Cargo.toml");
    cargo("fetch", &manifest, &[])?;
    let target = std::env::temp_dir().join(format!("ringpool-size-{}", process::id()));
    for (profile, title) in [
        ("release", "panic = \"abort\""),
        ("unwind", "panic = \"unwind\""),
    ] {
        println!("\nA program that runs ten jobs: bytes over an empty one, {title}");
        println!(
            "{:20}{:>10}{:>10}{:>11}{:>11}{:>10}",
            "", "file", "code", "constants", "variables", "build"
        );
        let mut empty = None;
        for name in PROGRAMS {
            let start = Instant::now();
            let program = build(&manifest, &target, profile, name)?;
            let seconds = start.elapsed().as_secs_f64();
            if !Command::new(&program).status()?.success() {
                return Err(format!("{name} fails").into());
            }
            let size = measure(&fs::read(&program)?)?;
            let over = |part: fn(&Size) -> u64| {
                let whole = part(&size).cast_signed();
                whole - empty.as_ref().map_or(0, |empty| part(empty).cast_signed())
            };
            println!(
                "{name:20}{:>10}{:>10}{:>11}{:>11}{seconds:>8.1} s",
                over(|size| size.file),
                over(|size| size.code),
                over(|size| size.constants),
                over(|size| size.variables),
            );
            empty.get_or_insert(size);
            fs::remove_dir_all(&target)?;
        }
    }
    Ok(())
}

/// From nothing, but that the sources are there already.
fn build(
    manifest: &Path,
    target: &Path,
    profile: &str,
    name: &str,
) -> Result<PathBuf, Box<dyn Error>> {
    let directory = target.to_str().ok_or("a path that is no text")?;
    let mut arguments = vec!["--target-dir", directory, "--profile", profile];
    arguments.extend(["--offline", "--bin", name]);
    if !WITHOUT_FEATURE.contains(&name) {
        arguments.extend(["--features", name]);
    }
    cargo("build", manifest, &arguments)?;
    Ok(target.join(profile).join(name))
}

fn cargo(command: &str, manifest: &Path, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Command::new("cargo")
        .arg(command)
        .arg("--manifest-path")
        .arg(manifest)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into())
}

/// What of an ELF program gets into memory.
fn measure(program: &[u8]) -> Result<Size, Box<dyn Error>> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let mut size = Size {
        file: program.len() as u64,
        code: 0,
        constants: 0,
        variables: 0,
    };
    for section in header.section_headers(endian, program)? {
        let flags = section.sh_flags(endian);
        let has = |flag: SectionFlags| flags.contains(flag);
        let part = match () {
            _ if !has(elf::SHF_ALLOC) => continue,
            _ if has(elf::SHF_EXECINSTR) => &mut size.code,
            _ if has(elf::SHF_WRITE) => &mut size.variables,
            _ => &mut size.constants,
        };
        *part += section.sh_size(endian);
    }
    Ok(size)
}
