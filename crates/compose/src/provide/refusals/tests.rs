//! What refusals answer, in an embedded host.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use wasmtime::{
    Engine, Store, StoreLimits, StoreLimitsBuilder,
    component::{Component, Func, Instance, Linker, Resource, ResourceType, Val},
};

use super::*;

const REFUSED: &str = "wasi:refused/all@1.0.0";

/// A component that refuses the functions of an interface.
fn refuser(interface: &str) -> Result<Vec<u8>> {
    let text = format!(
        "package wasi:host@1.0.0 {{ interface types {{ resource request; }} }}
         package wasi:refused@1.0.0 {{
             interface all {{ use wasi:host/types@1.0.0.{{request}}; {interface} }}
             world any {{ import all; }}
         }}"
    );
    let mut resolve = Resolve::default();
    resolve.push_str("test.wit", &format!("package test:test;\n{text}"))?;
    Refuser::new(resolve, &[REFUSED.to_owned()]).encode()
}

struct Request;

/// An instance of it, and how many requests of its host were dropped.
struct Refusing {
    store: Store<StoreLimits>,
    instance: Instance,
    dropped: Arc<AtomicUsize>,
}

impl Refusing {
    fn new(interface: &str) -> Refusing {
        let engine = Engine::default();
        let component = Component::new(&engine, refuser(interface).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = dropped.clone();
        let mut types = linker.instance("wasi:host/types@1.0.0").unwrap();
        types
            .resource("request", ResourceType::host::<Request>(), move |_, _| {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
            .unwrap();
        let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        let instance = linker.instantiate(&mut store, &component).unwrap();
        Refusing {
            store,
            instance,
            dropped,
        }
    }

    fn function(&mut self, name: &str) -> Func {
        let interface = self
            .instance
            .get_export_index(&mut self.store, None, REFUSED);
        let function = self
            .instance
            .get_export_index(&mut self.store, interface.as_ref(), name);
        let function = function.unwrap_or_else(|| panic!("no `{name}`"));
        self.instance.get_func(&mut self.store, function).unwrap()
    }

    fn call(&mut self, name: &str, params: &[Val]) -> Val {
        let function = self.function(name);
        let mut results = [Val::Bool(false)];
        function
            .call(&mut self.store, params, &mut results)
            .unwrap();
        let [result] = results;
        result
    }

    fn request(&mut self) -> Val {
        let request = Resource::<Request>::new_own(1);
        Val::Resource(request.try_into_resource_any(&mut self.store).unwrap())
    }
}

#[test]
fn an_error_says_best_what_happened() {
    let mut refusing = Refusing::new(
        "variant spin-error { no-such-store, access-denied, other(string) }
         variant config-error { upstream(string), io(string) }
         variant database-error { connection-failed(string), other(string), lost(u32) }
         variant http-error { destination-not-found, HTTP-request-denied, internal-error(option<string>) }
         variant open-error { missing(u32), other(option<string>), broken }
         enum old-error { success, destination-not-allowed, too-many-requests }
         enum file-error { not-found, not-permitted, access }
         enum unlike-error { success, closed }
         record told-error { code: u8, text: string }
         spin: func() -> result<u32, spin-error>;
         config: func() -> result<option<string>, config-error>;
         database: func() -> result<_, database-error>;
         http: func() -> result<request, http-error>;
         open: func() -> result<_, open-error>;
         old: func() -> result<_, old-error>;
         file: func() -> result<u64, file-error>;
         unlike: func() -> result<_, unlike-error>;
         told: func() -> result<_, told-error>;
         text: func() -> result<_, string>;
         silent: func() -> result<u8>;
         bare: func() -> file-error;",
    );
    let text = || Val::String("not allowed: `wasi:refused` is not in its `allow`".into());
    let case = |name: &str, payload: Option<Val>| Val::Variant(name.into(), payload.map(Box::new));
    let named = |name: &str| Val::Enum(name.into());
    let told = vec![("code".into(), Val::U8(0)), ("text".into(), text())];
    for (function, error) in [
        ("spin", case("access-denied", None)),
        ("config", case("upstream", Some(text()))),
        ("database", case("other", Some(text()))),
        ("http", case("HTTP-request-denied", None)),
        (
            "open",
            case("other", Some(Val::Option(Some(Box::new(text()))))),
        ),
        ("old", named("destination-not-allowed")),
        ("file", named("not-permitted")),
        ("unlike", named("closed")),
        ("told", Val::Record(told)),
        ("text", text()),
    ] {
        let expected = Val::Result(Err(Some(Box::new(error))));
        assert_eq!(refusing.call(function, &[]), expected, "{function}");
    }
    assert_eq!(refusing.call("silent", &[]), Val::Result(Err(None)));
    assert_eq!(refusing.call("bare", &[]), named("not-found"));
}

#[test]
fn without_an_error_there_is_as_little_as_can_be() {
    let mut refusing = Refusing::new(
        "record entry { name: string, size: u64 }
         flags rights { read, write }
         names: func() -> list<string>;
         first: func() -> option<entry>;
         entry-of: func(name: string) -> entry;
         all: func() -> tuple<u8, f64, bool, char, rights>;
         number: func() -> f32;
         big: func() -> s64;",
    );
    assert_eq!(refusing.call("names", &[]), Val::List(Vec::new()));
    assert_eq!(refusing.call("first", &[]), Val::Option(None));
    let name = ("name".into(), Val::String(String::new()));
    let entry = Val::Record(vec![name, ("size".into(), Val::U64(0))]);
    assert_eq!(refusing.call("entry-of", &[Val::String("x".into())]), entry);
    let all = vec![
        Val::U8(0),
        Val::Float64(0.0),
        Val::Bool(false),
        Val::Char('\0'),
        Val::Flags(Vec::new()),
    ];
    assert_eq!(refusing.call("all", &[]), Val::Tuple(all));
    assert_eq!(refusing.call("number", &[]), Val::Float32(0.0));
    assert_eq!(refusing.call("big", &[]), Val::S64(0));
}

#[test]
fn what_a_call_brings_is_dropped() {
    let mut refusing = Refusing::new(
        "variant wide { number(u64), request(request), none }
         record pair { left: request, right: option<request> }
         send: func(request: request, again: option<request>) -> result;
         look: func(request: borrow<request>) -> result;
         choose: func(wide: wide) -> result;
         both: func(pair: pair, other: result<request, string>) -> result;",
    );
    let failed = Val::Result(Err(None));
    let requests: Vec<_> = (0..9).map(|_| refusing.request()).collect();
    let some = |request: &Val| Val::Option(Some(Box::new(request.clone())));
    let dropped = |refusing: &Refusing| refusing.dropped.load(Ordering::Relaxed);

    assert_eq!(
        refusing.call("send", &[requests[0].clone(), some(&requests[1])]),
        failed
    );
    assert_eq!(dropped(&refusing), 2);
    assert_eq!(
        refusing.call("send", &[requests[2].clone(), Val::Option(None)]),
        failed
    );
    assert_eq!(dropped(&refusing), 3);
    assert_eq!(refusing.call("look", &requests[3..4]), failed);
    assert_eq!(dropped(&refusing), 3);
    let request = Box::new(requests[3].clone());
    let wide = |case: &str, payload| Val::Variant(case.into(), payload);
    assert_eq!(
        refusing.call("choose", &[wide("request", Some(request))]),
        failed
    );
    assert_eq!(dropped(&refusing), 4);
    let number = Box::new(Val::U64(u64::MAX));
    assert_eq!(
        refusing.call("choose", &[wide("number", Some(number))]),
        failed
    );
    let pair = Val::Record(vec![
        ("left".into(), requests[4].clone()),
        ("right".into(), some(&requests[5])),
    ]);
    let other = Val::Result(Err(Some(Box::new(Val::String("none".into())))));
    assert_eq!(refusing.call("both", &[pair, other]), failed);
    assert_eq!(dropped(&refusing), 6);
}

/// Instances have 1 MiB here.
#[test]
fn memory_is_used_again() {
    let mut refusing = Refusing::new("put: func(value: list<u8>, more: string) -> result;");
    let value = Val::List(vec![Val::U8(1); 300_000]);
    let put = [value, Val::String("x".repeat(100_000))];
    for _ in 0..200 {
        assert_eq!(refusing.call("put", &put), Val::Result(Err(None)));
    }
}

/// A resource that takes nothing to get is one whose methods refuse.
#[test]
fn resources_that_can_be_made_refuse_in_their_methods() {
    let mut refusing = Refusing::new(
        "resource socket {
             constructor(port: u16);
             send: func(data: list<u8>) -> result<u64, string>;
             clone: func() -> socket;
         }
         socket-of: func(name: string) -> tuple<u8, socket>;",
    );
    let socket = refusing.call("[constructor]socket", &[Val::U16(1)]);
    let sent = refusing.call("[method]socket.send", &[socket.clone(), Val::List(vec![])]);
    assert!(matches!(sent, Val::Result(Err(Some(_)))), "{sent:?}");
    let clone = refusing.call("[method]socket.clone", &[socket]);
    assert!(matches!(clone, Val::Resource(_)), "{clone:?}");
    let Val::Tuple(made) = refusing.call("socket-of", &[Val::String("x".into())]) else {
        panic!("no tuple");
    };
    assert!(
        matches!(made[..], [Val::U8(0), Val::Resource(_)]),
        "{made:?}"
    );
}

/// Methods of a resource that nobody can get need no answer; other functions do.
#[test]
fn what_cannot_be_answered_is_an_error_unless_out_of_reach() {
    let methods = "resource socket {
        open: static func() -> result<socket>;
        receive: func() -> tuple<stream<u8>, future<result>>;
        close: static func(this: socket) -> stream<u8>;
    }";
    refuser(methods).unwrap();
    for (interface, name) in [
        ("listen: func() -> stream<u8>;", "listen"),
        ("take: func() -> request;", "take"),
        ("wait: func(all: list<borrow<request>>);", "wait"),
        (
            "resource socket { constructor(); receive: func() -> future; }",
            "[method]socket.receive",
        ),
    ] {
        let error = refuser(interface).unwrap_err().to_string();
        let expected =
            format!("`{name}` of `{REFUSED}` cannot report a refusal; add `wasi:refused`");
        assert!(error.starts_with(&expected), "{error}");
    }
}
