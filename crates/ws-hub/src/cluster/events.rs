//! What the backplane tells, in order, for as long as the hub lives.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::wire;
use crate::{
    Hub, Target,
    backplane::{Event, Events, Message, Placement, Position, Topic},
    groups::Group,
    handler::Handler,
    hub::Shared,
    observe::FanOut,
    room,
    stream::{Arrival, Held},
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
                hub.presences().look_again(&hub, true);
            }
            Event::Up { missed } => {
                crate::observe::backplane(true);
                if missed {
                    hub.suspect_all();
                }
                // What changed since it was looked at, the backplane tells by itself.
                hub.presences().look_again(&hub, false);
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
            Arrival::Gap(last) => drop(tokio::spawn(self.clone().fill_gap(group, last))),
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
        let fan_out = FanOut::begin();
        let mut delivery = crate::Delivery::default();
        for session in snapshot.iter() {
            delivery.count(session.push_kept(&message));
        }
        fan_out.end(&delivery);
    }

    /// Messages may have been missed: rooms with a history find out, the others are told.
    fn suspect_all(&self) {
        let mut gaps = Vec::new();
        for name in self.room_names() {
            let Some(group) = self.room_group(&name) else { continue };
            let stream_last =
                group.lock().stream.as_mut().map(|stream| (stream.is_filling(), stream.suspect()));
            match stream_last {
                Some((_, Some(last))) => gaps.push((group, last)),
                // What fills the gap at this time looks at what is there now, or at what is held.
                Some((true, None)) => {}
                Some((false, None)) | None => self.tell_gap(&name),
            }
        }
        if gaps.is_empty() {
            return;
        }
        let hub = self.clone();
        tokio::spawn(async move {
            // Not all at once: the backplane refuses what it cannot keep in mind.
            let mut filling = JoinSet::new();
            for (group, last) in gaps {
                if filling.len() >= MAX_FILLING {
                    filling.join_next().await;
                }
                filling.spawn(hub.clone().fill_gap(group, last));
            }
            while filling.join_next().await.is_some() {}
        });
    }

    /// Reads what is missing after `last`, hands it on, then what was held meanwhile.
    async fn fill_gap(self, group: Arc<Group<A>>, last: Position) {
        let history = self.plane().history(group.name.clone(), Some(last), MAX_FILLED).await.ok();
        let position = history.as_ref().map(|history| history.position);
        match history.filter(|history| history.exact) {
            Some(history) => {
                let epoch = history.position.epoch;
                for message in history.messages {
                    self.hand_on_late(&group, Position::new(epoch, message.offset), message.payload);
                }
            }
            None => {
                let mut state = group.lock();
                let stream = state.stream.get_or_insert_default();
                // While the server cannot be asked, the next connection to it will bring it up again.
                let is_gap = position.is_some() || stream.has_held() || self.plane().is_up();
                stream.give_up(position);
                drop(state);
                if is_gap {
                    self.tell_gap(&group.name);
                }
            }
        }
        loop {
            let held = group.lock().stream.get_or_insert_default().take_held();
            let Some(held) = held else { break };
            for Held { placement, payload } in held {
                let last = group.lock().stream.as_ref().and_then(|stream| stream.last());
                if last.is_some_and(|last| placement.is_beyond(last)) {
                    self.tell_gap(&group.name);
                }
                self.hand_on_late(&group, placement.position, payload);
            }
        }
    }

    /// Before what comes after the gap: a client that reads the room anew goes by the last message before it.
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

/// Rooms whose gaps are filled at a time after a loss: as many as are read at a time.
const MAX_FILLING: usize = 64;
/// Messages that fill a gap. The history itself is bounded, most likely by less.
const MAX_FILLED: usize = 65_536;
