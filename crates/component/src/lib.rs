//! Reads, checks and changes any component. It knows nothing of MCP.

mod digest;
pub mod file;
mod guard;
pub mod imports;
mod packages;
pub mod path;
mod resolved;
pub mod rewrite;
mod size;
mod world;

pub use digest::Digest;
pub use guard::guard;
pub use imports::Imports;
pub use resolved::{MAX_COMPONENT, Pulled, Resolved};
pub use size::Size;
pub use world::{Import, World, componentize};
