//! `export!`, and what a component is made of.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::bindings::imports::spin_mcp::server::types::Error;
use crate::prompts::PromptEntry;
use crate::resources::ResourceEntry;
use crate::tools::ToolEntry;

/// All that a component has; `export!` writes it.
pub trait Server: 'static {
    /// Its tools, in the order that clients see.
    const TOOLS: &'static [ToolEntry] = &[];
    /// Its resources and templates.
    const RESOURCES: &'static [ResourceEntry] = &[];
    /// Its prompts.
    const PROMPTS: &'static [PromptEntry] = &[];
}

/// Makes functions the tools, resources and prompts of this component, in the order that clients see.
///
/// ```
/// # use spin_mcp_sdk::{prompt, tool};
/// /// Adds two whole numbers.
/// #[tool]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// /// Asks for a summary.
/// #[prompt]
/// fn summarize(text: String) -> String {
///     format!("Summarize this text:\n\n{text}")
/// }
///
/// spin_mcp_sdk::export!(tools: [add], prompts: [summarize]);
/// # fn main() {}
/// ```
///
/// A list holds paths, so functions can be in other modules: `tools: [add, weather::forecast]`.
#[macro_export]
macro_rules! export {
    ($($kind:ident: [$($function:path),* $(,)?]),+ $(,)?) => {
        const _: () = {
            struct Feature;
            impl $crate::__private::Server for Feature {
                $($crate::__list!($kind $($function)*);)+
            }
            $($(const _: () = assert!(
                !$crate::__entry!($kind $function).is_async,
                "an async function needs `export_async!`, and hosts of WASI 0.3"
            );)*)+
            $($crate::__export!(sync $kind Feature);)+
            $crate::__completions!(sync Feature $($kind)+);
        };
    };
}

/// [`export!`] for functions that wait, on hosts of WASI 0.3: other calls run in the same instance
/// meanwhile. Takes functions that do not wait as well.
#[cfg(feature = "async")]
#[macro_export]
macro_rules! export_async {
    ($($kind:ident: [$($function:path),* $(,)?]),+ $(,)?) => {
        const _: () = {
            struct Feature;
            impl $crate::__private::Server for Feature {
                $($crate::__list!($kind $($function)*);)+
            }
            $($crate::__export!(async $kind Feature);)+
            $crate::__completions!(async Feature $($kind)+);
        };
    };
}

/// [`export!`] for functions that wait. Needs the feature `async` of this crate.
#[cfg(not(feature = "async"))]
#[macro_export]
macro_rules! export_async {
    ($($lists:tt)*) => {
        compile_error!(
            "`export_async!` needs the feature `async`: `spin-mcp-sdk = { …, features = [\"async\"] }`"
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    (tools $($function:path)*) => {
        const TOOLS: &'static [$crate::__private::ToolEntry] =
            &[$($crate::__entry!(tools $function)),*];
    };
    (resources $($function:path)*) => {
        const RESOURCES: &'static [$crate::__private::ResourceEntry] =
            &[$($crate::__entry!(resources $function)),*];
    };
    (prompts $($function:path)*) => {
        const PROMPTS: &'static [$crate::__private::PromptEntry] =
            &[$($crate::__entry!(prompts $function)),*];
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __entry {
    (tools $function:path) => {
        <$function as $crate::__private::ToolFunction>::ENTRY
    };
    (resources $function:path) => {
        <$function as $crate::__private::ResourceFunction>::ENTRY
    };
    (prompts $function:path) => {
        <$function as $crate::__private::PromptFunction>::ENTRY
    };
    ($kind:ident $function:path) => {
        compile_error!(concat!(
            "there are no `",
            stringify!($kind),
            "`; list `tools`, `resources` and `prompts`"
        ))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (sync tools $feature:ident) => {
        $crate::bindings::tools::export_tools!($feature with_types_in $crate::bindings::tools);
    };
    (sync resources $feature:ident) => {
        $crate::bindings::resources::export_resources!($feature with_types_in $crate::bindings::resources);
    };
    (sync prompts $feature:ident) => {
        $crate::bindings::prompts::export_prompts!($feature with_types_in $crate::bindings::prompts);
    };
    (async tools $feature:ident) => {
        $crate::bindings::tools_async::export_tools!($feature with_types_in $crate::bindings::tools_async);
    };
    (async resources $feature:ident) => {
        $crate::bindings::resources_async::export_resources!($feature with_types_in $crate::bindings::resources_async);
    };
    (async prompts $feature:ident) => {
        $crate::bindings::prompts_async::export_prompts!($feature with_types_in $crate::bindings::prompts_async);
    };
}

/// Prompts and resources have arguments to complete.
#[doc(hidden)]
#[macro_export]
macro_rules! __completions {
    ($mode:ident $feature:ident) => {};
    ($mode:ident $feature:ident tools $($kind:ident)*) => {
        $crate::__completions!($mode $feature $($kind)*);
    };
    (sync $feature:ident $($kind:ident)+) => {
        $crate::bindings::completions::export_completions!($feature with_types_in $crate::bindings::completions);
    };
    (async $feature:ident $($kind:ident)+) => {
        $crate::bindings::completions_async::export_completions!($feature with_types_in $crate::bindings::completions_async);
    };
}

/// Lists have one page, which is asked for without a cursor.
pub(crate) fn first_page(cursor: Option<String>) -> Result<(), Error> {
    match cursor {
        None => Ok(()),
        Some(_) => Err(Error {
            code: -32602,
            message: "the list has one page, without a cursor".into(),
            data: None,
        }),
    }
}

/// Runs what does not wait: `export!` takes no async functions.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("no function is async"),
    }
}
