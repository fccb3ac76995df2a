//! Tasks that a client subscribes to. While it does, they advance as if the client asked for
//! them (https://modelcontextprotocol.io/seps/2663-tasks-extension#task-status-notifications).

use super::task_call::task_call;
use crate::{
    call::{Call, caller::Caller},
    catalog::Catalog,
    state::{
        services::Services,
        tasks::{self, Detailed, Got},
    },
    wire::message::Meta,
};

/// The tasks of one stream.
#[derive(Debug)]
pub struct Watched<'a> {
    catalog: Catalog<'a>,
    /// The `id` of the subscription, as JSON.
    subscription: &'a str,
    client: Caller<'a>,
    tasks: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    id: String,
    /// The state that the client knows.
    last: Option<Detailed>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(
        catalog: Catalog<'a>,
        subscription: &'a str,
        client: Caller<'a>,
        ids: &[String],
    ) -> Watched<'a> {
        let tasks = ids.iter().map(|id| Known {
            id: id.clone(),
            last: None,
        });
        Watched {
            catalog,
            subscription,
            client,
            tasks: tasks.collect(),
        }
    }

    /// The number of tasks that have not ended.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The call that advances the task with this index, if it is due. The caller makes it, and
    /// drops its response.
    pub fn due<S: Services>(&self, index: usize, services: &mut S) -> Option<Call<'a>> {
        let known = self.tasks.get(index)?;
        let principal = services.principal();
        let Ok(Got::Advance(task)) = tasks::get(services, &principal, &known.id) else {
            return None;
        };
        let (client, id) = (self.client.clone(), self.subscription);
        task_call(&self.catalog, id, Meta::default(), client, task, services).ok()
    }

    /// Notifications of tasks that changed since the last call.
    pub fn news<S: Services>(&mut self, services: &mut S) -> Vec<Vec<u8>> {
        let principal = services.principal();
        let mut news = Vec::new();
        self.tasks.retain_mut(|known| {
            let Ok(now) = tasks::peek(services, &principal, &known.id) else {
                // The task expired, or the store does not answer. The client can still ask for
                // it.
                return false;
            };
            if known.last.as_ref() != Some(&now) {
                news.push(now.notification(self.subscription));
            }
            let goes_on = !now.status().is_final();
            known.last = Some(now);
            goes_on
        });
        news
    }
}

#[cfg(test)]
mod tests;
