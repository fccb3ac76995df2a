//! Leaves the server a core module: compose makes the component, for the features it is for.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg=--skip-wit-component");
    }
}
