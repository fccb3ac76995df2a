//! One stream of notifications: that of a `subscriptions/listen` request, or the one that a
//! session's GET opened.

use super::{
    change::Change,
    filter::{self, Filter, Offer},
    notice, subscriptions,
    watch::{Stamp, Topic, Watch},
};
use crate::{
    state::{
        keys,
        services::{Services, Store, Unavailable},
    },
    wire::{failure::Failure, json::Value},
};

/// A client that listens.
///
/// With a store: `begin`, send what it gives, then `poll` from time to time, and `end` when
/// the server ends the stream. Where one process serves all, `notice` needs no store.
#[derive(Clone, Debug)]
pub struct Listener {
    /// JSON. Legacy streams have none.
    id: Option<String>,
    watch: Watch,
    tasks: Vec<String>,
    session: Option<Session>,
}

/// The session whose stream this is.
#[derive(Clone, Debug)]
struct Session {
    /// Where its subscriptions are, if the server tells of single resources.
    subscribed: Option<String>,
    /// Where the latest of its streams says that it is.
    stream: String,
    /// This stream, and the one that was the latest before it.
    streams: [Option<Stamp>; 2],
    /// Its subscriptions as they were read last.
    record: Option<Vec<u8>>,
}

impl Listener {
    /// The listener of a `subscriptions/listen` request: what its `notifications` ask for, as
    /// far as the server offers it. `id` is that of the request, as JSON.
    ///
    /// If `task_ids` is not empty then, the client must have declared the extension for tasks.
    ///
    /// # Errors
    ///
    /// `notifications` is not there, has a member of a wrong type, or asks for too much.
    pub fn modern(
        id: &str,
        notifications: Option<Value<'_>>,
        offer: Offer,
    ) -> Result<Listener, Failure> {
        let filter = filter::read(notifications)?;
        Ok(Listener::new(Some(id.to_owned()), filter, offer))
    }

    /// The listener of a legacy client that no store is needed for: all lists that the server
    /// offers, and these resources.
    pub fn legacy(uris: Vec<String>, offer: Offer) -> Listener {
        let filter = Filter {
            tools: true,
            prompts: true,
            resources: true,
            uris,
            tasks: Vec::new(),
        };
        Listener::new(None, filter, offer)
    }

    /// The listener of a session's GET: all lists that the server offers, and the resources
    /// that the session is subscribed to at each time. `session` and `expires` are what
    /// `subscribe` was given.
    ///
    /// A message must not be sent on two streams of a session
    /// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#multiple-connections).
    /// So the stream that began last gets all; the others stay open and silent.
    pub fn session(session: &[u8], expires: u64, offer: Offer) -> Listener {
        let Offer {
            tools,
            prompts,
            resources,
            updates,
            ..
        } = offer;
        let following = Session {
            subscribed: updates.then(|| subscriptions::key(session, expires)),
            stream: keys::key("stream", expires, session),
            streams: [None; 2],
            record: None,
        };
        Listener {
            session: (tools || prompts || resources || updates).then_some(following),
            ..Listener::legacy(Vec::new(), offer)
        }
    }

    fn new(id: Option<String>, filter: Filter, offer: Offer) -> Listener {
        let mut watch = Watch::default();
        let lists = [
            (Change::Tools, filter.tools && offer.tools),
            (Change::Prompts, filter.prompts && offer.prompts),
            (Change::Resources, filter.resources && offer.resources),
        ];
        let lists = lists.into_iter().filter(|(_, agreed)| *agreed);
        let uris = filter.uris.into_iter().filter(|_| offer.updates);
        lists
            .map(|(list, _)| list)
            .chain(uris.map(Change::Resource))
            .for_each(|change| watch.add(Topic::new(change, Vec::new())));
        let mut tasks = filter.tasks;
        tasks.retain(|_| offer.tasks);
        Listener {
            id,
            watch,
            tasks,
            session: None,
        }
    }

    /// The tasks that the client asked for.
    pub fn task_ids(&self) -> &[String] {
        &self.tasks
    }

    /// Agrees to these tasks only. Ask before `begin`, which tells the client.
    pub fn retain_tasks(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.tasks.retain(|task| keep(task));
    }

    /// Begins: whatever is published from now on is news. Gives the message that must be sent
    /// before any other; legacy clients get none.
    pub fn begin<S: Services>(&mut self, services: &mut S) -> Result<Option<Vec<u8>>, Failure> {
        if self.watch.topics().is_empty() && self.session.is_none() {
            return Ok(self.acknowledgement());
        }
        let now = services.now();
        let stream = self.session.is_some().then(|| services.random());
        let Some(store) = services.store() else {
            return Err(Failure::internal(
                "the server has no key-value store to learn of changes from; compose it with `--runtime spin`",
            ));
        };
        match self.begin_at(now, stream, store) {
            Ok(()) => Ok(self.acknowledgement()),
            Err(_) => Err(Failure::internal(
                "the server's key-value store did not answer; try again later",
            )),
        }
    }

    pub(super) fn begin_at(
        &mut self,
        now: u64,
        stream: Option<Stamp>,
        store: &mut dyn Store,
    ) -> Result<(), Unavailable> {
        if let Some(session) = &mut self.session {
            let mut values = store.get(&session.keys())?.into_iter();
            session.streams = [stream, stamp(values.next().flatten())];
            session.follow(&mut self.watch, values.next().flatten());
        }
        self.watch.begin(now, store)?;
        // The stream before this one stops here: earlier, and what happens just now would be
        // neither's.
        if let (Some(session), Some(stream)) = (&self.session, stream) {
            store.set(&session.stream, &stream)?;
        }
        Ok(())
    }

    /// The notifications of what happened since `begin`, which comes first, or since the last
    /// `poll`. A store that does not answer loses none: the next `poll` gives them.
    pub fn poll<S: Services>(&mut self, services: &mut S) -> Result<Vec<Vec<u8>>, Unavailable> {
        let now = services.now();
        match services.store() {
            Some(store) => self.poll_at(now, store),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn poll_at(
        &mut self,
        now: u64,
        store: &mut dyn Store,
    ) -> Result<Vec<Vec<u8>>, Unavailable> {
        let keys = self.session.as_ref().map(Session::keys).unwrap_or_default();
        let mut values = self.watch.look(now, store, &keys)?.into_iter();
        let mut silent = false;
        if let Some(session) = &mut self.session {
            let latest = stamp(values.next().flatten());
            silent = latest.is_some() && !session.streams.contains(&latest);
            session.follow(&mut self.watch, values.next().flatten());
        }
        let id = self.id.as_deref();
        let pending = self.watch.take_pending();
        let notices: Vec<Vec<u8>> = pending.map(|change| notice::change(id, change)).collect();
        Ok(if silent { Vec::new() } else { notices })
    }

    /// The notification of a change, if the client listens for it.
    pub fn notice(&self, change: &Change) -> Option<Vec<u8>> {
        let mut topics = self.watch.topics().iter();
        topics
            .any(|topic| topic.change == *change)
            .then(|| notice::change(self.id.as_deref(), change))
    }

    /// The response that ends a `subscriptions/listen` request for the client; none for legacy
    /// streams, which just end. `server_info` is an `Implementation` object.
    pub fn end(&self, server_info: &[u8]) -> Option<Vec<u8>> {
        self.id.as_deref().map(|id| notice::end(id, server_info))
    }

    fn acknowledgement(&self) -> Option<Vec<u8>> {
        let changes = self.watch.topics().iter().map(|topic| &topic.change);
        self.id
            .as_deref()
            .map(|id| notice::acknowledgement(id, changes, &self.tasks))
    }
}

impl Session {
    fn keys(&self) -> Vec<&str> {
        let subscribed = self.subscribed.as_deref();
        [&*self.stream].into_iter().chain(subscribed).collect()
    }

    /// Watches what the session is subscribed to now, and no other resource.
    fn follow(&mut self, watch: &mut Watch, record: Option<Vec<u8>>) {
        if self.record == record {
            return;
        }
        let now = subscriptions::decode(record.as_deref());
        self.record = record;
        let has = |topics: &[Topic], change: &Change| topics.iter().any(|t| t.change == *change);
        watch.retain(|topic| match topic.change {
            Change::Resource(_) => has(&now, &topic.change),
            _ => true,
        });
        for topic in now {
            if !has(watch.topics(), &topic.change) {
                watch.add(topic);
            }
        }
    }
}

fn stamp(value: Option<Vec<u8>>) -> Option<Stamp> {
    value.and_then(|value| Stamp::try_from(value).ok())
}
