//! [`Tunnels`]: the open connections of a proxy.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Waker},
};

use tokio::sync::Notify;
use ws_core::CloseFrame;

use crate::Drain;

/// Counts the tunnels and relays of a proxy, and takes leave of them.
///
/// Every [`Proxy`](crate::Proxy) has one of its own unless it is given one by [`Proxy::tunnels`](crate::Proxy::tunnels). A clone
/// is the same; several proxies may share one, such as those that a [`Reloadable`](crate::Reloadable) goes through.
///
/// A tunnel counts from the moment its client is answered until both of its connections are dropped.
///
/// ```
/// use std::time::Duration;
///
/// use ws_proxy::{Proxy, Tunnels};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tunnels = Tunnels::new();
/// let proxy = Proxy::to("ws://127.0.0.1:9000")?.tunnels(tunnels.clone());
/// # let _ = proxy;
/// // Serve with `proxy`; later:
/// let summary = tunnels.drain().stagger(Duration::from_secs(5)).await;
/// println!("{} closed, {} aborted", summary.closed, summary.aborted);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tunnels(Arc<Shared>);

impl Tunnels {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().members.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there is none.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait_idle(&self) {
        self.0.changed(|state| state.members.is_empty()).await;
    }

    /// Refuses new handshakes, ends the tunnels with a close frame to both sides, and waits for them. See [`Drain`].
    pub fn drain(&self) -> Drain {
        Drain::new(self.clone())
    }

    /// Resolves once a [`drain`](Self::drain) has begun: for HTTP servers that stop at the same time.
    ///
    /// # Cancel safety
    /// Safe.
    pub fn drain_begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let shared = self.0.clone();
        async move { shared.changed(|state| state.draining.is_some()).await }
    }

    /// Whether new handshakes are refused.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.lock().draining.is_some()
    }

    /// Counts a tunnel. One that begins during a drain is told so at once.
    pub(crate) fn admit(&self) -> Arc<Member> {
        let mut state = self.0.lock();
        let key = state.next;
        state.next += 1;
        let order = state.draining.clone().map(Order::Close);
        let member =
            Arc::new(Member { shared: self.0.clone(), key, post: Mutex::new(Post { order, waiting: None }) });
        state.members.insert(key, Arc::downgrade(&member));
        member
    }

    /// From here on new handshakes are refused. Gives the tunnels that there are.
    pub(crate) fn stop(&self, frame: CloseFrame) -> Vec<Weak<Member>> {
        let mut state = self.0.lock();
        state.draining.get_or_insert(frame);
        let members = state.members.values().cloned().collect();
        drop(state);
        self.0.changed.notify_waiters();
        members
    }

    pub(crate) fn members(&self) -> Vec<Weak<Member>> {
        self.0.lock().members.values().cloned().collect()
    }
}

impl fmt::Debug for Tunnels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnels").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// The last member left, or a drain began.
    changed: Notify,
}

#[derive(Default)]
struct State {
    members: BTreeMap<u64, Weak<Member>>,
    next: u64,
    draining: Option<CloseFrame>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn changed(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            // A `Notified` hears of what happens after it was made.
            if is_so(&self.lock()) {
                return;
            }
            changed.await;
        }
    }
}

/// One tunnel as its [`Tunnels`] see it.
pub(crate) struct Member {
    shared: Arc<Shared>,
    key: u64,
    post: Mutex<Post>,
}

struct Post {
    order: Option<Order>,
    waiting: Option<Waker>,
}

/// What a tunnel is told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// To send this to both sides, and to end.
    Close(CloseFrame),
    /// To end at once.
    Abort,
}

impl Member {
    pub(crate) fn give(&self, order: Order) {
        let mut post = self.lock();
        post.order = Some(order);
        let waiting = post.waiting.take();
        drop(post);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// The order that was given, once. The task is woken by the next.
    pub(crate) fn poll_order(&self, cx: &Context<'_>) -> Option<Order> {
        let mut post = self.lock();
        match &mut post.waiting {
            Some(waker) => waker.clone_from(cx.waker()),
            waiting => *waiting = Some(cx.waker().clone()),
        }
        post.order.take()
    }

    fn lock(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.members.remove(&self.key);
        if state.members.is_empty() {
            // Room for ten thousand is not kept for the next ten.
            state.members = BTreeMap::new();
            drop(state);
            self.shared.changed.notify_waiters();
        }
    }
}
