//! Links a small stack: Spin writes all of a component's memory for each request, and Rust's default
//! stack alone has 1 MB.

/// In bytes. Code that recurses deeper traps with `out of bounds memory access`, and needs more.
const STACK: u32 = 65_536;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg=-zstack-size={STACK}");
    }
}
