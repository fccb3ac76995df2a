//! An issuer, a store and a clock, and the instances of a server that share them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use spin_mcp_protocol::services::{MemoryStore, Store, Unavailable};

use crate::{
    authenticator::{Authenticator, Host, Judgement},
    discovery::{Response, Target},
};

pub const ISSUER: &str = "https://auth.example.com/tenant";
pub const METADATA: &str = "https://auth.example.com/.well-known/oauth-authorization-server/tenant";
pub const JWKS: &str = "https://keys.example.com/jwks";
pub const RESOURCE: &str = "https://mcp.example.com/mcp";
pub const START: u64 = 1_800_000_000;

/// What instances share.
#[derive(Default)]
pub struct World {
    pub milliseconds: Cell<u64>,
    pub pages: RefCell<BTreeMap<String, Response>>,
    /// Whether no server can be reached.
    pub is_down: Cell<bool>,
    /// How long a request takes.
    pub latency: Cell<u64>,
    /// The addresses that were asked.
    pub asked: RefCell<Vec<String>>,
    pub variables: RefCell<BTreeMap<String, String>>,
    pub store: RefCell<MemoryStore>,
    pub store_is_down: Cell<bool>,
    /// How many reads of attempts find nothing, as if they were made before the first write.
    pub early_reads: Cell<usize>,
    random: Cell<u64>,
}

impl World {
    pub fn new() -> Rc<World> {
        let world = Rc::new(World::default());
        world.milliseconds.set(START * 1000);
        world.latency.set(40);
        world.page(METADATA, json!({ "issuer": ISSUER, "jwks_uri": JWKS }));
        world.publish(&["one"]);
        world
    }

    pub fn page(&self, url: &str, body: Value) {
        self.text(url, &body.to_string());
    }

    pub fn text(&self, url: &str, body: &str) {
        let response = Response {
            status: 200,
            body: body.as_bytes().to_vec(),
            ..Response::default()
        };
        self.pages.borrow_mut().insert(url.to_owned(), response);
    }

    /// The issuer has the keys with these names.
    pub fn publish(&self, kids: &[&str]) {
        self.page(JWKS, set(kids));
    }

    pub fn redirect(&self, from: &str, to: &str) {
        let response = Response {
            status: 302,
            location: Some(to.to_owned()),
            ..Response::default()
        };
        self.pages.borrow_mut().insert(from.to_owned(), response);
    }

    pub fn pass(&self, seconds: u64) {
        self.milliseconds
            .set(self.milliseconds.get() + seconds * 1000);
    }

    pub fn now(&self) -> u64 {
        self.milliseconds.get() / 1000
    }

    /// How often keys were fetched.
    pub fn fetches(&self) -> usize {
        let asked = self.asked.borrow();
        asked.iter().filter(|url| *url == JWKS).count()
    }

    pub fn set_variable(&self, name: &str, value: &str) {
        let mut variables = self.variables.borrow_mut();
        variables.insert(name.to_owned(), value.to_owned());
    }
}

fn key(kid: &str) -> SigningKey {
    let mut bytes = [7; 32];
    bytes[..kid.len()].copy_from_slice(kid.as_bytes());
    SigningKey::from_bytes(&bytes)
}

pub fn set(kids: &[&str]) -> Value {
    let keys = kids.iter().map(|kid| {
        let x = URL_SAFE_NO_PAD.encode(key(kid).verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

/// A token that the key with this name signed, for a caller with its name.
pub fn token(kid: &str, expires: u64) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({ "alg": "EdDSA", "kid": kid, "typ": "at+jwt" }));
    let claims = encode(json!({ "iss": ISSUER, "aud": RESOURCE, "sub": kid, "exp": expires }));
    let signed = format!("{header}.{claims}");
    let signature = key(kid).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub fn settings(jwks: Value) -> Value {
    json!({
        "implies": {},
        "issuers": [{
            "issuer": ISSUER, "audience": null, "algorithms": ["EdDSA"], "types": ["at+jwt"],
            "require": {}, "subject": "sub", "scope_claims": ["scope"], "leeway": 30, "jwks": jwks,
        }],
        "api_keys": [],
        "store": "default",
    })
}

/// An instance, of the WASI 0.3 build if it lives on.
pub struct Instance<const LIVES_ON: bool>(Authenticator<Fake<LIVES_ON>>);

pub type Short = Instance<false>;
pub type Long = Instance<true>;

impl<const LIVES_ON: bool> Instance<LIVES_ON> {
    pub fn new(world: &Rc<World>) -> Self {
        Self::with(world, settings(json!({ "fetch": true })))
    }

    pub fn with(world: &Rc<World>, settings: Value) -> Self {
        let fake = Fake(world.clone());
        Instance(Authenticator::new(settings.to_string(), fake))
    }

    pub fn authenticate(&self, header: (&str, &str)) -> Judgement {
        let (name, value) = header;
        let header = (name.to_owned(), value.as_bytes().to_vec());
        self.0.authenticate(&[header], RESOURCE)
    }

    pub fn refresh(&self) -> impl Future<Output = Result<(), String>> {
        self.0.refresh()
    }

    /// What the transport does with a request. The error is that of `refresh`: 503.
    pub async fn judge(&self, token: &str) -> Result<Judgement, String> {
        let header = format!("Bearer {token}");
        let header = ("authorization", &*header);
        match self.authenticate(header) {
            Judgement::Unready => {
                self.refresh().await?;
                Ok(self.authenticate(header))
            }
            judgement => Ok(judgement),
        }
    }
}

/// Whether a request was served, or why not.
pub fn outcome(judgement: &Result<Judgement, String>) -> &str {
    match judgement {
        Ok(Judgement::Known(..)) => "known",
        Ok(Judgement::Invalid(why)) => why.description(),
        Ok(Judgement::Missing) => "missing",
        Ok(Judgement::Malformed) => "malformed",
        Ok(Judgement::Unready) => "still unready",
        Err(problem) => problem,
    }
}

impl World {
    /// A request with a token of this key, to one instance or another.
    pub fn ask<const LIVES_ON: bool>(&self, instance: &Instance<LIVES_ON>, kid: &str) -> String {
        let token = token(kid, self.now() + 3600);
        let judged = self.run(vec![Box::pin(instance.judge(&token))]);
        outcome(&judged[0]).to_owned()
    }

    /// Runs tasks at the same time. When all wait, time passes.
    pub fn run<T>(&self, mut tasks: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
        let mut results: Vec<_> = tasks.iter().map(|_| None).collect();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            for (task, result) in tasks.iter_mut().zip(&mut results) {
                if result.is_none()
                    && let Poll::Ready(done) = task.as_mut().poll(&mut context)
                {
                    *result = Some(done);
                }
            }
            if results.iter().all(Option::is_some) {
                return results.into_iter().flatten().collect();
            }
            self.milliseconds.set(self.milliseconds.get() + 1);
        }
        panic!("a task waits for ever");
    }

    async fn wait(&self, milliseconds: u64) {
        let until = self.milliseconds.get() + milliseconds;
        poll_fn(|_| match self.milliseconds.get() >= until {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

pub struct Fake<const LIVES_ON: bool>(Rc<World>);

impl<const LIVES_ON: bool> Host for Fake<LIVES_ON> {
    const LIVES_ON: bool = LIVES_ON;

    fn milliseconds(&self) -> u64 {
        self.0.milliseconds.get()
    }

    fn random(&self) -> u64 {
        self.0.random.set(self.0.random.get() + 1);
        self.0.random.get()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variables.borrow().get(name).cloned()
    }

    fn store(&self, name: &str) -> Box<dyn Store> {
        assert_eq!(name, "default");
        Box::new(Shared(self.0.clone()))
    }

    async fn get(&self, target: &Target<'_>, within: u64) -> Result<Response, String> {
        let scheme = if target.is_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}{}", target.authority, target.path_and_query());
        self.0.asked.borrow_mut().push(url.clone());
        let latency = self.0.latency.get();
        self.0.wait(latency.min(within)).await;
        if latency > within {
            return Err(Response::too_late());
        }
        if self.0.is_down.get() {
            return Err("connection refused".to_owned());
        }
        let not_found = || Response {
            status: 404,
            ..Response::default()
        };
        let page = self.0.pages.borrow().get(&url).cloned();
        Ok(page.unwrap_or_else(not_found))
    }

    async fn sleep(&self, milliseconds: u64) {
        self.0.wait(milliseconds).await;
    }
}

/// The store of all instances.
struct Shared(Rc<World>);

impl Shared {
    fn up(&self) -> Result<(), Unavailable> {
        match self.0.store_is_down.get() {
            true => Err(Unavailable("the store is down".to_owned())),
            false => Ok(()),
        }
    }
}

impl Store for Shared {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        self.up()?;
        let early = self.0.early_reads.get();
        if early > 0 && keys[0].ends_with(":try") {
            self.0.early_reads.set(early - 1);
            return Ok(vec![None]);
        }
        self.0.store.borrow_mut().get(keys)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.up()?;
        self.0.store.borrow_mut().set(key, value)
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        self.up()?;
        self.0.store.borrow_mut().delete(keys)
    }
}
