//! One stream of notifications, of a `subscriptions/listen` request or of a session's GET.

use std::ops::Range;

use super::{
    change::Change,
    filter::{self, Filter, Offer},
    heard::Heard,
    notice, subscriptions,
    watch::{Stamp, Topic, Watch},
};
use crate::{
    state::{
        keys,
        services::{Services, Store, Unavailable},
        sweep,
    },
    wire::{failure::Failure, json::Value, sse},
};

/// The ids of events on the stream of a session: this, and a number.
const EVENT: &[u8] = b"changes.";

/// A client that listens.
///
/// With a store: call `begin` and send its message, call `poll` from time to time, and call
/// `end` when the server ends the stream. Where one process serves all clients, `notice` is
/// enough and needs no store.
#[derive(Clone, Debug)]
pub struct Listener {
    /// JSON. Legacy streams do not have one.
    id: Option<String>,
    watch: Watch,
    tasks: Vec<String>,
    session: Option<Session>,
}

/// The session of a stream.
#[derive(Clone, Debug)]
struct Session {
    /// The key of its subscriptions, if the server reports changes of single resources.
    subscribed: Option<String>,
    /// The key of the stamp of its latest stream, and of what it has heard.
    stream: String,
    /// The stamps of this stream, and of the one before it.
    streams: [Option<Stamp>; 2],
    /// Its subscriptions, as last read.
    record: Option<Vec<u8>>,
    /// The number of the last message that the client received, if it says so.
    received: Option<u32>,
    /// The number of the last message.
    last: u32,
    /// The numbers of messages that were given and not framed.
    numbers: Range<u32>,
}

impl Listener {
    /// The listener of a `subscriptions/listen` request: it watches what `notifications` names
    /// and the server offers. `id` is that of the request, as JSON.
    ///
    /// If `task_ids` is not empty afterwards, the client must have declared the tasks extension.
    ///
    /// # Errors
    ///
    /// `notifications` is missing, has a member of a wrong type, or names too much.
    pub fn modern(
        id: &str,
        notifications: Option<Value<'_>>,
        offer: Offer,
    ) -> Result<Listener, Failure> {
        let filter = filter::read(notifications)?;
        Ok(Listener::new(Some(id.to_owned()), filter, offer))
    }

    /// The listener of a legacy client in a single process, without a store: it watches all
    /// lists that the server offers, and these resources.
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

    /// The listener of a session's GET: it watches all lists that the server offers, and the
    /// resources that the session is subscribed to at the moment. `session` and `expires` are
    /// those of `subscribe`.
    ///
    /// A message must not be sent on two streams of a session
    /// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#multiple-connections).
    /// So the latest stream gets all messages; the others stay open and silent.
    /// The stream goes on where the last one of the session ended. `event` is the id of the last
    /// event that the client received, if it says so.
    pub fn session(session: &[u8], expires: u64, event: Option<&[u8]>, offer: Offer) -> Listener {
        let number = event.and_then(|event| event.strip_prefix(EVENT));
        let number = number.and_then(|number| str::from_utf8(number).ok()?.parse().ok());
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
            received: number,
            last: 0,
            numbers: 0..0,
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

    /// The tasks that the client names.
    pub fn task_ids(&self) -> &[String] {
        &self.tasks
    }

    /// Keeps only these tasks. Call it before `begin`, which tells the client what is kept.
    pub fn retain_tasks(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.tasks.retain(|task| keep(task));
    }

    /// Begins to watch. Gives the first message of the stream; legacy streams have none.
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
        let Some(session) = &mut self.session else {
            return self.watch.begin(now, store);
        };
        let mut values = store.get(&session.keys())?.into_iter();
        let before = values.next().flatten().unwrap_or_default();
        session.streams = [stream, stamp(&before)];
        session.follow(&mut self.watch, values.next().flatten());
        match before.get(size_of::<Stamp>()..).and_then(Heard::read) {
            Some(heard) => {
                heard.resume(&mut self.watch, session.received);
                session.last = heard.last;
                self.watch.look(now, store, &[])?;
            }
            None => self.watch.begin(now, store)?,
        }
        session.numbers = session.last + 1..session.last + 1;
        // From here on, the stream before this one is silent. Any earlier, and events of this
        // moment would be on neither stream.
        session.keep(&self.watch, store)?;
        sweep::note(store, &[&session.stream]);
        Ok(())
    }

    /// The notifications of events since `begin` or since the last `poll`. If the store fails,
    /// the next `poll` gives them. What a stream `may` not tell about a resource is left to the next
    /// one of its session.
    pub fn poll<S: Services>(
        &mut self,
        services: &mut S,
        may: impl Fn(&str, &mut S) -> bool,
    ) -> Result<Vec<Vec<u8>>, Unavailable> {
        let now = services.now();
        let Some(store) = services.store() else {
            return Ok(Vec::new());
        };
        if !self.look(now, store)? {
            return Ok(Vec::new());
        }
        let mut withheld = Vec::new();
        for topic in self.watch.topics_mut() {
            if let (true, Change::Resource(uri)) = (topic.pending, &topic.change)
                && !may(uri, services)
            {
                topic.pending = false;
                withheld.push(uri.clone());
            }
        }
        Ok(services
            .store()
            .map_or(Vec::new(), |store| self.tell(withheld, store)))
    }

    /// Looks for events. False: another stream tells the client of them.
    pub(super) fn look(&mut self, now: u64, store: &mut dyn Store) -> Result<bool, Unavailable> {
        let keys = self.session.as_ref().map(Session::keys).unwrap_or_default();
        let mut values = self.watch.look(now, store, &keys)?.into_iter();
        if let Some(session) = &mut self.session {
            let latest = stamp(&values.next().flatten().unwrap_or_default());
            let silent = latest.is_some() && !session.streams.contains(&latest);
            session.follow(&mut self.watch, values.next().flatten());
            if silent {
                self.watch.take_pending().for_each(drop);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The notifications of the events that `look` found, but for those of `withheld` resources.
    pub(super) fn tell(&mut self, withheld: Vec<String>, store: &mut dyn Store) -> Vec<Vec<u8>> {
        if let Some(session) = &mut self.session {
            for topic in self.watch.topics_mut() {
                if topic.pending {
                    session.last += 1;
                    topic.sent = session.last;
                }
            }
            session.numbers.end = session.last + 1;
        }
        let id = self.id.as_deref();
        let pending = self.watch.take_pending();
        let notices: Vec<Vec<u8>> = pending.map(|change| notice::change(id, change)).collect();
        for topic in self.watch.topics_mut() {
            topic.pending |=
                matches!(&topic.change, Change::Resource(uri) if withheld.contains(uri));
        }
        if let Some(session) = self.session.as_ref().filter(|_| !notices.is_empty()) {
            // If this fails, the next stream gives them again.
            let _ = session.keep(&self.watch, store);
        }
        notices
    }

    /// A notification as an event. The events of a session have ids: the client names the last
    /// one that it received when it opens the next stream.
    pub fn event(&mut self, notification: &[u8]) -> Vec<u8> {
        let number = self
            .session
            .as_mut()
            .and_then(|session| session.numbers.next());
        let id = number.map(|number| format!("{}{number}", String::from_utf8_lossy(EVENT)));
        sse::event_with_id(id.as_deref(), notification)
    }

    /// The beginning of the stream; empty if it is nothing special.
    pub fn opening(&self) -> Vec<u8> {
        self.session
            .as_ref()
            .map_or(Vec::new(), |_| sse::reopening())
    }

    /// The notification of a change, if the client listens for it.
    pub fn notice(&self, change: &Change) -> Option<Vec<u8>> {
        let mut topics = self.watch.topics().iter();
        topics
            .any(|topic| topic.change == *change)
            .then(|| notice::change(self.id.as_deref(), change))
    }

    /// The response to the `subscriptions/listen` request, which ends the stream; none for
    /// legacy streams. `server_info` is an `Implementation` object.
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

/// The messages for a client that listens where nothing can happen: nothing is agreed to, and the
/// stream ends.
pub fn unheard(id: &str, server_info: &[u8]) -> [Vec<u8>; 2] {
    let acknowledged = notice::acknowledgement(id, [].iter(), &[]);
    [acknowledged, notice::end(id, server_info)]
}

impl Session {
    /// Stores that this is the latest stream, and what it has sent.
    fn keep(&self, watch: &Watch, store: &mut dyn Store) -> Result<(), Unavailable> {
        let mut value = self.streams[0].unwrap_or_default().to_vec();
        Heard::write(watch, self.last, &mut value);
        store.set(&self.stream, &value)
    }

    fn keys(&self) -> Vec<&str> {
        let subscribed = self.subscribed.as_deref();
        [&*self.stream].into_iter().chain(subscribed).collect()
    }

    /// Watches exactly the resources that the session is subscribed to now.
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

/// The stamp of the stream that wrote this value.
fn stamp(value: &[u8]) -> Option<Stamp> {
    value.first_chunk().copied()
}
