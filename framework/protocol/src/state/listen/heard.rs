//! What a session has heard of changes, so that its next stream goes on where this one ended.

use sha2::{Digest as _, Sha256};

use super::watch::{Stamp, Topic, Watch};

const FORMAT: u8 = 1;
/// The first bytes of a digest stand for a topic.
const TOPIC: usize = 16;

/// What a session has heard, as the store has it.
#[derive(Debug)]
pub struct Heard {
    /// The time of the last look, in milliseconds since 1970.
    looked: u64,
    /// The number of the last message.
    pub last: u32,
    topics: Vec<([u8; TOPIC], u32, Vec<Stamp>)>,
}

impl Heard {
    /// None: this is not what `write` wrote.
    pub fn read(bytes: &[u8]) -> Option<Heard> {
        let (&format, rest) = bytes.split_first()?;
        let (looked, rest) = rest.split_first_chunk()?;
        let (last, mut rest) = rest.split_first_chunk()?;
        let mut topics = Vec::new();
        while !rest.is_empty() {
            let (topic, after) = rest.split_first_chunk()?;
            let (sent, after) = after.split_first_chunk()?;
            let (&count, after) = after.split_first()?;
            let (stamps, after) =
                after.split_at_checked(usize::from(count) * size_of::<Stamp>())?;
            let (stamps, _) = stamps.as_chunks();
            topics.push((*topic, u32::from_le_bytes(*sent), stamps.to_vec()));
            rest = after;
        }
        (format == FORMAT).then_some(Heard {
            looked: u64::from_le_bytes(*looked),
            last: u32::from_le_bytes(*last),
            topics,
        })
    }

    /// What a watch has delivered so far. For a change that it has not, no stamps are kept: the
    /// next watch takes its events for new.
    pub fn write(watch: &Watch, last: u32, out: &mut Vec<u8>) {
        out.push(FORMAT);
        out.extend_from_slice(&watch.looked().to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        for topic in watch.topics() {
            let stamps = if topic.pending { &[][..] } else { &topic.seen };
            out.extend_from_slice(&name(topic));
            out.extend_from_slice(&topic.sent.to_le_bytes());
            out.push(stamps.len() as u8);
            out.extend(stamps.iter().flatten());
        }
    }

    /// Lets a watch go on. The client received messages up to the number `received`, if it says
    /// so; it gets the ones after that again.
    pub fn resume(&self, watch: &mut Watch, received: Option<u32>) {
        for topic in watch.topics_mut() {
            let of_topic = name(topic);
            if let Some((_, sent, seen)) = self.topics.iter().find(|(name, ..)| *name == of_topic) {
                topic.seen.clone_from(seen);
                topic.sent = *sent;
                topic.pending = received.is_some_and(|received| *sent > received);
            }
        }
        watch.go_on(self.looked);
    }
}

fn name(topic: &Topic) -> [u8; TOPIC] {
    let digest = Sha256::digest(topic.change.topic());
    *digest.first_chunk().unwrap_or(&[0; TOPIC])
}
