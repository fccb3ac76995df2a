//! The key that seals state. All instances of a server must have the same one.

use sha2::{Digest as _, Sha256};

use crate::{
    state::services::{Services, Store, Unavailable},
    wire::failure::Failure,
};

/// The variable that holds the key, as 64 hexadecimal digits.
pub const VARIABLE: &str = "mcp_state_key";
/// The key of the store for the current sealing key: its id, then the key itself. Earlier keys
/// are stored below this name.
const CURRENT: &str = "mcp:key";

pub const ID: usize = 8;
const BYTES: usize = 32;

pub struct Key {
    pub id: [u8; ID],
    pub bytes: [u8; BYTES],
}

impl Key {
    fn new(bytes: [u8; BYTES]) -> Key {
        let hash = Sha256::new()
            .chain_update(b"spin-mcp state key id\0")
            .chain_update(bytes)
            .finalize();
        let mut id = [0; ID];
        id.copy_from_slice(&hash[..ID]);
        Key { id, bytes }
    }
}

/// The key to seal with. It is created if there is none.
pub fn current<S: Services>(services: &mut S) -> Result<Key, Failure> {
    if let Some(key) = from_variable(services)? {
        return Ok(key);
    }
    let store = services.store().ok_or_else(no_key)?;
    let found = store.get(&[CURRENT]).map_err(unavailable)?;
    if let Some(value) = found.into_iter().next().flatten() {
        return read_current(&value).ok_or_else(|| {
            Failure::internal(format!(
                "the key-value store has a value that this server did not write under `{CURRENT}`; delete that key"
            ))
        });
    }
    let key = Key::new(
        Sha256::new()
            .chain_update(b"spin-mcp state key\0")
            .chain_update(services.random())
            .chain_update(services.random())
            .finalize()
            .into(),
    );
    let store = services.store().ok_or_else(no_key)?;
    write(store, &key).map_err(unavailable)?;
    Ok(key)
}

/// The key with this id; none if this server does not have it.
pub fn of_id<S: Services>(services: &mut S, id: &[u8; ID]) -> Result<Option<Key>, Failure> {
    let variable = from_variable(services)?;
    let known = variable.is_some();
    if let Some(key) = variable.filter(|key| key.id == *id) {
        return Ok(Some(key));
    }
    let Some(store) = services.store() else {
        return if known { Ok(None) } else { Err(no_key()) };
    };
    let found = store.get(&[&name(id)]).map_err(unavailable)?;
    let bytes = found.into_iter().next().flatten();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map(Key::new).filter(|key| key.id == *id))
}

fn from_variable<S: Services>(services: &mut S) -> Result<Option<Key>, Failure> {
    let Some(text) = services.variable(VARIABLE) else {
        return Ok(None);
    };
    let key = hexadecimal(text.as_bytes()).map(Key::new);
    key.map(Some).ok_or_else(|| {
        Failure::internal(format!(
            "the variable `{VARIABLE}` is not 64 hexadecimal digits; set it to 32 random bytes, such as `openssl rand -hex 32` prints"
        ))
    })
}

fn hexadecimal(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != BYTES || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = (high? << 4 | low?) as u8;
    }
    Some(bytes)
}

fn name(id: &[u8; ID]) -> String {
    format!("{CURRENT}:{:016x}", u64::from_be_bytes(*id))
}

fn read_current(value: &[u8]) -> Option<Key> {
    let (id, bytes) = value.split_first_chunk::<ID>()?;
    let key = Key::new(bytes.try_into().ok()?);
    (key.id == *id).then_some(key)
}

/// The key is stored under its own name first. If two instances create keys at once, one of them
/// loses the current name, but what it sealed can still be opened.
fn write(store: &mut dyn Store, key: &Key) -> Result<(), Unavailable> {
    store.set(&name(&key.id), &key.bytes)?;
    store.set(CURRENT, &[&key.id[..], &key.bytes].concat())
}

fn no_key() -> Failure {
    Failure::internal(format!(
        "this server has no key to seal state with: it was composed without a key-value store; set the variable `{VARIABLE}` to 64 hexadecimal digits"
    ))
}

fn unavailable(_: Unavailable) -> Failure {
    Failure::internal(format!(
        "the key that seals state cannot be read: the key-value store is unavailable; try again, or set the variable `{VARIABLE}` to 64 hexadecimal digits"
    ))
}
