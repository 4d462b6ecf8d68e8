//! Two operators in one world: each has a core and watches of its own, and the world is entered from the side of one at a time.

use std::collections::BTreeMap;

use vnet_operator::fabric::Kind;
use vnet_operator::operator::{Core, Input, Write};

use super::{Event, World};

/// What one operator knows, and what its watches have still to show.
pub struct Side {
    core: Core,
    events: BTreeMap<Kind, Vec<Event>>,
    lists: BTreeMap<Kind, Vec<serde_json::Value>>,
    /// How much of what has happened its watches have heard of.
    heard: usize,
}

impl World {
    /// From here on what happens is kept for the watches of every side.
    pub fn has_sides(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// An operator that begins to list now.
    pub fn new_side(&mut self) -> Side {
        let heard = self.journal.as_ref().map_or(0, Vec::len);
        let core = Core::new(self.settings.clone());
        let mut side = Side { core, events: BTreeMap::new(), lists: BTreeMap::new(), heard };
        self.from(&mut side, |world| {
            Kind::ALL.iter().for_each(|kind| world.begins_to_list(*kind));
            world.list_what_has_no_status();
        });
        side
    }

    /// What an operator does.
    pub fn from<T>(&mut self, side: &mut Side, act: impl FnOnce(&mut Self) -> T) -> T {
        self.swap(side);
        let happened = self.journal.as_deref().unwrap_or_default();
        for (kind, event) in &happened[side.heard..] {
            self.events.entry(*kind).or_default().push(event.clone());
        }
        side.heard = happened.len();
        let result = act(self);
        self.swap(side);
        result
    }

    fn swap(&mut self, side: &mut Side) {
        std::mem::swap(&mut self.core, &mut side.core);
        std::mem::swap(&mut self.events, &mut side.events);
        std::mem::swap(&mut self.lists, &mut side.lists);
    }

    /// The next thing that a watch shows; false if none has anything to show.
    pub fn watch_shows_something(&mut self, first: usize) -> bool {
        let kinds = (0..Kind::ALL.len()).map(|n| Kind::ALL[(first + n) % Kind::ALL.len()]);
        let shown = kinds.into_iter().any(|kind| self.deliver(kind));
        self.core.settle(self.now);
        shown
    }

    /// The next write, which is not sent yet.
    pub fn decides_a_write(&mut self) -> Option<Write> {
        self.core.settle(self.now);
        self.next_write()
    }

    /// A write arrives at the API server; what that answers.
    pub fn arrives(&mut self, write: Write) -> Vec<Input> {
        self.carry_out(write)
    }
}
