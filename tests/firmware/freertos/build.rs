//! Compiles the kernel, with its port for the target and what `src/` has in C.

use std::{env, path::PathBuf};

fn main() {
    // Where `freertos-next` says that its sources are.
    let kernel = PathBuf::from(env::var("DEP_FREERTOS_KERNEL").unwrap());
    let chip = env::var("CARGO_CFG_TARGET_OS").unwrap() == "none";
    let port = kernel.join("portable").join(match chip {
        true => "GCC/ARM_CM3",
        false => "ThirdParty/GCC/Posix",
    });
    let mut build = cc::Build::new();
    build
        .opt_level(2)
        .flag_if_supported("-Wno-unused-parameter")
        .includes([kernel.join("include"), port.clone(), "src".into()])
        .files(["tasks.c", "queue.c", "list.c"].map(|file| kernel.join(file)))
        .file(port.join("port.c"))
        .file("src/platform.c");
    if chip {
        println!(
            "cargo:rustc-link-search={}",
            env::var("CARGO_MANIFEST_DIR").unwrap()
        );
        println!("cargo:rustc-link-arg=-Tlink.x"); // cortex-m-rt's, which takes memory.x in
    } else {
        build.file(port.join("utils/wait_for_event.c"));
    }
    build.compile("freertos");
    for input in ["src/FreeRTOSConfig.h", "src/platform.c", "memory.x"] {
        println!("cargo:rerun-if-changed={input}");
    }
}
