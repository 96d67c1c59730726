//! Several hubs of one process on one bus, without a server.

mod log;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::log::Logs;
use super::events::{self, EventSender};
use super::{
    Backplane, BackplaneError, Config, ErrorKind, Event, Events, History, Member, Message, NodeId, Placement,
    Position, PresenceChange, Publication, Reply, Topic,
};

/// What the hubs of one process share. Cloning gives another handle to the same bus.
///
/// ```
/// use ws_hub::backplane::{Backplane, Config, Event, MemoryBus, Publication, Topic};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = MemoryBus::new();
/// let (here, there) = (bus.join(Config::new()), bus.join(Config::new()));
/// let mut events = there.take_events().ok_or("taken")?;
/// there.subscribe(vec![Topic::room("lobby")]).await?;
/// here.publish(Publication::new(Topic::room("lobby"), "hello")).await?;
/// assert!(matches!(events.next().await, Some(Event::Up { missed: false })));
/// assert!(matches!(events.next().await, Some(Event::Message(message)) if message.payload == "hello"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct MemoryBus(Arc<Mutex<State>>);

/// One node on a [`MemoryBus`]. Dropping it takes the node off the bus, and its members leave their rooms.
pub struct Memory {
    bus: MemoryBus,
    node: NodeId,
    config: Config,
    events: EventSender,
    taken: Mutex<bool>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<NodeId, Node>,
    topics: HashMap<Topic, HashSet<NodeId>>,
    logs: Logs,
    presence: HashMap<Arc<str>, Members>,
}

/// What is said of those in one room.
type Members = BTreeMap<(NodeId, Arc<str>), Bytes>;

struct Node {
    events: EventSender,
    link: Link,
    /// What waits for the link.
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// What this node said while it was cut off, last word by member.
    unsaid: HashMap<(Arc<str>, Arc<str>), Option<Bytes>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Up,
    Cut,
    /// Cut for so long that the others take it for dead.
    Expired,
}

struct Queued {
    publication: Publication,
    deadline: Instant,
    reply: oneshot::Sender<Result<Option<Position>, BackplaneError>>,
}

impl MemoryBus {
    /// A bus without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node. Nothing takes time here, so it is up at once.
    #[must_use]
    pub fn join(&self, config: Config) -> Memory {
        let node = NodeId::random();
        let events = events::channel(config.max_events, config.max_event_bytes);
        events.send(Event::Up { missed: false });
        let mut state = self.lock();
        state.nodes.insert(
            node,
            Node {
                events: events.clone(),
                link: Link::Up,
                queue: VecDeque::new(),
                queued_bytes: 0,
                unsaid: HashMap::new(),
            },
        );
        state.topics.entry(Topic::Node(node)).or_default().insert(node);
        drop(state);
        Memory { bus: self.clone(), node, config, events, taken: Mutex::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in here would be a defect of ours; the state is as good after it as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus").field("nodes", &self.lock().nodes.len()).finish_non_exhaustive()
    }
}

impl Memory {
    /// Cuts this node off from the bus, as a lost server does. For tests.
    ///
    /// It publishes into its queue and hears nothing until [`heal`](Self::heal). After [`Config::presence_ttl`] the
    /// others take it for dead. Needs a runtime with a timer.
    pub fn cut(&self) {
        let mut state = self.bus.lock();
        let Some(node) = state.nodes.get_mut(&self.node) else { return };
        if node.link != Link::Up {
            return;
        }
        node.link = Link::Cut;
        node.events.send(Event::Down);
        let (bus, id, ttl) = (Arc::downgrade(&self.bus.0), self.node, self.config.presence_ttl);
        tokio::spawn(async move {
            tokio::time::sleep(ttl).await;
            let Some(bus) = bus.upgrade() else { return };
            let mut state = bus.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(node) = state.nodes.get_mut(&id) else { return };
            if node.link == Link::Cut {
                node.link = Link::Expired;
                state.tell_members(id, PresenceChange::Left);
            }
        });
    }

    /// Joins this node to the bus again, and sends what waited.
    pub fn heal(&self) {
        let mut state = self.bus.lock();
        let Some(node) = state.nodes.get_mut(&self.node) else { return };
        let link = std::mem::replace(&mut node.link, Link::Up);
        if link == Link::Up {
            return;
        }
        node.events.send(Event::Up { missed: true });
        let (queue, unsaid) = (std::mem::take(&mut node.queue), std::mem::take(&mut node.unsaid));
        node.queued_bytes = 0;
        if link == Link::Expired {
            state.tell_members(self.node, PresenceChange::Joined);
        }
        for ((room, id), data) in unsaid {
            state.set_member(self.node, &room, id, data);
        }
        for queued in queue {
            let result = state.deliver(self.node, &self.config, queued.publication);
            let _ = queued.reply.send(Ok(result));
        }
    }

    fn queue(&self, state: &mut State, publication: Publication) -> Reply<Option<Position>> {
        let Some(node) = state.nodes.get_mut(&self.node) else {
            return Reply::ready(Err(ErrorKind::Closed.into()));
        };
        if publication.volatile {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        let bytes = node.queued_bytes + publication.payload.len();
        if node.queue.len() >= self.config.max_queued || bytes > self.config.max_queued_bytes {
            return Reply::ready(Err(ErrorKind::Full.into()));
        }
        node.queued_bytes = bytes;
        let (sender, receiver) = oneshot::channel();
        let deadline = Instant::now() + self.config.timeout;
        node.queue.push_back(Queued { publication, deadline, reply: sender });
        let (bus, id) = (Arc::downgrade(&self.bus.0), self.node);
        tokio::spawn(async move {
            tokio::time::sleep_until(deadline).await;
            let Some(bus) = bus.upgrade() else { return };
            let mut state = bus.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(node) = state.nodes.get_mut(&id) else { return };
            while node.queue.front().is_some_and(|queued| queued.deadline <= Instant::now()) {
                let Some(queued) = node.queue.pop_front() else { break };
                node.queued_bytes -= queued.publication.payload.len();
                let _ = queued.reply.send(Err(ErrorKind::TimedOut.into()));
            }
        });
        Reply::waiting(receiver)
    }
}

impl State {
    fn deliver(&mut self, origin: NodeId, config: &Config, publication: Publication) -> Option<Position> {
        let Publication { topic, payload, retained, echo, .. } = publication;
        let placement = match &topic {
            Topic::Room(room) if retained => {
                Some(self.logs.append(room, origin, payload.clone(), &config.history))
            }
            _ => None,
        };
        for &id in self.topics.get(&topic).into_iter().flatten() {
            if id == origin && !echo && !retained {
                continue;
            }
            let Some(node) = self.nodes.get(&id) else { continue };
            if node.link == Link::Up {
                let (topic, payload) = (topic.clone(), payload.clone());
                node.events.send(Event::Message(Message { origin, topic, payload, placement }));
            }
        }
        placement.map(|placement: Placement| placement.position)
    }

    fn tell(&self, room: &Arc<str>, change: &PresenceChange) {
        for id in self.topics.get(&Topic::Presence(Arc::clone(room))).into_iter().flatten() {
            if let Some(node) = self.nodes.get(id).filter(|node| node.link == Link::Up) {
                node.events.send(Event::Presence { room: Arc::clone(room), change: change.clone() });
            }
        }
    }

    /// Tells all rooms the same of all members of one node.
    fn tell_members(&self, node: NodeId, change: fn(Member) -> PresenceChange) {
        for (room, members) in &self.presence {
            for ((_, id), data) in members.iter().filter(|((owner, _), _)| *owner == node) {
                self.tell(room, &change(Member { node, id: Arc::clone(id), data: data.clone() }));
            }
        }
    }

    fn set_member(&mut self, node: NodeId, room: &Arc<str>, id: Arc<str>, data: Option<Bytes>) {
        let mut members = match self.presence.entry(Arc::clone(room)) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(_) if data.is_none() => return,
            Entry::Vacant(entry) => entry.insert_entry(Members::new()),
        };
        let key = (node, Arc::clone(&id));
        let change = if let Some(data) = data {
            let member = Member { node, id, data: data.clone() };
            match members.get_mut().insert(key, data.clone()) {
                None => PresenceChange::Joined(member),
                Some(old) if old != data => PresenceChange::Updated(member),
                Some(_) => return,
            }
        } else {
            let Some(data) = members.get_mut().remove(&key) else { return };
            if members.get().is_empty() {
                members.remove();
            }
            PresenceChange::Left(Member { node, id, data })
        };
        self.tell(room, &change);
    }

    fn members(&self, room: &str) -> impl Iterator<Item = Member> {
        self.presence.get(room).into_iter().flatten().filter_map(|((node, id), data)| {
            let lives = self.nodes.get(node).is_some_and(|node| node.link != Link::Expired);
            lives.then(|| Member { node: *node, id: Arc::clone(id), data: data.clone() })
        })
    }

    fn is_up(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|node| node.link == Link::Up)
    }
}

impl Backplane for Memory {
    fn node(&self) -> NodeId {
        self.node
    }

    fn is_up(&self) -> bool {
        self.bus.lock().is_up(self.node)
    }

    fn take_events(&self) -> Option<Events> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        (!std::mem::replace(&mut *taken, true)).then(|| self.events.events())
    }

    fn publish(&self, publication: Publication) -> Reply<Option<Position>> {
        if let Err(kind) = publication.check(&self.config) {
            return Reply::ready(Err(kind.into()));
        }
        let mut state = self.bus.lock();
        if state.is_up(self.node) {
            Reply::ready(Ok(state.deliver(self.node, &self.config, publication)))
        } else {
            self.queue(&mut state, publication)
        }
    }

    fn subscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        let mut state = self.bus.lock();
        for topic in topics {
            state.topics.entry(topic).or_default().insert(self.node);
        }
        Reply::ready(Ok(()))
    }

    fn unsubscribe(&self, topics: Vec<Topic>) -> Reply<()> {
        let mut state = self.bus.lock();
        for topic in topics {
            if let Entry::Occupied(mut nodes) = state.topics.entry(topic) {
                nodes.get_mut().remove(&self.node);
                if nodes.get().is_empty() {
                    nodes.remove();
                }
            }
        }
        Reply::ready(Ok(()))
    }

    fn history(&self, room: Arc<str>, since: Option<Position>, limit: usize) -> Reply<History> {
        let mut state = self.bus.lock();
        if !state.is_up(self.node) {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        Reply::ready(Ok(state.logs.read(&room, since, limit, &self.config.history)))
    }

    fn set_presence(&self, room: Arc<str>, id: Arc<str>, data: Bytes) -> Reply<()> {
        self.say(room, id, Some(data))
    }

    fn remove_presence(&self, room: Arc<str>, id: Arc<str>) -> Reply<()> {
        self.say(room, id, None)
    }

    fn presence(&self, room: Arc<str>) -> Reply<Vec<Member>> {
        let state = self.bus.lock();
        if !state.is_up(self.node) {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        Reply::ready(Ok(state.members(&room).collect()))
    }

    fn presence_count(&self, room: Arc<str>) -> Reply<usize> {
        let state = self.bus.lock();
        if !state.is_up(self.node) {
            return Reply::ready(Err(ErrorKind::Unavailable.into()));
        }
        Reply::ready(Ok(state.members(&room).count()))
    }
}

impl Memory {
    fn say(&self, room: Arc<str>, id: Arc<str>, data: Option<Bytes>) -> Reply<()> {
        let mut state = self.bus.lock();
        if state.is_up(self.node) {
            state.set_member(self.node, &room, id, data);
        } else if let Some(node) = state.nodes.get_mut(&self.node) {
            node.unsaid.insert((room, id), data);
        }
        Reply::ready(Ok(()))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut state = self.bus.lock();
        state.nodes.remove(&self.node);
        state.topics.retain(|_, nodes| {
            nodes.remove(&self.node);
            !nodes.is_empty()
        });
        state.tell_members(self.node, PresenceChange::Left);
        state.presence.retain(|_, members| {
            members.retain(|(node, _), _| *node != self.node);
            !members.is_empty()
        });
    }
}
