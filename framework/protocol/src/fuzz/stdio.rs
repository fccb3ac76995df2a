//! The whole server over stdio: an input is lines of messages, and of directives (see
//! `World::obey`).

use super::{features, fuzz, messages, server::World};
use crate::{
    bridge::{Asking, Polled},
    call::{Call, Step},
    catalog::Catalog,
    message::{self, Message},
    stdio::{Outcome, Session},
    testing::TestServices,
};

/// The most lines of one input.
const MOST_LINES: usize = 48;

type Waiting<'a> = Vec<(Call<'a>, Asking)>;

#[test]
fn stdio() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("stdio", |input| {
        let lines = input
            .split_inclusive(|&byte| byte == b'\n')
            .take(MOST_LINES);
        let (world, session) = (&mut World::default(), &mut Session::default());
        serve(&catalog, world, session, lines, Vec::new());
        check(&session.end::<TestServices>(&catalog), None);
    });
}

/// Answers one line and then the others: calls that wait borrow from their lines.
fn serve<'i>(
    catalog: &Catalog<'_>,
    world: &mut World,
    session: &mut Session,
    mut lines: impl Iterator<Item = &'i [u8]>,
    waiting: Waiting<'_>,
) {
    let Some(line) = lines.next() else {
        return;
    };
    if line.starts_with(b"%") {
        let directive = String::from_utf8_lossy(line.trim_ascii_end());
        if let Some(change) = world.obey(&directive) {
            check(
                &session.changed(catalog, &[change], &mut world.services),
                None,
            );
        }
        return serve(catalog, world, session, lines, waiting);
    }
    let line = world.filled(line);
    let mut waiting = waiting;
    match session.handle_line(catalog, &line, &mut world.services) {
        Outcome::Nothing => {}
        Outcome::Reply(lines) => {
            let id = match message::read(&line) {
                Ok(Message::Request(request)) => Some(request.id),
                _ => None,
            };
            check(&lines, id);
            world.read(&lines);
        }
        Outcome::Call(mut call) => {
            let step = world.answers.settle(&mut call, &mut world.services);
            proceed(world, *call, step, &mut waiting);
        }
        Outcome::Cancel(id) => waiting.retain(|(call, _)| call.id() != id),
        Outcome::Gate(_) | Outcome::Notify(..) => unreachable!("there is no chain"),
    }
    for (mut call, asking) in std::mem::take(&mut waiting) {
        match asking.poll(&mut world.services) {
            Ok(Polled::Cancelled) => {}
            Ok(Polled::Waiting) => waiting.push((call, asking)),
            Ok(Polled::Answered(input)) => {
                let step = match call.resume(input) {
                    Step::Invoke => world.answers.settle(&mut call, &mut world.services),
                    step => step,
                };
                proceed(world, call, step, &mut waiting);
            }
            Err(failure) => check(&call.fail(&failure).line(), Some(call.id())),
        }
    }
    serve(catalog, world, session, lines, waiting);
}

fn proceed<'a>(world: &mut World, call: Call<'a>, step: Step, waiting: &mut Waiting<'a>) {
    match step {
        Step::Done(response) => {
            world.read(&response.body);
            check(&response.line(), Some(call.id()));
        }
        Step::Ask(asking) => {
            world.asked(&asking);
            waiting.push((call, asking));
        }
        Step::Invoke => panic!("a feature is still to be asked"),
    }
}

/// Lines that are notifications, or responses: to the request with this `id` if there is one.
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
