//! The component around the authenticator.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spin_mcp_protocol::services::Store;
use spin_mcp_store::KeyValue;

use crate::{
    authenticator::{Authenticator, Host, Judgement},
    discovery::{Response, Target},
    wasi,
};
use wasi::bindings::{
    exports::spin_mcp::server::authenticator::{self, Credentials, Known, Verdict},
    spin_mcp::server::{request::Caller, settings},
};

pub struct Component;
wasi::bindings::export!(Component with_types_in wasi::bindings);

thread_local! {
    static AUTHENTICATOR: &'static Authenticator<Wasi> =
        Box::leak(Box::new(Authenticator::new(settings::get(), Wasi)));
}

pub fn this() -> &'static Authenticator<Wasi> {
    AUTHENTICATOR.with(|this| *this)
}

pub struct Wasi;

impl Host for Wasi {
    const LIVES_ON: bool = wasi::LIVES_ON;

    fn milliseconds(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    }

    fn random(&self) -> u64 {
        wasi::get_random_u64()
    }

    fn variable(&self, name: &str) -> Option<String> {
        spin_mcp_store::variable(name)
    }

    fn store(&self, name: &str) -> Box<dyn Store> {
        Box::new(KeyValue::new(name))
    }

    async fn get(&self, target: &Target<'_>, within: u64) -> Result<Response, String> {
        wasi::get(target, Duration::from_millis(within)).await
    }

    async fn sleep(&self, milliseconds: u64) {
        wasi::sleep(Duration::from_millis(milliseconds)).await;
    }
}

impl authenticator::Guest for Component {
    fn authenticate(credentials: Credentials) -> Verdict {
        match this().authenticate(&credentials.headers, &credentials.resource) {
            Judgement::Known(caller, until) => Verdict::Known(Known {
                caller: Caller {
                    subject: caller.subject,
                    issuer: caller.issuer,
                    scopes: caller.scopes,
                    claims: caller.claims,
                },
                expires: caller.expires,
                keep_until: Some(until),
            }),
            Judgement::Missing => Verdict::Missing,
            Judgement::Invalid(why) => Verdict::Invalid(why.description().to_owned()),
            Judgement::Malformed => {
                Verdict::Malformed("the credentials are malformed, or there are several".to_owned())
            }
            Judgement::Unready => Verdict::Unready,
        }
    }

    fn authorization_servers() -> Vec<String> {
        this().authorization_servers()
    }
}
