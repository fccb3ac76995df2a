//! The keys of an issuer that are fetched: in this instance, and in the store that all instances
//! share.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use spin_mcp_auth::{algorithm::Algorithm, api_key, jwk::Set, jws::Jws};
use spin_mcp_protocol::services::{Store, Unavailable};

use crate::{
    authenticator::Host,
    discovery::fetch,
    stored::{Attempt, LONGEST, Stored, names},
};

/// The variable with the key of the server, as 64 hexadecimal digits.
const STATE_KEY: &str = "mcp_state_key";

/// The seconds between two attempts to fetch keys, by any instance, and while there are none.
const PAUSE: u64 = 60;
const PAUSE_WITHOUT: u64 = 5;

/// How long instances that try to fetch at the same time may take to see each other.
const SETTLES_MS: u64 = 25;
/// How often, and for how long, an instance looks whether another one has fetched the keys.
const LOOKS_MS: u64 = 100;
const LOOKS: usize = 55;
/// The seconds after which an attempt must have ended.
const LONGEST_ATTEMPT: u64 = 6;

/// The key that signed a token.
pub struct Wanted {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Wanted {
    pub fn of(token: &Jws<'_>) -> Wanted {
        Wanted {
            algorithm: token.algorithm,
            kid: token.kid.clone(),
        }
    }

    fn is_in(&self, set: &str) -> bool {
        let set = Set::read(set);
        set.is_some_and(|set| !set.find(self.algorithm, self.kid.as_deref()).is_empty())
    }
}

pub struct Fetched {
    issuer: String,
    names: [String; 2],
    known: RefCell<Option<Known>>,
    /// When an instance last tried to fetch, as far as this one knows.
    tried: Cell<u64>,
    /// Why this instance has no keys.
    problem: RefCell<String>,
    /// Who waits for the request that obtains keys; none if no request does.
    waiting: RefCell<Option<Vec<Waker>>>,
}

struct Known {
    set: Rc<str>,
    fetched: u64,
    fresh_until: u64,
}

type Shared = RefCell<Option<Box<dyn Store>>>;

impl Fetched {
    /// The store for keys.
    pub fn open(host: &impl Host, name: &str) -> Option<Box<dyn Store>> {
        Some(host.store(name))
    }

    pub fn new(issuer: String) -> Fetched {
        Fetched {
            names: names(&issuer),
            issuer,
            known: RefCell::default(),
            tried: Cell::default(),
            problem: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    /// The keys. Old ones only if it is too early to fetch new ones, or while they are fetched.
    pub fn at(&self, now: u64) -> Option<Rc<str>> {
        let early = self.waiting.borrow().is_some() || !self.may_have_more(now);
        let known = self.known.borrow();
        let known = known.as_ref()?;
        (now < known.fresh_until || early && known.is_usable(now)).then(|| known.set.clone())
    }

    /// Whether the keys may be fetched again.
    pub fn may_have_more(&self, now: u64) -> bool {
        now.abs_diff(self.tried.get()) >= PAUSE
    }

    /// Obtains the key that is wanted: from the store, or from the issuer if it was not asked just
    /// now. It may turn out that the issuer does not have it; that is no error.
    pub async fn obtain<H: Host>(
        &self,
        host: &H,
        store: &Shared,
        wanted: &Wanted,
    ) -> Result<(), String> {
        let _turn = self.turn().await;
        let round = Round {
            of: self,
            host,
            store,
            wanted,
        };
        if round.has() == Has::Fresh {
            return Ok(());
        }
        round.run().await?;
        match round.has() {
            Has::Nothing => Err(self.problem.borrow().clone()),
            _ => Ok(()),
        }
    }

    /// Waits until no request of this instance obtains keys.
    pub async fn settled(&self) {
        self.turn().await;
    }

    /// Waits for a turn: one request of this instance at a time obtains keys.
    async fn turn(&self) -> Turn<'_> {
        poll_fn(|cx| {
            let mut waiting = self.waiting.borrow_mut();
            match &mut *waiting {
                Some(wakers) => {
                    wakers.push(cx.waker().clone());
                    Poll::Pending
                }
                None => {
                    *waiting = Some(Vec::new());
                    Poll::Ready(Turn(self))
                }
            }
        })
        .await
    }

    fn keep(&self, stored: Stored) {
        let mut known = self.known.borrow_mut();
        if known
            .as_ref()
            .is_none_or(|known| known.fetched <= stored.fetched)
        {
            self.tried.set(self.tried.get().max(stored.fetched));
            *known = Some(Known {
                set: stored.set.into(),
                fetched: stored.fetched,
                fresh_until: stored.fresh_until,
            });
        }
    }
}

impl Known {
    /// Whether the keys may be used if there are no others.
    fn is_usable(&self, now: u64) -> bool {
        now < self.fresh_until.saturating_add(LONGEST)
    }
}

/// The turn of a request to obtain keys.
struct Turn<'a>(&'a Fetched);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let waiting = self.0.waiting.take();
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

/// What an instance has of the keys that a request wants.
#[derive(Clone, Copy, PartialEq)]
enum Has {
    /// No keys.
    Nothing,
    /// Other keys.
    Others,
    /// The key, from long ago.
    Old,
    Fresh,
}

/// One attempt to obtain a key.
struct Round<'a, H> {
    of: &'a Fetched,
    host: &'a H,
    store: &'a Shared,
    wanted: &'a Wanted,
}

impl<H: Host> Round<'_, H> {
    fn has(&self) -> Has {
        let now = self.host.now();
        let known = self.of.known.borrow();
        match known.as_ref().filter(|known| known.is_usable(now)) {
            None => Has::Nothing,
            Some(known) if !self.wanted.is_in(&known.set) => Has::Others,
            Some(known) if now < known.fresh_until => Has::Fresh,
            Some(_) => Has::Old,
        }
    }

    async fn run(&self) -> Result<(), String> {
        let key = state_key(self.host)?;
        // A store that fails now may not when the attempt is announced.
        let last = self.load(key.as_ref()).and_then(|()| self.attempt());
        let last = last.unwrap_or_default();
        let has = self.has();
        if has == Has::Fresh {
            return Ok(());
        }
        let now = self.host.now();
        let tried = last.map_or(0, |last| last.at).max(self.of.tried.get());
        let pause = match has {
            Has::Nothing => PAUSE_WITHOUT,
            _ => PAUSE,
        };
        if now.abs_diff(tried) >= pause {
            let this = Attempt {
                at: now,
                by: self.host.random(),
                done: false,
            };
            if self.claim(this).await? {
                return self.fetch(this, key.as_ref()).await;
            }
        } else {
            self.of.tried.set(tried);
            if last.is_none_or(|last| last.done || now.abs_diff(last.at) > LONGEST_ATTEMPT) {
                self.note(|issuer| {
                    format!(
                        "the keys of `{issuer}` could not be fetched {} s ago",
                        now.abs_diff(tried)
                    )
                });
                return Ok(());
            }
        }
        match has {
            Has::Old => Ok(()),
            _ => self.watch(key.as_ref()).await,
        }
    }

    /// Waits for the instance that fetches.
    async fn watch(&self, key: Option<&[u8; 32]>) -> Result<(), String> {
        for _ in 0..LOOKS {
            self.host.sleep(LOOKS_MS).await;
            let last = self.load(key).and_then(|()| self.attempt());
            let last = last.map_err(|Unavailable(problem)| problem)?;
            if self.has() == Has::Fresh || last.is_none_or(|last| last.done) {
                break;
            }
        }
        self.of.tried.set(self.host.now());
        self.note(|issuer| format!("another instance could not fetch the keys of `{issuer}`"));
        Ok(())
    }

    /// Announces an attempt. False: another instance was faster.
    async fn claim(&self, this: Attempt) -> Result<bool, String> {
        self.of.tried.set(this.at);
        let announced = self.announce(this);
        if self.store.borrow().is_none() {
            return Ok(true);
        }
        // Of instances that announce at once, the last one to write wins.
        self.host.sleep(SETTLES_MS).await;
        match announced.and_then(|()| self.attempt()) {
            Ok(last) => Ok(last.is_none_or(|last| last.by == this.by)),
            // Instances that live on need the store least. Each of the others would fetch.
            Err(_) if H::LIVES_ON => Ok(true),
            Err(Unavailable(problem)) => Err(problem),
        }
    }

    async fn fetch(&self, this: Attempt, key: Option<&[u8; 32]>) -> Result<(), String> {
        let fetched = fetch(self.host, &self.of.issuer).await;
        let issuer = &self.of.issuer;
        match fetched {
            Ok(stored) => {
                let value = stored.encode(issuer, key);
                if let Some(store) = &mut *self.store.borrow_mut() {
                    // The store says why in the log; this instance has the keys.
                    _ = store.set(&self.of.names[0], &value);
                }
                self.of.keep(stored);
            }
            Err(problem) => {
                if self.has() != Has::Nothing {
                    eprintln!("warning: the keys of `{issuer}` are old: {problem}");
                }
                *self.of.problem.borrow_mut() = problem;
            }
        }
        _ = self.announce(Attempt { done: true, ..this });
        Ok(())
    }

    /// Reads the keys that an instance fetched.
    fn load(&self, key: Option<&[u8; 32]>) -> Result<(), Unavailable> {
        let Some(value) = self.read(0)? else {
            return Ok(());
        };
        if let Some(stored) = Stored::decode(&value, &self.of.issuer, key, self.host.now()) {
            self.of.keep(stored);
        }
        Ok(())
    }

    /// The last attempt of any instance.
    fn attempt(&self) -> Result<Option<Attempt>, Unavailable> {
        let value = self.read(1)?;
        Ok(value.and_then(|value| Attempt::decode(&value, self.host.now())))
    }

    fn announce(&self, attempt: Attempt) -> Result<(), Unavailable> {
        match &mut *self.store.borrow_mut() {
            Some(store) => store.set(&self.of.names[1], &attempt.encode()),
            None => Ok(()),
        }
    }

    fn read(&self, name: usize) -> Result<Option<Vec<u8>>, Unavailable> {
        match &mut *self.store.borrow_mut() {
            Some(store) => Ok(store.get(&[&self.of.names[name]])?.pop().flatten()),
            None => Ok(None),
        }
    }

    /// Says why there are no keys, unless it is known better.
    fn note(&self, problem: impl Fn(&str) -> String) {
        let mut known = self.of.problem.borrow_mut();
        if known.is_empty() {
            *known = problem(&self.of.issuer);
        }
    }
}

fn state_key(host: &impl Host) -> Result<Option<[u8; 32]>, String> {
    let Some(text) = host.variable(STATE_KEY).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let key = api_key::hash(&text);
    key.map(Some).ok_or_else(|| {
        format!("the variable `{STATE_KEY}` is not 64 hexadecimal digits; set it to 32 random bytes, such as `openssl rand -hex 32` prints")
    })
}
