//! What the backplane tells, in order, for as long as the hub lives.

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::wire;
use crate::{
    Hub, Target,
    backplane::{Event, Events, Message, Placement, Position, Topic},
    groups::Group,
    handler::Handler,
    hub::Shared,
    room,
    stream::Arrival,
};

/// Does what the backplane tells. Ends with the hub.
pub(crate) async fn listen<A: Handler>(hub: Weak<Shared<A>>, mut events: Events) {
    while let Some(event) = events.next().await {
        let Some(hub) = Hub::upgrade(&hub) else { return };
        match event {
            Event::Message(message) => hub.receive(message),
            Event::Presence { room, change } => hub.presences().change(&hub, &room, &change),
            Event::Lagged { dropped } => {
                crate::observe::lagged(dropped);
                hub.suspect_all();
            }
            Event::Up { missed } => {
                crate::observe::backplane(true);
                if missed {
                    hub.suspect_all();
                }
            }
            Event::Down => crate::observe::backplane(false),
        }
    }
}

impl<A: Handler> Hub<A> {
    fn receive(&self, message: Message) {
        match (message.topic, message.placement) {
            (Topic::Room(room), Some(placement)) => self.receive_retained(&room, placement, &message.payload),
            _ => match wire::open(message.payload) {
                Some((address, operation)) => Target::of_address(self, address).operate_local(&operation),
                None => crate::observe::unreadable(),
            },
        }
    }

    fn receive_retained(&self, room: &Arc<str>, placement: Placement, payload: &Bytes) {
        // Nobody is in it any more.
        let Some(group) = self.room_group(room) else { return };
        let arrival = group.lock().stream.get_or_insert_default().arrive(placement, payload);
        match arrival {
            Arrival::Next => self.hand_on(&group, placement.position, payload.clone()),
            Arrival::Gap(last) => self.fill_gap(group, last),
            Arrival::Overrun => self.tell_gap(room),
            Arrival::Held | Arrival::Old => {}
        }
    }

    /// Sends a message of the history to the sessions of this node. It is noted in the room's stream already; this is the
    /// only one who does so for this room at this time.
    fn hand_on(&self, group: &Arc<Group<A>>, position: Position, payload: Bytes) {
        let Some(payload) = room::open(payload) else { return crate::observe::unreadable() };
        let Some(message) = self.guarded(|| self.encode(&group.name, payload, position)) else { return };
        let _walk = group.walk();
        let snapshot = {
            let mut state = group.lock();
            if let Some(stream) = &mut state.stream {
                stream.record(position.offset, &message);
            }
            state.members.snapshot()
        };
        let mut delivery = crate::Delivery::default();
        for session in snapshot.iter() {
            delivery.count(session.push_kept(&message));
        }
        crate::observe::sent(&delivery);
    }

    /// Messages may have been missed: rooms with a history find out, the others are told.
    fn suspect_all(&self) {
        for name in self.room_names() {
            let Some(group) = self.room_group(&name) else { continue };
            let stream_last =
                group.lock().stream.as_mut().map(|stream| (stream.is_filling(), stream.suspect()));
            match stream_last {
                Some((_, Some(last))) => self.fill_gap(group, last),
                // What fills the gap at this time looks at what is there now, or at what is held.
                Some((true, None)) => {}
                Some((false, None)) | None => self.tell_gap(&name),
            }
        }
    }

    /// Reads what is missing after `last`, hands it on, then what was held meanwhile.
    fn fill_gap(&self, group: Arc<Group<A>>, last: Position) {
        let hub = self.clone();
        tokio::spawn(async move {
            let history = hub.plane().history(group.name.clone(), Some(last), MAX_FILLED).await.ok();
            let position = history.as_ref().map(|history| history.position);
            let mut is_gap = true;
            match history.filter(|history| history.exact) {
                Some(history) => {
                    is_gap = false;
                    let epoch = history.position.epoch;
                    for message in history.messages {
                        hub.hand_on_late(&group, Position::new(epoch, message.offset), message.payload);
                    }
                }
                None => {
                    let mut state = group.lock();
                    let stream = state.stream.get_or_insert_default();
                    // If the server cannot be asked, and nothing came after it, the next message or the next connection
                    // to the server will bring it up again.
                    is_gap &= position.is_some() || stream.has_held();
                    stream.give_up(position);
                }
            }
            loop {
                let held = group.lock().stream.get_or_insert_default().take_held();
                let Some(held) = held else { break };
                for message in held {
                    let last = group.lock().stream.as_ref().and_then(|stream| stream.last());
                    is_gap |= last.is_some_and(|last| {
                        last.epoch != message.placement.position.epoch
                            || last.offset < message.placement.previous
                    });
                    hub.hand_on_late(&group, message.placement.position, message.payload);
                }
            }
            if is_gap {
                hub.tell_gap(&group.name);
            }
        });
    }

    fn tell_gap(&self, room: &str) {
        crate::observe::gap();
        self.guarded(|| self.handler().gap(self, room));
    }

    fn hand_on_late(&self, group: &Arc<Group<A>>, position: Position, payload: Bytes) {
        let is_new = group.lock().stream.get_or_insert_default().fill(position);
        if is_new {
            self.hand_on(group, position, payload);
        }
    }
}

/// Messages that fill a gap. The history itself is bounded, most likely by less.
const MAX_FILLED: usize = 65_536;
