//! The whole server over stdio. An input is lines: messages, and directives (see `World::obey`).

use super::{
    features, fuzz, messages,
    server::{Inner, World, same},
};
use crate::{
    call::{Call, CallStep},
    catalog::Catalog,
    serve::stdio::{StdioOutcome, StdioSession},
    state::replies::{Asking, Polled},
    testing::chain::{self, Transport, Whole},
    wire::message::{self, Message},
};

/// The most lines in one input.
const MOST_LINES: usize = 48;

type Waiting<'a> = Vec<(Call<'a>, Asking)>;

#[test]
fn stdio() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("stdio", |input| drop(play::<Whole>(&catalog, input)));
}

#[test]
fn stdio_with_a_chain() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("stdio", |input| {
        same(
            &play::<Whole>(&catalog, input),
            &play::<Transport>(&catalog, input),
        );
    });
}

/// Everything that a server sends for these lines.
fn play<S: Inner>(catalog: &Catalog<'_>, input: &[u8]) -> Vec<Vec<u8>> {
    let lines = input
        .split_inclusive(|&byte| byte == b'\n')
        .take(MOST_LINES);
    let (mut world, mut session) = (World::<S>::default(), StdioSession::default());
    serve(catalog, &mut world, &mut session, lines, Vec::new());
    let end = session.end::<S>(catalog);
    check(&end, None);
    world.sent.push(end);
    world.sent
}

/// Handles one line, then the others recursively: waiting calls borrow from their lines.
fn serve<'i, S: Inner>(
    catalog: &Catalog<'_>,
    world: &mut World<S>,
    session: &mut StdioSession,
    mut lines: impl Iterator<Item = &'i [u8]>,
    waiting: Waiting<'_>,
) {
    let Some(line) = lines.next() else {
        return;
    };
    if line.starts_with(b"%") {
        let directive = String::from_utf8_lossy(line.trim_ascii_end());
        if let Some(change) = world.obey(&directive) {
            let lines = session.changed(catalog, &[change], &mut world.services);
            check(&lines, None);
            world.sent.push(lines.trim_ascii_end().to_vec());
        }
        return serve(catalog, world, session, lines, waiting);
    }
    world.turn();
    let line = world.filled(line);
    let mut waiting = waiting;
    match begin(catalog, world, session, &line) {
        StdioOutcome::Nothing => {}
        StdioOutcome::Reply(lines) => {
            let id = match message::read(&line) {
                Ok(Message::Request(request)) => Some(request.id),
                _ => None,
            };
            check(&lines, id);
            world.read(&lines);
            world.sent.push(lines.trim_ascii_end().to_vec());
        }
        StdioOutcome::Call(mut call) => {
            let step = world.answers.settle(&mut call, &mut world.services);
            proceed(world, *call, step, &mut waiting);
        }
        StdioOutcome::Cancel(id) => waiting.retain(|(call, _)| call.id() != id),
        StdioOutcome::Gate(_) | StdioOutcome::Notify(..) => unreachable!("there is no chain"),
    }
    world.turn();
    for (mut call, asking) in std::mem::take(&mut waiting) {
        match asking.poll(&mut world.services) {
            Ok(Polled::Cancelled) => {}
            Ok(Polled::Waiting) => waiting.push((call, asking)),
            Ok(Polled::Answered(input)) => {
                let step = match call.resume(input) {
                    CallStep::Invoke => world.answers.settle(&mut call, &mut world.services),
                    step => step,
                };
                proceed(world, call, step, &mut waiting);
            }
            Err(failure) => {
                let line = call.fail(&failure).line();
                check(&line, Some(call.id()));
                world.sent.push(line.trim_ascii_end().to_vec());
            }
        }
    }
    serve(catalog, world, session, lines, waiting);
}

fn proceed<'a, S: Inner>(
    world: &mut World<S>,
    call: Call<'a>,
    step: CallStep,
    waiting: &mut Waiting<'a>,
) {
    match step {
        CallStep::Done(response) => {
            world.read(&response.body);
            world.sent.push(response.body.clone());
            check(&response.line(), Some(call.id()));
        }
        CallStep::Ask(asking) => {
            world.asked(&asking);
            waiting.push((call, asking));
        }
        CallStep::Invoke => panic!("a feature is still to be asked"),
    }
}

/// Handles a line. In a chain, the chain is asked first.
fn begin<'a, S: Inner>(
    catalog: &Catalog<'a>,
    world: &mut World<S>,
    session: &mut StdioSession,
    line: &'a [u8],
) -> StdioOutcome<'a> {
    match session.handle_line(catalog, line, &mut world.services) {
        StdioOutcome::Gate(mut gate) => {
            let handled = world.answers.handled(&gate.call);
            let response = gate.settle(handled, &mut world.services);
            session.pass(catalog, *gate, response, &mut world.services)
        }
        StdioOutcome::Notify(call, cancelled) => {
            let _ = (call.context(), chain::handed(&call));
            cancelled.map_or(StdioOutcome::Nothing, StdioOutcome::Cancel)
        }
        outcome => outcome,
    }
}

/// Checks lines: notifications, or responses to the request with this `id`.
fn check(lines: &[u8], id: Option<&str>) {
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").expect("no line break");
        if line.starts_with(b"{\"jsonrpc\":\"2.0\",\"method\"") {
            messages::notification(line);
        } else {
            messages::response(line, id);
        }
    }
}
