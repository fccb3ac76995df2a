//! The tasks that a client listens to. They advance while it does, as if it asked for them
//! (https://modelcontextprotocol.io/seps/2663-tasks-extension#task-status-notifications).

use crate::{
    Catalog,
    call::{Call, Input},
    chain,
    client::Client,
    extension,
    message::Meta,
    services::{ServerPart, Services},
    tasks::{self, Detailed, Got},
};

/// Tasks on one stream.
#[derive(Debug)]
pub struct Watched<'a> {
    catalog: Catalog<'a>,
    /// Of the request that listens, as JSON.
    subscription: &'a str,
    client: Client<'a>,
    tasks: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    id: String,
    /// As the client knows it.
    last: Option<Detailed>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(
        catalog: Catalog<'a>,
        subscription: &'a str,
        client: Client<'a>,
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

    /// How many there are. Those that ended are no more.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The call that advances the task of this index, if it is time for one. Make it, and let
    /// its response go.
    pub fn due<S: Services>(&self, index: usize, services: &mut S) -> Option<Call<'a>> {
        let known = self.tasks.get(index)?;
        let Ok(Got::Advance(task)) = tasks::get(services, self.client.principal(), &known.id)
        else {
            return None;
        };
        let target = extension::target(&self.catalog, &task, services).ok()?;
        let input = Input {
            responses: task.input_responses(),
            state: Some(task.state().to_owned()),
        };
        let client = self.client.clone();
        let mut call = Call::new(
            self.catalog,
            self.subscription,
            target,
            Meta::default(),
            input,
            client,
        );
        call.task = Some(task);
        if services.part() == ServerPart::Transport {
            chain::pass_task(&mut call);
        }
        Some(call)
    }

    /// The notifications for what changed since.
    pub fn news<S: Services>(&mut self, services: &mut S) -> Vec<Vec<u8>> {
        let principal = self.client.principal();
        let mut news = Vec::new();
        self.tasks.retain_mut(|known| {
            let Ok(now) = tasks::peek(services, principal, &known.id) else {
                // Expired, or the store fails: the client asks for it if it wants to know.
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
