//! Who sends a request: access tokens, API keys, and the challenges of OAuth. No I/O.
//!
//! The server is an OAuth 2.1 resource server, as the authorization pages of MCP ask. [`bearer`]
//! finds the credentials of a request. [`jws`] reads a token, [`jwk`] finds the key that it names,
//! [`algorithm`] checks the signature, and [`claims`] checks whom the token was issued for.
//! [`api_key`] checks keys that need no authorization server. [`Settings`] holds what compose
//! baked, and [`Settings::authenticate`] does all of it in order. [`challenge`] writes what clients need
//! to obtain a token, and [`metadata`] knows the addresses of servers.

pub mod algorithm;
pub mod api_key;
mod authenticate;
pub mod bearer;
pub mod challenge;
pub mod claims;
mod encoding;
pub mod jwk;
pub mod jws;
pub mod metadata;
mod settings;

pub use authenticate::{Caller, Verdict};
pub use settings::{Issuer, Jwks, Settings};

/// The longest token or key, in bytes. Longer ones are not read.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Why a token is refused. Clients see the text as `error_description`, so it says nothing about
/// keys or about other tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// The token is not a signed JWT, or its header asks for what this server does not do.
    Malformed,
    /// An access token has another type.
    Type,
    /// The signature is wrong, or no key of the issuer made it.
    Signature,
    /// An API key that the server does not know.
    Key,
    /// No issuer of this server issued it.
    Issuer,
    /// It was issued for another server.
    Audience,
    Expired,
    NotYetValid,
    /// A claim is missing, or has a value that this server does not accept.
    Claim,
}

impl Invalid {
    pub fn description(self) -> &'static str {
        match self {
            Invalid::Malformed => "the token is malformed",
            Invalid::Type => "the token is not an access token",
            Invalid::Signature => "the signature of the token is invalid",
            Invalid::Key => "the API key is unknown",
            Invalid::Issuer => "the issuer of the token is unknown",
            Invalid::Audience => "the token was issued for another server",
            Invalid::Expired => "the token expired",
            Invalid::NotYetValid => "the token is not valid yet",
            Invalid::Claim => "a claim of the token is missing or not accepted",
        }
    }
}

#[cfg(test)]
mod tests;
