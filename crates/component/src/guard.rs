//! Turns panics of the libraries that read components into errors. They panic on components that no
//! toolchain makes.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use anyhow::{Result, anyhow};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that may panic.
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
            "malformed component ({}); rebuild it with a supported toolchain",
            text.unwrap_or("unknown reason")
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
