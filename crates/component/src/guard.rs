//! The libraries that read components panic where one is made as no toolchain would. Here that
//! is an error.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use anyhow::{Result, anyhow};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic.
pub fn guard<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                tell(panic);
            }
        }));
    });
    GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref().copied());
        Err(anyhow!(
            "it is not made as toolchains make components ({}); build it with one that is in the documentation",
            text.unwrap_or("no reason is known")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = guard::<()>(|| panic!("no {}", "type"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("(no type)"), "{error}");
        assert_eq!(guard(|| Ok(1)).unwrap(), 1);
        assert!(panic::catch_unwind(|| panic!("told")).is_err());
    }
}
