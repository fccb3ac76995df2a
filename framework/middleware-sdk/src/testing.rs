//! The next component of a middleware in tests: it records what reaches it.

use std::cell::RefCell;

use crate::{Error, Identity, Middleware, Next, Settings, ready};

type Answer = Box<dyn Fn(&str, &str) -> Result<String, Error>>;

/// The component behind the middleware.
pub struct End {
    answer: Answer,
    passed: RefCell<Vec<(String, String)>>,
    pub has_client: bool,
    pub revision: Option<String>,
    pub identity: Option<Identity>,
    pub session_id: Option<String>,
    pub meta: Option<String>,
}

impl End {
    /// Answers with what `answer` returns for a method and its parameters.
    pub fn new(answer: impl Fn(&str, &str) -> Result<String, Error> + 'static) -> End {
        End {
            answer: Box::new(answer),
            passed: RefCell::default(),
            has_client: true,
            revision: None,
            identity: None,
            session_id: None,
            meta: None,
        }
    }

    /// Gives every request the same answer.
    pub fn saying(answer: &str) -> End {
        let answer = answer.to_owned();
        End::new(move |_, _| Ok(answer.clone()))
    }

    /// What reached it since the last time, requests and notifications.
    pub fn passed(&self) -> Vec<(String, String)> {
        self.passed.take()
    }
}

impl Next for End {
    async fn handle(&self, method: &str, params: String) -> Result<String, Error> {
        let answer = (self.answer)(method, &params);
        self.passed.borrow_mut().push((method.to_owned(), params));
        answer
    }

    async fn notify(&self, method: &str, params: String) {
        self.passed.borrow_mut().push((method.to_owned(), params));
    }

    fn has_client(&self) -> bool {
        self.has_client
    }

    fn revision(&self) -> Option<String> {
        self.revision.clone()
    }

    fn identity(&self) -> Option<Identity> {
        self.identity.clone()
    }

    fn session_id(&self) -> Option<String> {
        self.session_id.clone()
    }

    fn meta(&self) -> Option<String> {
        self.meta.clone()
    }
}

/// A middleware with these settings.
pub fn middleware<M: Middleware>(settings: &str) -> Result<M, String> {
    M::new(Settings::parse(settings)?)
}

/// The answer of a middleware.
pub fn handle(
    middleware: &impl Middleware,
    next: &End,
    method: &str,
    params: &str,
) -> Result<String, Error> {
    ready(middleware.handle(next, method, params.to_owned()))
}
