//! Every lesson replayed headless by its reference solution: each check is false when its step begins and true at its end,
//! in order; the golden facts hold for the lesson's own seed, and the checks for other seeds too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use engine::Session;
use engine::session::Scenario;
use lessons::{Lang, Lesson, LessonRun, Reference, StepState};
use shell::{Options, Poll, Shell, Start};
use std::sync::Arc;

struct Player {
    session: Session,
    shell: Shell,
    run: LessonRun,
}

impl Player {
    fn new(lesson: Lesson, seed: u64) -> Player {
        let session = Session::new(Scenario::lab(lesson.era, seed)).unwrap();
        let run = LessonRun::start(Arc::new(lesson), &session.snapshot());
        Player { session, shell: Shell::new(Options::script()), run }
    }

    /// Runs a line to its end (at most a simulated minute) and tells the lesson what was seen.
    fn type_line(&mut self, line: &str) -> String {
        let Start::Job(mut job) = self.shell.start(line, &mut self.session) else {
            panic!("unfinished: {line}");
        };
        let until = self.session.now() + 60_000;
        let mut text = String::new();
        loop {
            let poll = self.shell.poll(&mut job, &mut self.session);
            for seen in job.take_seen() {
                self.run.observe(seen);
            }
            text.extend(job.take_output().into_iter().map(|c| c.text));
            match poll {
                Poll::Done { exit } => {
                    if exit != 0 {
                        self.run.failed(exit, &text);
                    }
                    return text;
                }
                Poll::Running { wake } => {
                    let next = [wake, self.session.next_wake()].into_iter().flatten().min().unwrap_or(until);
                    if self.session.now() >= until {
                        job.interrupt();
                    } else {
                        self.session.advance_to(next.max(self.session.now() + 1).min(until));
                    }
                }
            }
        }
    }

    fn passed(&self) -> bool {
        self.run.evaluate(&self.session.snapshot(), Lang::En).is_passed()
    }

    fn wait(&mut self, max_s: u64, mut done: impl FnMut(&Player) -> bool) -> bool {
        for _ in 0..=max_s {
            if done(self) {
                return true;
            }
            let next = self.session.now() + 1000;
            self.session.advance_to(next);
        }
        false
    }

    /// Plays the present step; gives everything printed.
    fn play_step(&mut self) -> String {
        let step = self.run.step().unwrap().clone();
        assert!(!self.passed(), "{}: passed at its entry", step.id);
        let mut printed = String::new();
        for action in &step.reference {
            match action {
                Reference::Run(line) => printed += &self.type_line(line),
                Reference::WaitS(s) => {
                    self.wait(*s, |_| false);
                }
                Reference::WaitPassed { max_s } => {
                    if !self.wait(*max_s, Player::passed) {
                        let state = self.run.evaluate(&self.session.snapshot(), Lang::En);
                        panic!("{}: still open after {max_s} s: {state:#?}\n{printed}", step.id);
                    }
                }
                Reference::WaitUntil { check, max_s } => {
                    assert!(self.wait(*max_s, |p| p.run.holds(check, &p.session.snapshot())), "{}: {check:?}", step.id);
                }
            }
        }
        printed
    }
}

#[test]
fn reference_solutions_pass_every_step() {
    for (id, era) in lessons::LESSONS {
        let lesson = lessons::load(id).unwrap();
        assert_eq!((lesson.id.as_str(), lesson.era), (id, era));
        let seed = lesson.seed;
        let mut player = Player::new(lesson, seed);
        loop {
            let printed = player.play_step();
            let step = player.run.step().unwrap().clone();
            let snapshot = player.session.snapshot();
            for golden in &step.golden {
                if !player.run.holds(golden, &snapshot) {
                    let nodes = player.type_line("kubectl get nodes --show-labels");
                    panic!("{}: {golden:?}\n{printed}{nodes}", step.id);
                }
            }
            let StepState::Passed { success } = player.run.evaluate(&snapshot, Lang::En) else { panic!("{}", step.id) };
            assert!(!success.contains('{') && !success.contains('?'), "{}: {success}", step.id);
            if !player.run.next(&snapshot) {
                break;
            }
        }
        assert!(player.run.is_finished());
    }
}

#[test]
fn checks_do_not_depend_on_the_seed() {
    for (id, _) in lessons::LESSONS {
        for seed in 1..6 {
            let mut player = Player::new(lessons::load(id).unwrap(), seed);
            loop {
                player.play_step();
                let snapshot = player.session.snapshot();
                if !player.run.next(&snapshot) {
                    break;
                }
            }
        }
    }
}
