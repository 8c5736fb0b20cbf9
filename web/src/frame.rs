//! The one loop that lets simulated time pass: once per animation frame, within a few milliseconds.

use crate::dom;
use crate::lab::Lab;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, closure::Closure};

/// Longest wall time that one frame makes up for: after a hiccup the clock falls behind rather than leaps.
const MAX_FRAME_MS: f64 = 100.0;

/// The callback of the loop, which asks for itself again.
type Tick = Rc<RefCell<Option<Closure<dyn FnMut(f64)>>>>;

/// Runs until the page goes.
pub fn start(lab: Lab) {
    let callback: Tick = Rc::default();
    let again = callback.clone();
    let mut last: Option<f64> = None;
    let tick = move |now: f64| {
        let wall_ms = last.map_or(0.0, |l| (now - l).clamp(0.0, MAX_FRAME_MS));
        last = Some(now);
        lab.frame(wall_ms);
        request(&again);
    };
    *callback.borrow_mut() = Some(Closure::new(tick));
    request(&callback);
}

fn request(callback: &Tick) {
    if let (Some(window), Some(c)) = (dom::window(), callback.borrow().as_ref()) {
        let _ = window.request_animation_frame(c.as_ref().unchecked_ref());
    }
}
