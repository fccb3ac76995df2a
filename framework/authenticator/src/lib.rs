//! The authenticator of the framework: checks access tokens (JWT) and API keys.
//!
//! It exports `authenticator`, and `keys` (WASI 0.2) or `keys-async` (WASI 0.3). Its settings, which
//! compose stores, say where keys come from.

/// Why a request failed, for the log. The type of an error is another one in each version of WASI,
/// with the same cases. All of them would be 8 KB of text.
#[cfg(target_family = "wasm")]
macro_rules! problem {
    ($error:expr) => {
        match $error {
            ErrorCode::HttpRequestDenied => Response::denied(),
            ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
                "its host is unknown".to_owned()
            }
            ErrorCode::DestinationIpProhibited => "the host does not allow its address".to_owned(),
            ErrorCode::ConnectionRefused => "the connection was refused".to_owned(),
            ErrorCode::TlsCertificateError => "its certificate is not valid".to_owned(),
            _ => "the request failed".to_owned(),
        }
    };
}

pub mod authenticator;
#[cfg(target_family = "wasm")]
mod component;
pub mod discovery;
#[cfg_attr(not(any(feature = "fetch", test)), path = "not_fetched.rs")]
mod fetched;
pub mod stored;
mod variable;
#[cfg(target_family = "wasm")]
#[cfg_attr(feature = "wasi-0-2", path = "wasi_0_2.rs")]
#[cfg_attr(feature = "wasi-0-3", path = "wasi_0_3.rs")]
mod wasi;

#[cfg(test)]
mod tests;
