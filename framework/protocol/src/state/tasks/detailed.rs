use crate::wire::json::Object;

/// The status of a task in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Working => "working",
            Status::InputRequired => "input_required",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// Whether the task has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Working | Status::InputRequired)
    }
}

/// A task as clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Detailed {
    pub(super) status: Status,
    /// A JSON object with at least one member.
    pub(super) task: Vec<u8>,
}

impl Detailed {
    pub fn status(&self) -> Status {
        self.status
    }

    /// The result of a `tasks/get`: a JSON object without `_meta`.
    pub fn into_result(self) -> Vec<u8> {
        self.result("complete")
    }

    pub(super) fn result(&self, kind: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.task.len() + 32);
        Object::begin(&mut out).string("resultType", kind);
        out.push(b',');
        out.extend_from_slice(&self.task[1..]);
        out
    }

    /// The `notifications/tasks` message for a stream. `subscription` is the `id` of the
    /// subscription, as JSON.
    pub fn notification(&self, subscription: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.task.len() + 160);
        let mut message = Object::begin(&mut out);
        message.string("jsonrpc", "2.0");
        message.string("method", "notifications/tasks");
        let params = message.key("params");
        params.extend_from_slice(&self.task[..self.task.len() - 1]);
        let mut params = Object::resume(params);
        let mut meta = Object::begin(params.key("_meta"));
        meta.json(
            "io.modelcontextprotocol/subscriptionId",
            subscription.as_bytes(),
        );
        meta.end();
        params.end();
        message.end();
        out
    }
}
