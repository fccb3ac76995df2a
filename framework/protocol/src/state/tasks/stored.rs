use super::{
    detailed::{Detailed, Status},
    id::Id,
    record::{Asked, Mark, Open, Phase, Record, StoredResponse},
};
use crate::{
    state::services::{Store, Unavailable},
    wire::{failure::Failure, json::Object, time::iso8601},
};

/// A task and everything that is stored about it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub id: Id,
    pub record: Record,
    pub cancelled: Option<Mark>,
    advanced: Option<Mark>,
    /// The responses to the open requests, in their order; may be shorter.
    pub responses: Vec<Option<StoredResponse>>,
}

impl Stored {
    /// A task that only its writer has changed.
    pub fn new(id: Id, record: Record) -> Stored {
        Stored {
            id,
            record,
            cancelled: None,
            advanced: None,
            responses: Vec::new(),
        }
    }

    /// The failure is the same if the task never existed, has expired, belongs to another
    /// principal, or is damaged, so that a client cannot tell.
    pub fn load(
        store: &mut dyn Store,
        now: u64,
        principal: &str,
        id: &str,
    ) -> Result<Stored, Failure> {
        let id = Id::parse(id)
            .filter(|id| now < id.expires())
            .ok_or_else(unknown)?;
        let keys = [id.task(), id.cancellation(), id.advance()];
        let values = store.get(&keys.each_ref().map(String::as_str));
        let mut values = values.map_err(unavailable)?.into_iter();
        let mut value = || values.next().flatten();
        let record = value()
            .and_then(|bytes| Record::read(&bytes))
            .filter(|record| record.principal == principal)
            .filter(|record| now < record.created.saturating_add(record.ttl))
            .ok_or_else(unknown)?;
        let mark = |value: Option<Vec<u8>>| match value {
            None => Ok(None),
            Some(bytes) => Mark::read(&bytes).map(Some).ok_or_else(unknown),
        };
        let cancelled = mark(value())?;
        let advanced = mark(value())?;
        let mut stored = Stored {
            cancelled,
            advanced,
            ..Stored::new(id, record)
        };
        let keys: Vec<String> = stored
            .open()
            .map_or(&[][..], |open| &open.asked)
            .iter()
            .map(|request| stored.id.response(&request.name))
            .collect();
        if !keys.is_empty() {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let responses = store.get(&keys).map_err(unavailable)?.into_iter();
            let responses = responses.map(|bytes| match bytes {
                None => Ok(None),
                Some(bytes) => StoredResponse::read(&bytes).map(Some).ok_or_else(unknown),
            });
            stored.responses = responses.collect::<Result<_, _>>()?;
        }
        Ok(stored)
    }

    /// The open task; none if it has ended.
    pub fn open(&self) -> Option<&Open> {
        match &self.record.phase {
            Phase::Open(open) if self.cancelled.is_none() => Some(open),
            _ => None,
        }
    }

    /// The requests that the client has not answered.
    pub fn outstanding(&self) -> impl Iterator<Item = &Asked> {
        let asked = self.open().map_or(&[][..], |open| &open.asked).iter();
        let is_answered = |at| matches!(self.responses.get(at), Some(Some(_)));
        asked
            .enumerate()
            .filter(move |(at, _)| !is_answered(*at))
            .map(|(_, request)| request)
    }

    /// The open task, if its tool must be called now.
    pub fn advanceable(&self, now: u64) -> Option<&Open> {
        let open = self.open()?;
        if self.outstanding().next().is_some() {
            return None;
        }
        let rests = self.advanced.is_some_and(|last| {
            let is_answered = !open.asked.is_empty() && last.turn != self.record.turn;
            // Clocks of nodes differ, so the last call may lie in the future.
            !is_answered && now.abs_diff(last.at) < self.record.poll
        });
        (!rests).then_some(open)
    }

    pub fn mark(&self, store: &mut dyn Store, key: &str, now: u64) -> Result<(), Failure> {
        let mark = Mark {
            at: now,
            turn: self.record.turn,
        };
        store.set(key, &mark.write()).map_err(unavailable)
    }

    fn status(&self) -> Status {
        if self.cancelled.is_some() {
            return Status::Cancelled;
        }
        match &self.record.phase {
            Phase::Open(_) if self.outstanding().next().is_some() => Status::InputRequired,
            Phase::Open(_) => Status::Working,
            Phase::Completed(_) => Status::Completed,
            Phase::Failed { .. } => Status::Failed,
        }
    }

    pub fn detailed(&self) -> Detailed {
        let record = &self.record;
        let status = self.status();
        let message = match &record.phase {
            Phase::Open(open) if self.cancelled.is_none() => open.message.as_deref(),
            Phase::Failed { message, .. } if self.cancelled.is_none() => Some(message.as_str()),
            _ => None,
        };
        let responses = self.responses.iter().flatten();
        let updated = responses
            .map(|response| response.at)
            .chain(self.cancelled.map(|cancelled| cancelled.at))
            .fold(record.updated, u64::max);
        let mut task = Vec::new();
        let mut object = Object::begin(&mut task);
        object.string("taskId", &self.id.text);
        object.string("status", status.as_str());
        object.optional("statusMessage", message);
        object.string("createdAt", &iso8601(record.created));
        object.string("lastUpdatedAt", &iso8601(updated));
        object.json("ttlMs", record.ttl.to_string().as_bytes());
        object.json("pollIntervalMs", record.poll.to_string().as_bytes());
        match &record.phase {
            _ if status == Status::Cancelled => {}
            Phase::Open(_) if status == Status::InputRequired => {
                let mut requests = Object::begin(object.key("inputRequests"));
                for request in self.outstanding() {
                    let mut written = Object::begin(requests.key(&request.name));
                    written.string("method", &request.method);
                    written.json("params", request.params.as_bytes());
                    written.end();
                }
                requests.end();
            }
            Phase::Open(_) => {}
            Phase::Completed(result) => object.json("result", result.as_bytes()),
            Phase::Failed { error, .. } => object.json("error", error.as_bytes()),
        }
        object.end();
        Detailed { status, task }
    }
}

pub fn unknown() -> Failure {
    Failure::invalid_params("unknown task: it never existed, or it has expired")
}

pub(super) fn unavailable(_: Unavailable) -> Failure {
    Failure::internal("the key-value store of this server does not answer; try again later")
}
