//! How the components of the framework are linked.

/// In bytes. Rust's 1 MB would be most of a memory, all of which Spin writes for each request.
///
/// Measured with JSON of 64 levels, by lowering the stack until a request trapped: the transport needs
/// 24 KB, most of it for its future, and everything else less than 16. The component of a policy does with
/// 32 for JSON of 110 levels and rules 500 deep, since their calls lie in its heap.
const STACK: u32 = 64 << 10;
/// `validate` needs 60 KB for schemas applied 128 deep.
const VALIDATE_STACK: u32 = 128 << 10;

pub fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        let stack = match env!("CARGO_PKG_NAME") {
            "spin-mcp-validate" => VALIDATE_STACK,
            _ => STACK,
        };
        println!("cargo::rustc-link-arg=-zstack-size={stack}");
        // Compose makes components of these.
        if let "spin-mcp-server"
        | "spin-mcp-context"
        | "spin-mcp-policy"
        | "spin-mcp-adapter"
        | "spin-mcp-openapi-feature" = env!("CARGO_PKG_NAME")
        {
            println!("cargo::rustc-link-arg=--skip-wit-component");
        }
    }
}
