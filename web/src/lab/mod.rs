//! The one owner of session, terminals and interface state. Panels read it through selectors and change it through its
//! methods; after every change all selectors are asked once.

mod clock;
mod core;
mod history;
mod lesson;
mod models;
mod term;
mod ui;

pub use clock::{Pace, SKIP_LIMIT_MS};
pub use core::{Core, Supply, TERMINALS};
pub use lesson::{LessonState, LessonView};
pub use models::{Models, Ptr};
pub use term::{Line, LineKind, Term};
pub use ui::{Dialog, Layout, Pane, PhoneTab, Ui};

use crate::options::Options;
use crate::tools::Tools;
use crate::{dom, panic, scenario, tools};
use engine::Snapshot;
use engine::session::LAB_REGION;
use objects::collections::VecMap;
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;
use view::{Clock, Zone};

type Callback = Rc<dyn Fn()>;

struct Shared {
    core: RefCell<Core>,
    models: RefCell<Models>,
    ui: RefCell<Ui>,
    listeners: RefCell<VecMap<u32, Callback>>,
    next_id: Cell<u32>,
    /// What was told to the listeners last, so that quiet frames cost nothing.
    told: Cell<(u64, u64, u64, bool)>,
}

/// A handle; clones are the same lab.
#[derive(Clone)]
pub struct Lab(Rc<Shared>);

impl PartialEq for Lab {
    fn eq(&self, other: &Lab) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Wall milliseconds a frame may spend on simulating.
const BUDGET_MS: f64 = 7.0;

impl Lab {
    /// A region that cannot be simulated is told, and the lab's own takes its place.
    pub fn new(mut options: Options) -> Result<Lab, String> {
        let typed = if options.embed { Vec::new() } else { history::kept() };
        let make = |options: &Options| Core::new(&scenario::plan(options)?, options.lang, typed.clone());
        let mut toast = None;
        let core = make(&options).or_else(|message| {
            options.region.take().ok_or(&message)?;
            toast = Some(message);
            make(&options)
        })?;
        let mut core = core;
        if options.attached.is_some() {
            core.session.show_nothing();
        }
        let mut ui = Ui::new(&options);
        ui.toast = toast;
        let lab = Lab(Rc::new(Shared {
            core: RefCell::new(core),
            models: RefCell::default(),
            ui: RefCell::new(ui),
            listeners: RefCell::default(),
            next_id: Cell::new(0),
            told: Cell::default(),
        }));
        lab.trace();
        Ok(lab)
    }

    /// Reads session, clock and terminals.
    pub fn core(&self) -> Ref<'_, Core> {
        self.0.core.borrow()
    }

    pub fn ui(&self) -> Ref<'_, Ui> {
        self.0.ui.borrow()
    }

    /// Tells the session's times.
    pub fn clock(&self) -> Clock {
        let zone = if self.ui().options.attached.is_some() { Zone::Utc } else { Zone::Korea };
        Clock { epoch_ms: self.core().snapshot().epoch_ms, zone }
    }

    pub fn models(&self) -> RefMut<'_, Models> {
        self.0.models.borrow_mut()
    }

    /// Changes session, clock or terminals, and tells everyone.
    pub fn change<R>(&self, change: impl FnOnce(&mut Core) -> R) -> R {
        let result = change(&mut self.0.core.borrow_mut());
        self.keep_typed();
        self.trace();
        self.notify();
        result
    }

    /// Changes what the interface shows, and tells everyone.
    pub fn show(&self, change: impl FnOnce(&mut Ui)) {
        change(&mut self.0.ui.borrow_mut());
        self.notify();
    }

    /// Keeps the editor's text without telling anyone: no other panel shows it.
    pub fn keep_draft(&self, text: &str) {
        self.0.ui.borrow_mut().draft = Some(text.to_owned());
    }

    /// One animation frame: lets time pass and tells everyone if anything a panel shows may have changed.
    pub fn frame(&self, wall_ms: f64) {
        let began = dom::now_ms();
        if self.core().lacks_tools() {
            tools::load(self);
        }
        let told = {
            let mut core = self.0.core.borrow_mut();
            core.frame(wall_ms, &|| dom::now_ms() - began < BUDGET_MS);
            (core.session.snapshot().store.revision(), core.session.now().ms() / 250, core.terms_revision(), core.clock.playing)
        };
        let wants = self.0.core.borrow_mut().take_wants();
        wants.into_iter().for_each(|(terminal, want)| tools::bring(self, terminal, want));
        if self.core().is_asked() {
            let address = self.address();
            self.change(|c| c.answer(&address));
        }
        if self.0.told.replace(told) != told {
            self.keep_typed();
            self.notify();
        }
    }

    /// The address of this page with what makes the same start: lesson, era, seed, region, language.
    pub fn address(&self) -> String {
        let (ui, core) = (self.ui(), self.core());
        let scenario = core.session.scenario();
        let mut query = format!("?era={}&seed={}&lang={}", scenario.era.as_str(), scenario.seed, ui.lang.code());
        if scenario.region != LAB_REGION {
            query += &format!("&region={}", scenario.region);
        }
        if let Some(lesson) = &ui.options.lesson {
            query += &format!("&lesson={lesson}");
        }
        format!("{}{query}", dom::address())
    }

    /// Keeps lines that went to a shell for the next visit.
    fn keep_typed(&self) {
        let lines = self.0.core.borrow_mut().take_typed();
        if !lines.is_empty() && !self.ui().options.embed {
            history::keep(&lines);
        }
    }

    pub fn subscribe(&self, callback: Callback) -> u32 {
        let id = self.0.next_id.get();
        self.0.next_id.set(id.wrapping_add(1));
        self.0.listeners.borrow_mut().insert(id, callback);
        id
    }

    pub fn unsubscribe(&self, id: u32) {
        self.0.listeners.borrow_mut().remove(&id);
    }

    fn notify(&self) {
        // A copy, because a listener may subscribe or leave.
        let all: Vec<Callback> = self.0.listeners.borrow().values().cloned().collect();
        for call in all {
            call();
        }
    }

    fn trace(&self) {
        let core = self.core();
        let scenario = core.session.scenario();
        let mut text = format!("scenario {} seed {} era {}\n", scenario.id, scenario.seed, scenario.era.as_str());
        for entry in core.session.history().iter().rev().take(200).rev() {
            text += &format!("{} {}\n", entry.at, entry.line);
        }
        drop(core);
        panic::set_trace(text);
    }

    /// Shows what is told of the cluster that the page is attached to.
    pub fn reflect(&self, picture: Snapshot, notes: Vec<String>) {
        {
            let mut ui = self.0.ui.borrow_mut();
            ui.connected = true;
            ui.notes = notes;
        }
        self.change(|c| c.session.show(picture.into()));
    }

    /// Starts over from another plan (a lesson, another era); terminals begin anew.
    pub fn restart(&self, options: &Options) -> Result<(), String> {
        let typed = self.core().typed_before().to_vec();
        let core = Core::new(&scenario::plan(options)?, self.ui().lang, typed)?;
        *self.0.models.borrow_mut() = Models::default();
        self.change(|c| *c = core);
        Ok(())
    }

    /// Notes that the tools are wanted; false where they are here or were asked for.
    pub fn ask_for_tools(&self) -> bool {
        let mut core = self.0.core.borrow_mut();
        core.tools == Supply::None && {
            core.tools = Supply::Asked;
            true
        }
    }

    /// Gives session and terminals what has arrived, once.
    pub fn equip(&self, tools: Result<Tools, &str>) {
        if self.core().tools != Supply::Here {
            self.change(|c| c.equip(tools));
        }
    }

    /// What eks-node-viewer would print now; kept until the cluster or the second changes.
    pub fn exact_viewer(&self) -> Rc<str> {
        self.0.core.borrow_mut().exact_viewer()
    }
}
