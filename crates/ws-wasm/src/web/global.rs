//! What windows and workers have in common: timers and a clock.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use wasm_bindgen::{JsCast as _, prelude::*};
use web_sys::EventTarget;

use super::property;
use crate::browser::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(done: &Closure<dyn FnMut()>, milliseconds: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// The time since the page or the worker began.
pub(crate) fn now() -> Instant {
    // It is finite and never negative.
    Instant(Duration::try_from_secs_f64(performance_now() / 1000.0).unwrap_or_default())
}

/// A timer of the browser, which ends with this.
pub(super) struct Sleep {
    timer: JsValue,
    state: Rc<RefCell<State>>,
    /// What the timer calls.
    _done: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct State {
    is_done: bool,
    waker: Option<Waker>,
}

impl Sleep {
    pub(super) fn new(duration: Duration) -> Self {
        let state = Rc::new(RefCell::new(State::default()));
        let told = Rc::clone(&state);
        let done = Closure::<dyn FnMut()>::new(move || {
            let mut state = told.borrow_mut();
            state.is_done = true;
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        // Rounded up: who waits for a moment wants it to have come.
        let milliseconds = duration.as_nanos().div_ceil(1_000_000);
        let timer = set_timeout(&done, i32::try_from(milliseconds).unwrap_or(i32::MAX));
        Self { timer, state, _done: done }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.borrow().is_done {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let before = self.state.borrow_mut().waker.replace(waker);
        // Behind the last use of the state: it may run code of its task.
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        clear_timeout(&self.timer);
    }
}

/// Handlers for a network that is back and a page that is looked at again, which end with this.
pub struct Watch {
    targets: Vec<(EventTarget, &'static str)>,
    tell: Closure<dyn FnMut()>,
}

impl Watch {
    pub(super) fn new(tell: Box<dyn Fn()>) -> Self {
        let global: JsValue = js_sys::global().into();
        // Workers have none.
        let document = property(&global, "document");
        let looked_at = document.clone();
        let tell = Closure::<dyn FnMut()>::new(move || {
            let state = looked_at.as_ref().and_then(|document| property(document, "visibilityState"));
            if state.and_then(|state| state.as_string()).as_deref() != Some("hidden") {
                tell();
            }
        });
        let mut targets = vec![(global.unchecked_into(), "online")];
        targets.extend(document.map(|document| (document.unchecked_into(), "visibilitychange")));
        for (target, event) in &targets {
            // It throws for targets that are none.
            let _ =
                EventTarget::add_event_listener_with_callback(target, event, tell.as_ref().unchecked_ref());
        }
        Self { targets, tell }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for (target, event) in &self.targets {
            let _ = target.remove_event_listener_with_callback(event, self.tell.as_ref().unchecked_ref());
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
