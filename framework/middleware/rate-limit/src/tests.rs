use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use serde_json::{Value, json};
use spin_mcp_middleware_sdk::{
    Identity,
    testing::{End, handle, middleware},
};
use spin_mcp_protocol::services::MemoryStore;

use super::*;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_795_000_000_000) };
}

/// A store that several instances share, and that can fail.
#[derive(Clone, Default)]
struct Shared {
    inner: Rc<RefCell<MemoryStore>>,
    broken: Rc<Cell<bool>>,
    refuses_to_count: bool,
    /// The counters, if the store has them.
    counts: Option<Rc<RefCell<BTreeMap<String, u64>>>>,
}

impl Shared {
    fn keys(&self) -> Vec<String> {
        let store = self.inner.borrow();
        let keys = store.keys().filter(|key| !key.starts_with("mcp:due"));
        keys.map(str::to_owned).collect()
    }

    fn check(&self) -> Result<(), Unavailable> {
        match self.broken.get() {
            true => Err(Unavailable("broken".to_owned())),
            false => Ok(()),
        }
    }
}

impl Store for Shared {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        self.check()?;
        self.inner.borrow_mut().get(keys)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check()?;
        self.inner.borrow_mut().set(key, value)
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        self.inner.borrow_mut().delete(keys)
    }

    fn increment(&mut self, key: &str) -> Result<Option<u64>, Unavailable> {
        self.check()?;
        if self.refuses_to_count {
            return Err(Unavailable("no counters".to_owned()));
        }
        Ok(self.counts.as_ref().map(|counts| {
            let mut counts = counts.borrow_mut();
            let count = counts.entry(key.to_owned()).or_default();
            *count += 1;
            *count
        }))
    }
}

fn limit(settings: Value, store: &Shared) -> RateLimit {
    let mut limit: RateLimit = middleware(&settings.to_string()).unwrap();
    limit.store = RefCell::new(Box::new(store.clone()));
    limit.now = || NOW.get();
    limit
}

fn client(subject: Option<&str>, session: Option<&str>) -> End {
    let mut end = End::saying("{}");
    end.identity = subject.map(|subject| Identity {
        subject: subject.to_owned(),
        issuer: "i".to_owned(),
    });
    end.session_id = session.map(str::to_owned);
    end
}

fn call(limit: &RateLimit, next: &End) -> Result<(), Error> {
    let outcome = handle(limit, next, "tools/call", "{}").map(|_| ());
    assert_eq!(next.passed().len(), usize::from(outcome.is_ok()));
    outcome
}

#[test]
fn one_request_too_many_is_refused_until_the_next_window() {
    let store = Shared::default();
    let next = client(None, None);
    NOW.set(1_795_000_005_500);
    for _ in 0..3 {
        // Whichever instance the request reaches.
        call(&limit(json!({"requests": 3, "seconds": 10}), &store), &next).unwrap();
    }
    let limit = limit(json!({"requests": 3, "seconds": 10}), &store);
    let refused = call(&limit, &next).unwrap_err();
    assert_eq!(
        (
            refused.code,
            refused.message.as_str(),
            refused.data.as_deref()
        ),
        (
            429,
            "too many requests: 3 in 10 s are allowed; try again in 5 s",
            Some(r#"{"retryAfterMs":4500}"#)
        )
    );
    NOW.set(1_795_000_009_999);
    assert!(call(&limit, &next).is_err());
    // A refused request is not written to the store.
    let key = store.keys().remove(0);
    let value = store.inner.borrow_mut().get(&[&key]).unwrap().remove(0);
    assert_eq!(value.unwrap(), b"3");
    NOW.set(1_795_000_010_000);
    for _ in 0..3 {
        call(&limit, &next).unwrap();
    }
    assert!(call(&limit, &next).is_err());
}

#[test]
fn a_store_that_can_count_does() {
    let store = Shared {
        counts: Some(Rc::default()),
        ..Shared::default()
    };
    NOW.set(1_795_000_005_500);
    let settings = json!({"requests": 2, "seconds": 10});
    let (alice, bob) = (client(Some("alice"), None), client(Some("bob"), None));
    for next in [&alice, &bob] {
        for _ in 0..2 {
            call(&limit(settings.clone(), &store), next).unwrap();
        }
        for _ in 0..2 {
            let refused = call(&limit(settings.clone(), &store), next).unwrap_err();
            assert_eq!(refused.code, TOO_MANY_REQUESTS);
        }
    }
    NOW.set(1_795_000_010_000);
    call(&limit(settings.clone(), &store), &alice).unwrap();
    let counts = store.counts.clone().unwrap().take();
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [4, 4, 1]);
    // Reading and writing did not see these keys.
    assert_eq!(store.keys(), [""; 0]);

    store.broken.set(true);
    assert_eq!(
        call(&limit(settings, &store), &bob).unwrap_err().code,
        INTERNAL_ERROR
    );
}

#[test]
fn only_the_methods_of_the_settings_count() {
    let store = Shared::default();
    let next = client(None, None);
    let calls = limit(json!({"requests": 1}), &store);
    for _ in 0..3 {
        handle(&calls, &next, "tools/list", "{}").unwrap();
    }
    next.passed();
    call(&calls, &next).unwrap();
    assert!(call(&calls, &next).is_err());
    let all = limit(
        json!({"requests": 1, "methods": ["*/list", "ping"]}),
        &store,
    );
    handle(&all, &next, "tools/list", "{}").unwrap();
    assert!(handle(&all, &next, "ping", "{}").is_err());
    let mut compose = client(None, None);
    compose.has_client = false;
    handle(&all, &compose, "tools/list", "{}").unwrap();
}

#[test]
fn limits_are_shared_by_whom_the_settings_say() {
    let clients = || {
        [
            client(Some("alice"), Some("1")),
            client(Some("alice"), Some("2")),
            client(Some("bob"), None),
            client(Some("bob"), None),
            client(None, Some("3")),
            client(None, None),
            client(None, None),
        ]
    };
    for (per, passes) in [
        (None, [true, false, true, false, true, false, false]),
        (
            Some("principal"),
            [true, false, true, false, true, false, false],
        ),
        (
            Some("session"),
            [true, true, true, false, true, true, false],
        ),
        (
            Some("everybody"),
            [true, false, false, false, false, false, false],
        ),
    ] {
        let store = Shared::default();
        let settings = match per {
            None => json!({"requests": 1}),
            Some(per) => json!({"requests": 1, "per": per}),
        };
        let limit = limit(settings, &store);
        let passed = clients().map(|next| call(&limit, &next).is_ok());
        assert_eq!(passed, passes, "{per:?}");
    }
}

#[test]
fn limits_of_their_own_count_apart() {
    let store = Shared::default();
    let next = client(None, None);
    let minute = limit(json!({"requests": 1, "seconds": 60}), &store);
    let hour = limit(json!({"requests": 2, "seconds": 3600}), &store);
    call(&minute, &next).unwrap();
    call(&hour, &next).unwrap();
    call(&hour, &next).unwrap();
    assert!(call(&minute, &next).is_err() && call(&hour, &next).is_err());
}

#[test]
fn without_a_store_settings_decide() {
    let store = Shared::default();
    store.broken.set(true);
    let next = client(None, None);
    let refused = call(&limit(json!({}), &store), &next).unwrap_err();
    assert_eq!(refused.code, -32603);
    assert!(
        refused
            .message
            .starts_with("the requests of this client cannot be counted")
    );
    call(&limit(json!({"unavailable": "allow"}), &store), &next).unwrap();
}

#[test]
fn a_store_that_refuses_to_count_reads_and_writes() {
    let store = Shared {
        refuses_to_count: true,
        ..Shared::default()
    };
    let next = client(None, None);
    let limit = limit(json!({"requests": 1}), &store);
    call(&limit, &next).unwrap();
    assert_eq!(call(&limit, &next).unwrap_err().code, TOO_MANY_REQUESTS);
}

#[test]
fn a_value_that_is_no_count_is_no_count() {
    let store = Shared::default();
    let next = client(None, None);
    let limit = limit(json!({}), &store);
    call(&limit, &next).unwrap();
    let key = store.keys().remove(0);
    store.inner.borrow_mut().set(&key, b"-1").unwrap();
    assert_eq!(call(&limit, &next).unwrap_err().code, -32603);
}

#[test]
fn keys_of_old_windows_go_away() {
    let store = Shared::default();
    let limit = limit(json!({"seconds": 1}), &store);
    let next = client(None, None);
    // The sweep misses all of them once in 10^27 runs.
    for _ in 0..4000 {
        NOW.set(NOW.get() + 10_000);
        call(&limit, &next).unwrap();
    }
    assert!(store.keys().len() < 3000, "{} keys", store.keys().len());
}

#[test]
fn settings_are_read_strictly() {
    for (settings, problem) in [
        (
            json!({"requests": 0}),
            "`requests` must be a whole number from 1 to 1000000",
        ),
        (
            json!({"seconds": 1.5}),
            "`seconds` must be a whole number from 1 to 2678400",
        ),
        (
            json!({"per": "user"}),
            "`per` must be one of `principal`, `session`, `everybody`",
        ),
        (
            json!({"unavailable": true}),
            "`unavailable` must be one of `refuse`, `allow`",
        ),
        (
            json!({"limit": 1}),
            "unknown key `limit`; the keys here are `requests`, `seconds`, `per`, `methods`, `store`, `unavailable`",
        ),
    ] {
        assert_eq!(
            middleware::<RateLimit>(&settings.to_string())
                .err()
                .unwrap(),
            problem
        );
    }
}
