//! What tells the last link of a request that no part can ask `request` about: its id.

use crate::{
    call::Call,
    catalog::Catalog,
    serve::{gate::is_gated, handshake},
    wire::version::Version,
};

const VERSION: u64 = 0b011;
const _: () = assert!(Version::ALL.len() as u64 <= VERSION + 1);
const GATED: u64 = 0b100;
const BITS: u32 = 3;

/// The id of a call, the `number`th.
pub fn of(call: &Call<'_>, number: u64) -> u64 {
    let version = Version::ALL
        .iter()
        .position(|version| *version == call.client.version);
    let gated = match is_gated(call.target.method()) {
        true => GATED,
        false => 0,
    };
    number << BITS | gated | version.unwrap_or(0) as u64
}

/// The revision that its client speaks.
pub fn version(id: u64) -> Version {
    Version::ALL[(id & VERSION) as usize]
}

/// The result of a request that the transport acts upon itself once it has it.
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

/// The result of `initialize`, for transports that prepare no answer of their own.
pub(super) fn initialized(catalog: &Catalog<'_>, version: Version) -> String {
    let shared = catalog.store().is_some();
    String::from_utf8(handshake::result(catalog, version, shared)).unwrap_or_default()
}
