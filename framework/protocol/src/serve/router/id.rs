//! Request ids that carry the revision. A router reads it from the id where no component imports
//! `request`.

use crate::{
    call::Call,
    catalog::Catalog,
    serve::{gate::is_gated, handshake},
    wire::version::Version,
};

/// The number of the revision.
const VERSION: u64 = 0b01_1111;
const _: () = assert!(Version::LATEST.number() as u64 <= VERSION);
const GATED: u64 = 0b10_0000;
const BITS: u32 = 6;

/// The id of the request with this number.
pub fn of(call: &Call<'_>, number: u64) -> u64 {
    let gated = match is_gated(call.target.method()) {
        true => GATED,
        false => 0,
    };
    number << BITS | gated | u64::from(call.client.version.number())
}

/// The revision of the client.
pub fn version(id: u64) -> Version {
    Version::from_number((id & VERSION) as u8).unwrap_or(Version::LATEST)
}

/// The result of a request that the transport handles itself.
pub fn result(catalog: &Catalog<'_>, id: u64, method: &str) -> Option<String> {
    if id & GATED == 0 || !is_gated(method) {
        return None;
    }
    let version = version(id);
    Some(match method {
        "initialize" => initialized(catalog, version),
        "server/discover" if version.is_modern() => {
            String::from_utf8_lossy(catalog.discover(false)).into_owned()
        }
        _ => "{}".to_owned(),
    })
}

/// The result of `initialize`, where the transport did not prepare one.
pub(super) fn initialized(catalog: &Catalog<'_>, version: Version) -> String {
    let shared = catalog.store().is_some();
    String::from_utf8(handshake::result(catalog, version, shared)).unwrap_or_default()
}
