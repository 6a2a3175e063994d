//! Compiles the little that is in C. What cannot be compiled here is left out of the tables.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(openmp, counts_syscalls)");

    println!("cargo::rerun-if-changed=src/openmp.c");
    let mut openmp = cc::Build::new();
    openmp
        .file("src/openmp.c")
        .flag("-fopenmp")
        .cargo_warnings(false);
    // Of others, one would have to find their runtime.
    let gcc = openmp
        .try_get_compiler()
        .is_ok_and(|compiler| compiler.is_like_gnu());
    if gcc && openmp.try_compile("ringpool_openmp").is_ok() {
        println!("cargo::rustc-link-lib=gomp");
        println!("cargo::rustc-cfg=openmp");
    } else {
        println!("cargo::warning=no gcc with OpenMP: it is left out of the tables");
    }

    println!("cargo::rerun-if-changed=src/syscalls.c");
    let target = std::env::var("TARGET").unwrap_or_default();
    let mut syscalls = cc::Build::new();
    syscalls.file("src/syscalls.c").cargo_warnings(false);
    if target.ends_with("-linux-gnu") && syscalls.try_compile("ringpool_syscalls").is_ok() {
        println!("cargo::rustc-cfg=counts_syscalls");
    }
}
