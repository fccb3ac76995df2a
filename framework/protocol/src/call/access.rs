//! Whether the sender of a request may do what it asks for, in a server with an authenticator. It is
//! decided before anything is sent, and before middleware and features learn of the request.

use std::{borrow::Cow, collections::BTreeSet, rc::Rc};

use super::{
    Call, CallResponse,
    caller::Caller,
    target::{spelled, unknown_prompt, unknown_resource, unknown_template, unknown_tool},
};
use crate::{
    catalog::{BakedAccess, Catalog, Flags, ListKind, NeedKind, Unmet},
    state::{
        listen::named,
        sender::{Sender, Who},
        services::{Services, Targets},
        tasks,
    },
    wire::{
        challenge::{challenge, is_scope, metadata_url, printable},
        failure::{FORBIDDEN, Failure, INTERNAL_ERROR, UNAUTHORIZED, excerpt},
        json::{self, Kind, Object, Reader, Value},
        message::Params,
        types::{Decision, Question},
        uri,
        version::Version,
    },
};

/// What a request is about.
struct Item<'r> {
    kind: NeedKind,
    /// The name or URI that clients see.
    name: Cow<'r, str>,
    /// Whether it is known by the id of a task.
    is_task: bool,
}

/// Fails if the client may not send this request.
pub fn check<S: Services>(
    catalog: &Catalog<'_>,
    method: &str,
    params: &Params<'_>,
    client: &Caller<'_>,
    services: &mut S,
) -> Result<(), Failure> {
    if !S::AUTH {
        return Ok(());
    }
    let (access, sender) = both(catalog, services)?;
    let sender = &*sender;
    // Middleware could read another one of two members.
    let reference = params.reference.filter(|_| method == "completion/complete");
    if reference.is_some_and(|reference| !is_strict(reference.text)) {
        return Err(Failure::malformed_params("`ref` names a member twice"));
    }
    let items = items(method, params, services);
    let asked = Asked {
        catalog,
        access,
        sender,
        client,
        method,
        params: params.text,
    };
    let decided = asked.decide(&items, services);
    decided.inspect_err(|failure| {
        let name = items.first().map_or("", |item| &item.name);
        log(services, failure, sender, method, name);
    })
}

/// Whether the client may watch the resource with this URI, on a stream of its session.
pub fn may_watch<S: Services>(
    catalog: &Catalog<'_>,
    uri: &str,
    client: &Caller<'_>,
    services: &mut S,
) -> bool {
    if !S::AUTH {
        return true;
    }
    let Ok((access, sender)) = both(catalog, services) else {
        return false;
    };
    let mut params = Vec::new();
    let mut object = Object::begin(&mut params);
    object.string("uri", uri);
    object.end();
    let asked = Asked {
        catalog,
        access,
        sender: &sender,
        client,
        method: "resources/subscribe",
        params: &String::from_utf8(params).unwrap_or_default(),
    };
    let item = Item {
        kind: NeedKind::Resource,
        name: uri.into(),
        is_task: false,
    };
    asked.decide(&[item], services).is_ok()
}

/// Fails if the client may not send anything. For messages that are no requests.
pub fn check_sender<S: Services>(
    catalog: &Catalog<'_>,
    method: &str,
    client: &Caller<'_>,
    services: &mut S,
) -> Result<(), Failure> {
    if !S::AUTH {
        return Ok(());
    }
    let (access, sender) = both(catalog, services)?;
    let sender = &*sender;
    let asked = Asked {
        catalog,
        access,
        sender,
        client,
        method,
        params: "",
    };
    let decided = asked.scopes(&[], Vec::new(), services);
    decided.inspect_err(|failure| log(services, failure, sender, method, ""))
}

/// The failure if the server cannot decide.
pub fn unready() -> Failure {
    Failure::new(
        503,
        INTERNAL_ERROR,
        "the server cannot check credentials now",
    )
}

/// Without both, nobody may do anything.
fn both<'a, S: Services>(
    catalog: &Catalog<'a>,
    services: &S,
) -> Result<(BakedAccess<'a>, Rc<Sender>), Failure> {
    let access = catalog.access().ok_or_else(unready)?;
    let sender = services.sender().ok_or_else(unready)?;
    Ok((access, sender))
}

/// What a request is about. What it does not say correctly fails later.
fn items<'r, S: Services>(method: &str, params: &Params<'r>, services: &mut S) -> Vec<Item<'r>> {
    let item = |kind, value: Option<Value<'r>>| {
        let name = value.and_then(|value| value.as_str())?;
        Some(Item {
            kind,
            name,
            is_task: false,
        })
    };
    let principal = services.principal();
    let mut task = |id: &str| {
        // A task that is unknown needs nothing: the answer is that it is unknown.
        let name = tasks::tool(services, &principal, id).ok()?;
        Some(Item {
            kind: NeedKind::Tool,
            name: name.into(),
            is_task: true,
        })
    };
    match method {
        "tools/call" => Vec::from_iter(item(NeedKind::Tool, params.name)),
        "prompts/get" => Vec::from_iter(item(NeedKind::Prompt, params.name)),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            Vec::from_iter(item(NeedKind::Resource, params.uri))
        }
        "completion/complete" => {
            let member = |name| params.reference.and_then(|of| of.member(name));
            Vec::from_iter(match member("type").and_then(|of| of.as_str()).as_deref() {
                Some("ref/prompt") => item(NeedKind::Prompt, member("name")),
                Some("ref/resource") => item(NeedKind::Resource, member("uri")),
                _ => None,
            })
        }
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            let id = params.task_id.and_then(|id| id.as_str());
            Vec::from_iter(id.and_then(|id| task(&id)))
        }
        "subscriptions/listen" => {
            let (uris, ids) = named(params.notifications);
            let resources = uris.into_iter().map(|uri| Item {
                kind: NeedKind::Resource,
                name: uri.into(),
                is_task: false,
            });
            resources
                .chain(ids.iter().filter_map(|id| task(id)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// A request that has to be decided on.
struct Asked<'s, 'a> {
    catalog: &'s Catalog<'a>,
    access: BakedAccess<'a>,
    sender: &'s Sender,
    client: &'s Caller<'s>,
    method: &'s str,
    params: &'s str,
}

impl Asked<'_, '_> {
    fn decide<S: Services>(&self, items: &[Item<'_>], services: &mut S) -> Result<(), Failure> {
        let mut wanted = Vec::new();
        if self.access.policy() {
            if !self.params.is_empty() && !is_strict(self.params) {
                let message = "an object in the parameters names a member twice";
                return Err(Failure::malformed_params(message));
            }
            let targets = services.targets();
            let target = |item: &Item<'_>, form| {
                let targets = targets.as_deref();
                self.known_target(item.kind, form, targets)
            };
            let asked = items.iter().flat_map(|item| {
                let forms = self.forms(item).into_iter();
                forms.map(move |form| (Some(item), target(item, form)))
            });
            let nothing = items.is_empty().then(|| (None, none()));
            for (item, target) in asked.chain(nothing) {
                match services.decide(&self.question(target)) {
                    Decision::Allow => {}
                    Decision::Needs(scopes) => {
                        let missing = scopes.into_iter().filter(|scope| {
                            is_scope(scope) && !self.sender.scopes().contains(scope)
                        });
                        let before = wanted.len();
                        wanted.extend(missing);
                        if wanted.len() == before {
                            return Err(forbidden("the policy of the server does not allow this"));
                        }
                    }
                    Decision::Forbidden(reason) => return Err(forbidden(&reason)),
                    Decision::Unknown => return Err(self.unknown(item)),
                }
            }
        }
        self.scopes(items, wanted, services)
    }

    /// Fails if the sender has not got the scopes for these items, or if a policy wants more.
    fn scopes<S: Services>(
        &self,
        items: &[Item<'_>],
        wanted: Vec<String>,
        services: &mut S,
    ) -> Result<(), Failure> {
        let trusted = matches!(self.sender.who, Who::Trusted);
        let granted = self.sender.scopes();
        let has = |scope: &str| trusted || granted.iter().any(|granted| granted == scope);
        let of_server = self.access.scopes().all(has);
        let hides = self.access.unmet() == Unmet::Hide;
        let mut hidden = None;
        for item in items {
            let has_all = self.needs(item.kind, &item.name).into_iter().all(has);
            if !has_all || hides && !trusted && self.watches_nothing(item) {
                hidden = Some(item);
            }
        }
        if of_server && hidden.is_none() && wanted.is_empty() {
            return Ok(());
        }
        let mut needed = owned(self.access.scopes());
        // A challenge would tell what is hidden.
        for item in items.iter().filter(|_| !hides) {
            add(&mut needed, owned(self.needs(item.kind, &item.name)));
        }
        if let Some(item) = hidden
            && of_server
            && hides
        {
            return Err(self.unknown(Some(item)));
        }
        add(&mut needed, wanted);
        Err(refusal(needed, self.sender, self.client.version, services))
    }

    /// Whether this is a subscription to a resource that no feature has. Where resources are hidden, it
    /// fails as that to a hidden one does.
    fn watches_nothing(&self, item: &Item<'_>) -> bool {
        let methods = [
            "resources/subscribe",
            "resources/unsubscribe",
            "subscriptions/listen",
        ];
        let (catalog, uri) = (self.catalog, &*item.name);
        let dynamic = Flags::RESOURCES.with(Flags::DYNAMIC);
        item.kind == NeedKind::Resource
            && methods.contains(&self.method)
            && catalog.equal_resource(uri).is_none()
            && !catalog.templates().any(|template| template.matches(uri))
            && catalog.slots_with(dynamic).next().is_none()
    }

    /// The names of an item that a policy may know: a feature gets a resource by the spelling in its
    /// list, or by the normal one.
    fn forms(&self, item: &Item<'_>) -> Vec<String> {
        let mut forms = vec![item.name.clone().into_owned()];
        if item.kind == NeedKind::Resource {
            let listed = self.catalog.equal_resource(&item.name);
            let listed = listed.map(|(listed, _)| listed.to_owned());
            let decoded = uri::normal(&uri::decoded(&item.name));
            add(&mut forms, vec![uri::normal(&item.name), decoded]);
            add(&mut forms, listed.into_iter().collect());
        }
        forms
    }

    fn needs(&self, kind: NeedKind, name: &str) -> Vec<&str> {
        match kind {
            NeedKind::Resource => self.access.resource_needs(name),
            kind => self.access.needs(kind, name),
        }
    }

    /// The failure as if the item did not exist.
    fn unknown(&self, item: Option<&Item<'_>>) -> Failure {
        let modern = self.client.version.is_modern();
        match item {
            None => Failure::method_not_found(self.method, self.client.version),
            Some(item) if item.is_task => tasks::unknown(),
            Some(item) => match item.kind {
                NeedKind::Tool => unknown_tool(&item.name),
                NeedKind::Prompt => unknown_prompt(&item.name),
                NeedKind::Resource if self.method == "completion/complete" => {
                    unknown_template(&item.name)
                }
                NeedKind::Resource if self.method == "resources/read" => {
                    unknown_resource(&spelled(self.catalog, (*item.name).into()), modern)
                }
                NeedKind::Resource => unknown_resource(&item.name, modern),
            },
        }
    }

    fn question(&self, target: String) -> Question {
        Question {
            caller: self.sender.caller().cloned(),
            method: self.method.to_owned(),
            params: match self.params {
                "" => "{}".to_owned(),
                params => params.to_owned(),
            },
            target,
            protocol_version: self.client.version.as_str().to_owned(),
            transport: match self.sender.is_stdio {
                true => "stdio".to_owned(),
                false => "http".to_owned(),
            },
            resource: self.sender.resource.clone(),
        }
    }

    /// The target of an item without an entry, from `targets` if it is there: to find its entry, a page of
    /// the catalog is read.
    fn known_target(&self, kind: NeedKind, name: String, targets: Option<&Targets>) -> String {
        let Some(targets) = targets else {
            return self.target(kind, &name, None);
        };
        let key = (kind as usize, name);
        if let Some(target) = targets.borrow().get(&key) {
            return target.clone();
        }
        let entry = self.entry(kind, &key.1);
        let target = self.target(kind, &key.1, entry);
        // There is no end of other names.
        if entry.is_some() {
            targets.borrow_mut().insert(key, target.clone());
        }
        target
    }

    /// JSON: what a policy learns about an item. `entry` is its entry in a list.
    fn target(&self, kind: NeedKind, name: &str, entry: Option<Value<'_>>) -> String {
        let (said, key) = match kind {
            NeedKind::Tool => ("tool", "name"),
            NeedKind::Prompt => ("prompt", "name"),
            NeedKind::Resource => ("resource", "uri"),
        };
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.string("kind", said);
        object.string(key, name);
        let entry = entry.or_else(|| self.entry(kind, name));
        let annotations = entry.and_then(|entry| entry.member("annotations"));
        let annotations = annotations.filter(Value::is_object);
        object.json(
            "annotations",
            annotations.map_or("{}", |all| all.text).as_bytes(),
        );
        let list = object.key("scopes");
        json::strings(list, &owned(self.needs(kind, name)));
        object.end();
        String::from_utf8(out).unwrap_or_default()
    }

    /// The entry of the catalog for an item.
    fn entry(&self, kind: NeedKind, name: &str) -> Option<Value<'_>> {
        let list = match kind {
            NeedKind::Tool => ListKind::Tools,
            NeedKind::Prompt => ListKind::Prompts,
            NeedKind::Resource => ListKind::Resources,
        };
        self.catalog.pages(list).find_map(|page| {
            let entries = Value::parse(str::from_utf8(page.modern).ok()?).ok()?;
            let is_it =
                |entry: &Value<'_>| entry.member(list.key()).is_some_and(|key| key.is_str(name));
            entries.elements().find(is_it)
        })
    }
}

/// A list, a JSON array, with those entries that the client may see. None: it may see all.
pub fn visible<S: Services>(
    catalog: &Catalog<'_>,
    kind: ListKind,
    (client, params): (&Caller<'_>, &str),
    list: &str,
    services: &mut S,
) -> Result<Option<Vec<u8>>, Failure> {
    if !S::AUTH {
        return Ok(None);
    }
    let (access, sender) = both(catalog, services)?;
    let sender = &*sender;
    let hides = access.unmet() == Unmet::Hide && !matches!(sender.who, Who::Trusted);
    if !hides && !access.policy() {
        return Ok(None);
    }
    let asked = Asked {
        catalog,
        access,
        sender,
        client,
        method: kind.method(),
        params,
    };
    let of = match kind {
        ListKind::Tools => NeedKind::Tool,
        ListKind::Prompts => NeedKind::Prompt,
        ListKind::Resources | ListKind::ResourceTemplates => NeedKind::Resource,
    };
    let list = Value::parse(list).map_err(|_| Failure::internal("a list is not JSON"))?;
    let named = list.elements().filter_map(|entry| {
        let name = entry.member(kind.key())?.as_str()?;
        Some((name, entry))
    });
    let mut entries: Vec<_> = named.collect();
    if hides {
        let granted = sender.scopes();
        entries.retain(|(name, _)| {
            let mut needs = asked.needs(of, name).into_iter();
            needs.all(|need| granted.iter().any(|granted| granted == need))
        });
    }
    if access.policy() {
        let target =
            |(name, entry): &(Cow<'_, str>, Value<'_>)| asked.target(of, name, Some(*entry));
        let targets: Vec<_> = entries.iter().map(target).collect();
        let seen = services.visible(&asked.question(none()), &targets);
        let seen_all = seen.len() == entries.len();
        // An authorizer that does not answer for each entry shows none.
        let mut seen = seen.into_iter().filter(|_| seen_all);
        entries.retain(|_| seen.next() == Some(true));
    }
    let texts: Vec<_> = entries.iter().map(|(_, entry)| entry.text).collect();
    Ok(Some(format!("[{}]", texts.join(",")).into_bytes()))
}

/// JSON: the target of a request that is about nothing in particular.
fn none() -> String {
    r#"{"kind":"none"}"#.to_owned()
}

fn owned<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn add(all: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !all.contains(&text) {
            all.push(text);
        }
    }
}

/// Whether no object names a member twice: a policy and a feature could read different values.
fn is_strict(text: &str) -> bool {
    let mut reader = Reader::new(text);
    read_strict(&mut reader).is_some() && reader.end().is_ok()
}

/// Reads a value. None: an object in it names a member twice, or it is not JSON.
fn read_strict(reader: &mut Reader<'_>) -> Option<()> {
    match reader.peek().ok()? {
        Kind::Object => {
            let mut names = BTreeSet::new();
            reader.enter().ok()?;
            while let Some(name) = reader.next_key(names.is_empty()).ok()? {
                names.insert(name.as_str()?).then_some(())?;
                read_strict(reader)?;
            }
            Some(())
        }
        Kind::Array => {
            let array = reader.value().ok()?;
            let mut elements = array.elements();
            elements
                .all(|element| is_strict(element.text))
                .then_some(())
        }
        _ => reader.value().ok().map(drop),
    }
}

/// The failure if no scope would help.
fn forbidden(reason: &str) -> Failure {
    let reason = match &*printable(reason) {
        "" => "the caller may not do this".to_owned(),
        reason => reason.to_owned(),
    };
    Failure::new(403, FORBIDDEN, reason)
}

/// The failure if a sender has not got all of these scopes.
fn refusal<S: Services>(
    needed: Vec<String>,
    sender: &Sender,
    version: Version,
    services: &mut S,
) -> Failure {
    let message = match &needed[..] {
        [scope] => format!("this needs the scope `{scope}`"),
        scopes => format!("this needs the scopes `{}`", scopes.join("`, `")),
    };
    let (status, code, error) = match sender.who {
        Who::Anonymous => (401, UNAUTHORIZED, None),
        _ => (403, FORBIDDEN, Some("insufficient_scope")),
    };
    let mut scopes = needed;
    if !version.is_modern() {
        // These clients ask for nothing but the scopes of the challenge.
        add(&mut scopes, sender.scopes().to_vec());
    }
    let mut data = Vec::new();
    let mut object = Object::begin(&mut data);
    json::strings(object.key("scopes"), &scopes);
    object.end();
    let description = if error.is_some() { &*message } else { "" };
    let challenge = challenge_for(sender, error, description, &scopes, services);
    Failure {
        data: Some(data),
        challenge: Some(challenge),
        ..Failure::new(status, code, message)
    }
}

/// The challenge for a sender. Where no client can get a token, it names neither metadata nor, for
/// one without credentials, scopes.
pub fn challenge_for<S: Services>(
    sender: &Sender,
    error: Option<&str>,
    description: &str,
    scopes: &[String],
    services: &mut S,
) -> String {
    let has_servers = !services.authorization_servers().is_empty();
    let metadata = has_servers.then(|| metadata_url(&sender.resource));
    let scopes = match has_servers || error == Some("insufficient_scope") {
        true => scopes,
        false => &[],
    };
    challenge(error, description, metadata.as_deref(), scopes)
}

/// Makes the error of a feature or of middleware a refusal, if it is one.
pub fn refuse_late<S: Services>(call: &Call<'_>, answer: &mut CallResponse, services: &mut S) {
    let Some(failure) = answer
        .failure
        .as_mut()
        .filter(|failure| failure.code == FORBIDDEN)
    else {
        return;
    };
    let Some(sender) = services.sender() else {
        return;
    };
    let sender = &*sender;
    if failure.challenge.is_none() && failure.status == 200 {
        let data = failure
            .data
            .as_deref()
            .and_then(|data| str::from_utf8(data).ok());
        let data = data.and_then(|data| Value::parse(data).ok());
        let scopes = data.and_then(|data| data.member("scopes"));
        let scopes = scopes.iter().flat_map(Value::elements);
        let scopes = scopes.filter_map(|scope| scope.as_str());
        let mut scopes: Vec<_> = scopes
            .filter(|scope| is_scope(scope))
            .map(Cow::into_owned)
            .collect();
        failure.status = 403;
        if !scopes.is_empty() {
            let mut error = Some("insufficient_scope");
            if matches!(sender.who, Who::Anonymous) {
                (failure.status, error) = (401, None);
            }
            if !call.client.version.is_modern() {
                add(&mut scopes, sender.scopes().to_vec());
            }
            failure.challenge = Some(challenge_for(sender, error, "", &scopes, services));
        }
        answer.status = failure.status;
        let failure = failure.clone();
        log(
            services,
            &failure,
            sender,
            call.target.method(),
            call.target.name(),
        );
    }
}

/// Writes who was refused what. There is no token in it, and no claim.
pub fn log<S: Services>(
    services: &mut S,
    failure: &Failure,
    sender: &Sender,
    method: &str,
    name: &str,
) {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.string("event", "refused");
    object.json("status", failure.status.to_string().as_bytes());
    object.string("reason", &failure.message);
    if let Some(caller) = sender.caller() {
        let mut principal = Object::begin(object.key("principal"));
        principal.string("issuer", &caller.issuer);
        principal.string("subject", &caller.subject);
        principal.end();
    }
    object.string("method", &excerpt(method));
    object.string("name", &excerpt(name));
    object.end();
    services.log(&String::from_utf8(out).unwrap_or_default());
}

#[cfg(test)]
mod tests;
