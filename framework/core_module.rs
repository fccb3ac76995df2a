//! Links the server and the context as core modules: compose makes components of them.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg=--skip-wit-component");
    }
}
