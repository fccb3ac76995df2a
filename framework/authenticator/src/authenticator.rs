//! From the headers of a request to its caller.

use std::{cell::RefCell, future::Future, mem, rc::Rc};

use spin_mcp_auth::{
    Caller, Invalid, Jwks, Settings, Verdict, api_key,
    bearer::{Credentials, credentials},
    jws::Jws,
};
use spin_mcp_protocol::services::Store;

use crate::{
    discovery::{Response, Target},
    fetched::{Fetched, Wanted},
    variable::{SECONDS, Variable},
};

/// The variable that holds API keys, as `api_keys` of the settings does.
const API_KEYS: &str = "mcp_auth_keys";

/// What the authenticator needs from its environment.
pub trait Host {
    /// Whether an instance serves more than one request, which may be at the same time.
    const LIVES_ON: bool;

    /// Since 1970.
    fn milliseconds(&self) -> u64;

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        self.milliseconds() / 1000
    }

    fn random(&self) -> u64;

    fn variable(&self, name: &str) -> Option<String>;

    /// The key-value store with this name.
    fn store(&self, name: &str) -> Box<dyn Store>;

    /// Sends a GET request. The response must be there before so many milliseconds. The error is for the
    /// log.
    fn get(
        &self,
        target: &Target<'_>,
        within: u64,
    ) -> impl Future<Output = Result<Response, String>>;

    fn sleep(&self, milliseconds: u64) -> impl Future<Output = ()>;
}

/// What is known of a request.
#[derive(Debug, PartialEq)]
pub enum Judgement {
    /// The caller, and until when the server may keep this.
    Known(Caller, u64),
    Missing,
    Invalid(Invalid),
    Malformed,
    /// `refresh` must be called first.
    Unready,
}

pub struct Authenticator<H> {
    host: H,
    baked: String,
    /// None if the settings cannot be read.
    state: Option<RefCell<State>>,
    store: RefCell<Option<Box<dyn Store>>>,
}

/// What an instance knows.
struct State {
    settings: Settings,
    /// Of each issuer.
    keys: Vec<Keys>,
    api_keys: Variable,
    api_keys_are_readable: bool,
    /// What the next call of `refresh` must do.
    needs: Vec<Need>,
}

/// The keys of an issuer.
enum Keys {
    Baked(Rc<str>),
    Variable(String, Variable),
    Fetched(Rc<Fetched>),
}

enum Need {
    /// Only the operator of the server can do something about this.
    Operator(String),
    Keys(Rc<Fetched>, Wanted),
}

impl Keys {
    /// The JWK set, as far as it may be used now.
    fn at(&self, now: u64) -> Option<Rc<str>> {
        match self {
            Keys::Baked(set) => Some(set.clone()),
            Keys::Variable(_, variable) => variable.value(),
            Keys::Fetched(fetched) => fetched.at(now),
        }
    }
}

impl State {
    fn new(settings: Settings) -> State {
        let keys = settings.issuers.iter().map(|issuer| match &issuer.jwks {
            Jwks::Keys(set) => Keys::Baked(set.as_str().into()),
            Jwks::Variable(name) => Keys::Variable(name.clone(), Variable::default()),
            Jwks::Fetch => Keys::Fetched(Rc::new(Fetched::new(issuer.issuer.clone()))),
        });
        State {
            keys: keys.collect(),
            api_keys: Variable::default(),
            api_keys_are_readable: true,
            needs: Vec::new(),
            settings,
        }
    }

    /// Reads the variables that hold keys of issuers. Returns until when these keys count.
    fn update_keys(&mut self, host: &impl Host) -> u64 {
        let mut until = host.now() + SECONDS;
        for keys in &mut self.keys {
            if let Keys::Variable(name, variable) = keys {
                variable.update(host, name);
                until = until.min(variable.until());
            }
        }
        until
    }

    /// Judges what is not a token of an issuer.
    fn no_token(
        &mut self,
        credentials: Credentials<'_>,
        host: &impl Host,
        baked: &str,
    ) -> Judgement {
        if self.api_keys.update(host, API_KEYS)
            && let Some(mut settings) = Settings::read(baked)
        {
            let new = self.api_keys.value();
            self.api_keys_are_readable = new.is_none_or(|new| settings.replace_api_keys(&new));
            self.settings.api_keys = settings.api_keys;
        }
        match self
            .settings
            .authenticate(credentials, "", |_| None, host.now())
        {
            Verdict::Missing => Judgement::Missing,
            Verdict::Unreadable => Judgement::Malformed,
            // The key may be one of the variable, or one that the variable replaces.
            Verdict::Known(_) | Verdict::Invalid(_) if !self.api_keys_are_readable => {
                let problem = format!("the variable `{API_KEYS}` is not a JSON array of API keys");
                self.needs.push(Need::Operator(problem));
                Judgement::Unready
            }
            Verdict::Known(caller) => Judgement::Known(caller, self.api_keys.until()),
            Verdict::Invalid(why) => Judgement::Invalid(why),
            // Only tokens have issuers.
            Verdict::Stale(_) | Verdict::Unready(_) => Judgement::Unready,
        }
    }

    fn fetched(&self) -> Vec<Rc<Fetched>> {
        let fetched = self.keys.iter().filter_map(|keys| match keys {
            Keys::Fetched(fetched) => Some(fetched.clone()),
            _ => None,
        });
        fetched.collect()
    }

    /// Notes what must be done before this token can be judged.
    fn need(&mut self, issuer: usize, token: &str) -> Judgement {
        let name = &self.settings.issuers[issuer].issuer;
        let need = match &self.keys[issuer] {
            Keys::Baked(_) => Need::Operator(format!(
                "the keys of `{name}` in the settings are not a JWK set"
            )),
            Keys::Variable(variable, _) => Need::Operator(format!(
                "the variable `{variable}` with the keys of `{name}` is not a JWK set"
            )),
            Keys::Fetched(fetched) => match Jws::read(token) {
                Ok(token) => Need::Keys(fetched.clone(), Wanted::of(&token)),
                Err(invalid) => return Judgement::Invalid(invalid),
            },
        };
        self.needs.push(need);
        Judgement::Unready
    }
}

impl<H: Host> Authenticator<H> {
    pub fn new(baked: String, host: H) -> Authenticator<H> {
        let settings = Settings::read(&baked);
        let store = settings
            .as_ref()
            .and_then(|settings| settings.store.as_deref());
        Authenticator {
            store: RefCell::new(store.and_then(|name| Fetched::open(&host, name))),
            state: settings.map(|settings| RefCell::new(State::new(settings))),
            host,
            baked,
        }
    }

    pub fn authorization_servers(&self) -> Vec<String> {
        let state = self.state.as_ref().map(RefCell::borrow);
        let issuers = state.iter().flat_map(|state| &state.settings.issuers);
        issuers.map(|issuer| issuer.issuer.clone()).collect()
    }

    pub fn authenticate(&self, headers: &[(String, Vec<u8>)], resource: &str) -> Judgement {
        let Some(state) = &self.state else {
            return Judgement::Unready;
        };
        let state = &mut *state.borrow_mut();
        let now = self.host.now();
        let credentials = credentials(headers);
        let token = match credentials {
            Credentials::Bearer(token) if !token.starts_with(api_key::PREFIX) => token,
            _ => return state.no_token(credentials, &self.host, &self.baked),
        };
        let until = state.update_keys(&self.host);
        let keys: Vec<_> = state.keys.iter().map(|keys| keys.at(now)).collect();
        let known = |issuer: usize| keys[issuer].as_deref();
        match state
            .settings
            .authenticate(credentials, resource, known, now)
        {
            Verdict::Known(caller) => Judgement::Known(caller, until),
            Verdict::Missing => Judgement::Missing,
            Verdict::Unreadable => Judgement::Malformed,
            Verdict::Invalid(why) => Judgement::Invalid(why),
            Verdict::Unready(issuer) => state.need(issuer, token),
            Verdict::Stale(issuer) => match &state.keys[issuer] {
                Keys::Fetched(fetched) if fetched.may_have_more(now) => state.need(issuer, token),
                _ => Judgement::Invalid(Invalid::Signature),
            },
        }
    }

    /// Obtains the keys for the requests that were not judged since the last call. The error is for
    /// the log.
    pub async fn refresh(&self) -> Result<(), String> {
        let Some(state) = &self.state else {
            return Err("the settings of the authenticator cannot be read".to_owned());
        };
        let needs = mem::take(&mut state.borrow_mut().needs);
        if needs.is_empty() {
            // Another request does what this one needs.
            let all = state.borrow().fetched();
            for fetched in all {
                fetched.settled().await;
            }
        }
        for need in needs {
            match need {
                Need::Operator(problem) => return Err(problem),
                Need::Keys(fetched, wanted) => {
                    fetched.obtain(&self.host, &self.store, &wanted).await?;
                }
            }
        }
        Ok(())
    }
}
