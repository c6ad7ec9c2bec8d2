//! Every interleaving of a small sale: breadth first through all states that two fans, the organizer, the payment provider and the
//! clock can bring about, with the rules checked at every step. Nothing bounds the depth: what can happen can happen only so often, so
//! the search ends by itself.

mod core;
mod proof;
mod scenes;
mod world;

use std::collections::{BTreeMap, HashSet, VecDeque};

use goticket_domain::booking::{Applied, Command};

use self::{
    core::{Core, Sabotage},
    scenes::Scene,
    world::{Move, World, effect},
};
use crate::rules::{Fault, Rule, Verdict, state, step};

/// What a search has seen.
#[derive(Debug, Default)]
struct Seen {
    states: usize,
    /// Commands decided: every one of the scene in every state.
    decisions: usize,
    /// Moves of the longest of the shortest ways to each state.
    depth: usize,
    /// States in which no command changes anything any more.
    ends: usize,
    /// How often commands had which effect.
    effects: BTreeMap<String, usize>,
}

/// A fault, and the shortest way to it.
#[derive(Debug)]
struct Found {
    fault: Fault,
    way: Vec<Move>,
}

/// From which state, and by what, a state was first reached.
struct Step {
    from: usize,
    by: Option<Move>,
    depth: usize,
}

struct Search<'a> {
    scene: &'a Scene,
    known: HashSet<Vec<u8>>,
    steps: Vec<Step>,
    /// States to be explored, each with a core that has lived through the way there without ever forgetting anything.
    open: VecDeque<(usize, World, Core)>,
    seen: Seen,
}

/// Through all states of a scene.
fn search(scene: &Scene, sabotage: Option<Sabotage>) -> Result<Seen, Found> {
    let first = World::default();
    let core = Core::load(&first.store, first.terms(scene), &scene.sections, sabotage);
    let mut search = Search {
        scene,
        known: HashSet::from([first.key(scene)]),
        steps: vec![Step { from: 0, by: None, depth: 0 }],
        open: VecDeque::from([(0, first, core)]),
        seen: Seen::default(),
    };
    while let Some((at, world, core)) = search.open.pop_front() {
        search.explore(at, &world, core).map_err(|(fault, by)| Found { fault, way: search.way(at, by) })?;
    }
    Ok(search.seen)
}

impl Search<'_> {
    fn explore(&mut self, at: usize, world: &World, mut core: Core) -> Result<(), (Fault, Option<Move>)> {
        self.seen.states += 1;
        self.seen.depth = self.seen.depth.max(self.steps[at].depth);
        let terms = world.terms(self.scene);
        let mut restarted = Core::load(&world.store, terms.clone(), &self.scene.sections, core.sabotage);
        let check = |core: &Core| {
            state(&core.set, &world.store, &self.scene.accounts, Some(terms.ticket_limit), world.moment(self.scene, &terms))?;
            world.till.check(&world.store)
        };
        check(&core).map_err(|fault| (fault, None))?;
        let mut still = true;
        for (index, command) in self.scene.commands.iter().enumerate() {
            let by = Move::Command(index);
            self.seen.decisions += 1;
            let applied = core.apply(command, world.now());
            let store =
                step(&world.store, command, &applied, world.moment(self.scene, &terms)).map_err(|fault| (fault, Some(by)))?;
            compare(&mut restarted, world, command, &applied).map_err(|fault| (fault, Some(by)))?;
            if let Some(store) = store {
                *self.seen.effects.entry(effect(&applied.changes)).or_default() += 1;
                still = false;
                self.reach(at, by, world.after(self.scene, command, store), &core);
                core.take_back(&applied.changes);
            }
        }
        // Whatever was tried and taken back has left no trace.
        check(&core).map_err(|Fault { what, .. }| (Fault { rule: Rule::TakeBack, what }, None))?;
        if still && world.is_last(self.scene) {
            self.seen.ends += 1;
            world.till.close(&world.store).map_err(|fault| (fault, None))?;
        }
        for by in [Move::Wait, Move::Close] {
            if let Some(moved) = world.moved(self.scene, by) {
                core.set_terms(moved.terms(self.scene));
                self.reach(at, by, moved, &core);
            }
        }
        Ok(())
    }

    /// Keeps a state for later if it is a new one.
    fn reach(&mut self, from: usize, by: Move, world: World, core: &Core) {
        if self.known.insert(world.key(self.scene)) {
            let depth = self.steps[from].depth + 1;
            self.steps.push(Step { from, by: Some(by), depth });
            self.open.push_back((self.steps.len() - 1, world, core.clone()));
        }
    }

    fn way(&self, mut at: usize, last: Option<Move>) -> Vec<Move> {
        let mut way: Vec<Move> = last.into_iter().collect();
        while let Some(by) = self.steps[at].by {
            way.push(by);
            at = self.steps[at].from;
        }
        way.reverse();
        way
    }
}

/// A process that has just begun, and is told what it needs, decides the same.
fn compare(restarted: &mut Core, world: &World, command: &Command, applied: &Applied) -> Verdict {
    let needs = restarted.needs(command, world.now());
    let other = if needs.is_empty() {
        let other = restarted.apply(command, world.now());
        restarted.take_back(&other.changes);
        other
    } else {
        // What it is told now must not help it with the next command.
        let mut told = restarted.clone();
        world.store.tell(&needs, &mut told.set);
        told.apply(command, world.now())
    };
    if other == *applied {
        return Ok(());
    }
    Err(Fault { rule: Rule::Needs, what: format!("{command:?} came to {applied:?}, in a new process to {other:?}") })
}
