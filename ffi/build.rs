//! How the shared library is linked.

fn main() {
    // The number changes with each change that breaks a program built against the one before.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnetns.so.0");
    // Threads that the library started, or on which it left something to be done at their end, would run
    // into code that is gone: dlclose leaves the library where it is, and the next dlopen finds it there.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rerun-if-changed=build.rs");
}
