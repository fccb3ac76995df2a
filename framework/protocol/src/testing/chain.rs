//! Both ends of a chain, in one process.

use std::ops::{Deref, DerefMut};

use super::TestServices;
use crate::{
    call::{Ask, Call, FeatureOutcome},
    catalog::Catalog,
    serve::{
        chain::is_gated,
        router::{
            self, Handling, Own, RouterStep,
            sequence::{Sequence, SequenceStep},
        },
    },
    state::services::{ServerPart, Services, Store},
    wire::types::types::Error,
};

/// The services of one part of a server.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $part:ident, $store:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name(pub TestServices);

        impl Services for $name {
            const WHOLE: bool = true;

            const ROUTER: bool = matches!(ServerPart::$part, ServerPart::Router);

            fn part(&self) -> ServerPart {
                ServerPart::$part
            }

            fn now(&mut self) -> u64 {
                self.0.now()
            }

            fn random(&mut self) -> [u8; 16] {
                self.0.random()
            }

            fn variable(&mut self, name: &str) -> Option<String> {
                self.0.variable(name)
            }

            fn store(&mut self) -> Option<&mut dyn Store> {
                let store: fn(&mut TestServices) -> Option<&mut dyn Store> = $store;
                store(&mut self.0)
            }

            fn pause(&mut self, milliseconds: u64) {
                self.0.pause(milliseconds);
            }
        }

        impl Deref for $name {
            type Target = TestServices;

            fn deref(&self) -> &TestServices {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut TestServices {
                &mut self.0
            }
        }
    };
}

part!(
    /// The services of a server without a chain.
    Whole,
    Server,
    TestServices::store
);
part!(
    /// The services of a transport.
    Transport,
    Transport,
    TestServices::store
);
part!(
    /// The services of a router, which has no store.
    Last,
    Router,
    |_| None
);

/// The request that the transport passes to the chain.
pub fn handed<'c>(call: &'c Call<'_>) -> (&'c str, &'c str) {
    match call.ask() {
        Ask::Handle { method, params } => (method, params),
        other => panic!("a transport asks for {other:?}"),
    }
}

/// The result of a router, for a request that the transport passed to the chain for `call`.
/// Features answer with `outcome`.
pub fn last(
    catalog: &Catalog<'_>,
    call: &Call<'_>,
    (method, params): (&str, &str),
    mut outcome: impl FnMut(&Ask<'_>) -> FeatureOutcome,
) -> Result<String, Error> {
    let context = call.context();
    if let Some(prepared) = context.prepared.filter(|_| is_gated(method)) {
        return Ok(prepared);
    }
    let (version, capabilities) = (context.protocol_version, context.client_capabilities);
    let client = (&*version, &*capabilities);
    own(catalog, client, (method, params), &mut outcome).settled()
}

/// The answer of a router to a request of a client of this revision and with these capabilities.
pub fn own(
    catalog: &Catalog<'_>,
    (version, capabilities): (&str, &str),
    (method, params): (&str, &str),
    mut outcome: impl FnMut(&Ask<'_>) -> FeatureOutcome,
) -> Own {
    let (capabilities, services) = (capabilities.to_owned(), &mut Last::default());
    match router::handle(catalog, method, params, version, capabilities, services) {
        Handling::Done(own) => own,
        Handling::Call(mut call) => loop {
            assert!(!matches!(call.ask(), Ask::Handle { .. }));
            let outcome = outcome(&call.ask());
            if let RouterStep::Done(own) = router::settle(&mut call, outcome, services) {
                return own;
            }
        },
    }
}

/// The result of a chain of saved sequences with these catalogs, followed by `last`.
pub fn through(
    sequences: &[Vec<u8>],
    client: (&str, &str),
    (method, params): (&str, &str),
    outcome: &mut dyn FnMut(&Catalog<'_>, &Ask<'_>) -> FeatureOutcome,
    last: &mut dyn FnMut(&str, &str) -> Result<String, Error>,
) -> Result<String, Error> {
    let Some((first, others)) = sequences.split_first() else {
        return last(method, params);
    };
    let catalog = Catalog::new(first).unwrap();
    let (mut sequence, mut step) = Sequence::begin(1, catalog, method, params);
    loop {
        step = match step {
            SequenceStep::Own => {
                let outcome = |ask: &Ask<'_>| outcome(&catalog, ask);
                sequence.own(own(&catalog, client, (method, params), outcome))
            }
            SequenceStep::Next(params) => {
                let behind = through(others, client, (method, &params), outcome, last);
                return sequence.next(behind);
            }
            SequenceStep::Done(result) => return result,
        };
    }
}
