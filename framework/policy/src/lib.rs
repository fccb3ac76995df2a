//! Decides by a policy in Rego what callers may do. Exports `authorizer`.
//!
//! Compose compiles the policy to a program for the virtual machine of regorus and places it in this
//! module. Whatever goes wrong with it is a refusal, and a line on stderr for the operator of the
//! server: nothing in it comes from a request.

#[cfg(target_family = "wasm")]
mod component;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod policy;
#[cfg_attr(not(target_family = "wasm"), cfg(test))]
mod question;
#[cfg(test)]
mod tests;
