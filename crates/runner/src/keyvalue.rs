//! `wasi:keyvalue@0.2.0-draft2`, as in Spin, on the [`Stores`](super::stores::Stores) of a
//! server.

use wasmtime::{
    Result,
    component::{HasSelf, Linker, Resource},
};

use super::{
    guest::Guest,
    stores::{Bucket, StoreError, Version},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue.wit",
        inline: "
            package spin-mcp:host;
            world keyvalue {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
            }",
        world: "spin-mcp:host/keyvalue",
        imports: { default: trappable },
        with: {
            "wasi:keyvalue/store.bucket": super::super::stores::Bucket,
            "wasi:keyvalue/atomics.cas": super::Cas,
        },
    });
}

use bindings::wasi::keyvalue::{atomics, batch, store};

/// A key and the version of its value at the time of `new`.
pub struct Cas {
    bucket: Bucket,
    key: String,
    seen: Option<Version>,
}

impl Cas {
    fn new(bucket: Bucket, key: String) -> Result<Self, StoreError> {
        let seen = bucket.get(&key)?.map(|(_, version)| version);
        Ok(Self { bucket, key, seen })
    }
}

impl From<StoreError> for store::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

/// Lets guests use the stores.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    store::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    batch::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    atomics::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl store::Host for Guest {
    fn open(&mut self, name: String) -> Result<Result<Resource<Bucket>, store::Error>> {
        let opened = self
            .stores
            .admit("open")
            .and_then(|()| self.stores.open(&name));
        match opened {
            Ok(bucket) => Ok(Ok(self.table.push(bucket)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl store::HostBucket for Guest {
    fn get(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> Result<Result<Option<Vec<u8>>, store::Error>> {
        let bucket = self.table.get(&handle)?;
        let value = bucket.admit("get").and_then(|bucket| bucket.get(&key));
        Ok(value
            .map(|found| found.map(|(value, _)| value.into()))
            .map_err(Into::into))
    }

    fn set(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<Result<(), store::Error>> {
        let bucket = self.table.get(&handle)?;
        let set = bucket
            .admit("set")
            .and_then(|bucket| bucket.set(key, value));
        Ok(set.map_err(Into::into))
    }

    fn delete(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> Result<Result<(), store::Error>> {
        let bucket = self.table.get(&handle)?;
        let deleted = bucket
            .admit("delete")
            .and_then(|bucket| bucket.delete_many(&[key]));
        Ok(deleted.map_err(Into::into))
    }

    fn exists(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> Result<Result<bool, store::Error>> {
        let bucket = self.table.get(&handle)?;
        let value = bucket.admit("exists").and_then(|bucket| bucket.get(&key));
        Ok(value.map(|found| found.is_some()).map_err(Into::into))
    }

    fn list_keys(
        &mut self,
        handle: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Result<Result<store::KeyResponse, store::Error>> {
        let bucket = self.table.get(&handle)?.admit("list-keys");
        let page = bucket.map(|bucket| bucket.list(cursor.as_deref()));
        Ok(page.map_err(Into::into).map(|page| store::KeyResponse {
            keys: page.keys,
            cursor: page.cursor,
        }))
    }

    fn drop(&mut self, handle: Resource<Bucket>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl batch::Host for Guest {
    fn get_many(
        &mut self,
        handle: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Result<Vec<(String, Option<Vec<u8>>)>, store::Error>> {
        let bucket = self.table.get(&handle)?.admit("get-many");
        let values = bucket.and_then(|bucket| bucket.get_many(&keys));
        Ok(match values {
            Ok(values) => Ok(keys
                .into_iter()
                .zip(values)
                .map(|(key, value)| (key, value.map(Into::into)))
                .collect()),
            Err(error) => Err(error.into()),
        })
    }

    fn set_many(
        &mut self,
        handle: Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<Result<(), store::Error>> {
        let bucket = self.table.get(&handle)?;
        let set = bucket
            .admit("set-many")
            .and_then(|bucket| bucket.set_many(entries));
        Ok(set.map_err(Into::into))
    }

    fn delete_many(
        &mut self,
        handle: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Result<(), store::Error>> {
        let bucket = self.table.get(&handle)?;
        let deleted = bucket
            .admit("delete-many")
            .and_then(|bucket| bucket.delete_many(&keys));
        Ok(deleted.map_err(Into::into))
    }
}

impl atomics::Host for Guest {
    fn increment(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Result<Result<i64, store::Error>> {
        let bucket = self.table.get(&handle)?;
        let count = bucket
            .admit("increment")
            .and_then(|bucket| bucket.increment(key, delta));
        Ok(count.map_err(Into::into))
    }

    fn swap(
        &mut self,
        handle: Resource<Cas>,
        value: Vec<u8>,
    ) -> Result<Result<(), atomics::CasError>> {
        let Cas { bucket, key, seen } = self.table.delete(handle)?;
        let swapped = bucket.swap(key.clone(), seen, value);
        let error = match swapped {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => match Cas::new(bucket, key) {
                Ok(latest) => atomics::CasError::CasFailed(self.table.push(latest)?),
                Err(error) => atomics::CasError::StoreError(error.into()),
            },
            Err(error) => atomics::CasError::StoreError(error.into()),
        };
        Ok(Err(error))
    }
}

impl atomics::HostCas for Guest {
    fn new(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> Result<Result<Resource<Cas>, store::Error>> {
        let bucket = self.table.get(&handle)?.clone();
        match Cas::new(bucket, key) {
            Ok(cas) => Ok(Ok(self.table.push(cas)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// From now on, a swap fails if the key is written after this.
    fn current(&mut self, handle: Resource<Cas>) -> Result<Result<Option<Vec<u8>>, store::Error>> {
        let cas = self.table.get_mut(&handle)?;
        Ok(match cas.bucket.get(&cas.key) {
            Ok(found) => {
                cas.seen = found.as_ref().map(|(_, version)| *version);
                Ok(found.map(|(value, _)| value.into()))
            }
            Err(error) => Err(error.into()),
        })
    }

    fn drop(&mut self, handle: Resource<Cas>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
