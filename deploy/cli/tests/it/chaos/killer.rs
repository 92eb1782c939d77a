//! Who kills, whom and when. All of it follows from a seed; what the killed are at in that moment is the machine's
//! business.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::figures::{Figures, Target};
use super::program::{Phase, Program, Seen};
use super::server::Server;

/// Arguments of `charter index run`.
pub type Place = Vec<String>;

/// How long after a start something may take to be committed, whoever has to be started again meanwhile.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a moment is waited for that is aimed at.
const AIMING: Duration = Duration::from_secs(5);
/// Pause before one that ended by itself is started again, as a supervisor has it.
const RESTART: Duration = Duration::from_millis(100);

/// Which moment is waited for.
#[derive(Clone, Copy)]
enum Aim {
    /// While it starts.
    Start,
    /// Once it has committed something, whenever.
    Whenever,
    /// In the middle of what it writes, or of a commit.
    Within(Phase),
}

pub struct Killer {
    place: Place,
    server: Option<Server>,
    dice: StdRng,
    program: Program,
    /// From when on the time to the next commit counts, as long as there was none.
    since: Option<Instant>,
    pub figures: Figures,
}

impl Killer {
    pub fn start(place: Place, server: Option<Server>, seed: u64) -> Self {
        let program = Program::start(&place);
        let since = Some(program.started);
        Self { place, server, dice: StdRng::seed_from_u64(seed), program, since, figures: Figures::default() }
    }

    /// One kill, and what was killed is started again.
    pub fn kill(&mut self) {
        let aim = match self.dice.gen_range(0..10) {
            0..2 => Aim::Start,
            2..4 => Aim::Whenever,
            4..7 => Aim::Within(Phase::Writing),
            _ => Aim::Within(Phase::Committing),
        };
        self.wait_for(aim);
        if self.server.is_some() && self.dice.gen_bool(1.0 / 3.0) {
            self.kill_server();
        } else {
            let phase = loop {
                match self.program.kill() {
                    Some(phase) => break phase,
                    None => self.start_again(),
                }
            };
            self.figures.killed(Target::Indexer, phase);
            self.program = Program::start(&self.place);
            self.since = Some(self.program.started);
        }
    }

    fn kill_server(&mut self) {
        let Some(server) = &mut self.server else { return };
        let phase = self.program.phase();
        server.kill();
        self.figures.killed(Target::Server, phase);
        // It is down for a while, as it would be.
        std::thread::sleep(Duration::from_millis(self.dice.gen_range(0..500)));
        self.since = Some(Instant::now());
        server.start();
    }

    fn wait_for(&mut self, aim: Aim) {
        match aim {
            Aim::Start => std::thread::sleep(Duration::from_millis(self.dice.gen_range(0..500))),
            Aim::Whenever => {
                self.resumed();
                std::thread::sleep(Duration::from_millis(self.dice.gen_range(0..1_000)));
            }
            Aim::Within(phase) => {
                self.resumed();
                self.turned(phase);
                if phase == Phase::Writing {
                    // Into one of its statements.
                    std::thread::sleep(Duration::from_micros(self.dice.gen_range(0..3_000)));
                }
            }
        }
    }

    /// Waits for the first commit since the last start.
    fn resumed(&mut self) {
        let Some(since) = self.since.take() else { return };
        let until = since + PATIENCE;
        loop {
            match self.program.next(until) {
                Seen::Kept(at) if at >= since => {
                    self.figures.resumed(at.duration_since(since));
                    return;
                }
                Seen::Ended => self.start_again(),
                Seen::Late => panic!("nothing was committed within {PATIENCE:?}: {}", self.program.last_words()),
                Seen::Kept(_) | Seen::Turned(_) | Seen::Said => {}
            }
        }
    }

    /// Waits until it is in the middle of something, for a while: a chain on which nothing happens gives it nothing to
    /// write.
    fn turned(&mut self, wanted: Phase) {
        // What it said long ago is of no use.
        self.program.phase();
        let until = Instant::now() + AIMING;
        loop {
            match self.program.next(until) {
                Seen::Turned(phase) if phase == wanted => return,
                Seen::Ended => self.start_again(),
                Seen::Late => return,
                Seen::Kept(_) | Seen::Turned(_) | Seen::Said => {}
            }
        }
    }

    /// One that ended by itself.
    fn start_again(&mut self) {
        self.figures.ended(self.program.last_words());
        std::thread::sleep(RESTART);
        self.program = Program::start(&self.place);
    }

    /// Once it has resumed for the last time, the indexer is killed for good.
    pub fn finish(mut self) -> (Option<Server>, Figures) {
        self.resumed();
        self.program.kill();
        (self.server.take(), self.figures)
    }
}
