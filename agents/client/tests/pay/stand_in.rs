//! Stands in for a disk: it knows what is on it and what is only on its way there, and loses the rest when it is told to.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::sync::{Arc, Condvar, Mutex};

use charter_client::pay::Files;

/// A file: what is read of it, and what of that is on disk.
#[derive(Clone, Default)]
struct File {
    now: Vec<u8>,
    on_disk: Vec<u8>,
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    /// Which file has which name, by its place in `files`: as it is read, and as it is on disk.
    names: BTreeMap<String, usize>,
    names_on_disk: BTreeMap<String, usize>,
    syncs: usize,
    steps: usize,
    /// From this step on nothing works any more.
    stops_at: Option<usize>,
    held: bool,
}

#[derive(Clone, Default)]
pub struct FilesStandIn(Arc<(Mutex<State>, Condvar)>);

/// What a crash leaves of what was on its way.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Bytes of each file's tail that happened to be written.
    pub tail: usize,
    /// Whether a new name happened to be written.
    pub names: bool,
}

impl FilesStandIn {
    /// One that stops working after so many steps.
    pub fn stopping_at(self, step: usize) -> Self {
        self.state(|state| (state.steps, state.stops_at) = (0, Some(step)));
        self
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.0.lock().unwrap())
    }

    fn step<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        self.state(|state| {
            state.steps += 1;
            if state.stops_at.is_some_and(|step| state.steps > step) {
                return Err(Error::other("the machine stopped"));
            }
            Ok(change(state))
        })
    }

    fn file<T>(&self, name: &str, change: impl FnOnce(&mut File) -> T) -> Result<T> {
        self.step(|state| {
            let next = state.files.len();
            let place = *state.names.entry(name.to_owned()).or_insert(next);
            if place == next {
                state.files.push(File::default());
            }
            change(&mut state.files[place])
        })
    }

    pub fn syncs(&self) -> usize {
        self.state(|state| state.syncs)
    }

    pub fn steps(&self) -> usize {
        self.state(|state| state.steps)
    }

    /// Bytes of a file as it is read.
    pub fn bytes(&self, name: &str) -> usize {
        self.state(|state| state.names.get(name).map_or(0, |place| state.files[*place].now.len()))
    }

    /// No sync ends before [`Self::release`].
    pub fn hold(&self) {
        self.state(|state| state.held = true);
    }

    pub fn release(&self) {
        self.state(|state| state.held = false);
        self.0.1.notify_all();
    }

    /// Whether these bytes would be there after a crash, whatever it leaves.
    pub fn has_on_disk(&self, bytes: &[u8]) -> bool {
        let has = |file: &File| file.on_disk.windows(bytes.len()).any(|window| window == bytes);
        self.state(|state| state.names_on_disk.values().any(|place| has(&state.files[*place])))
    }

    /// Changes one byte of a file on disk.
    pub fn damage(&self, name: &str, byte: usize) {
        self.state(|state| {
            let file = &mut state.files[state.names[name]];
            file.now[byte] ^= 1;
        });
    }

    /// The disk as it is found after everything stopped.
    pub fn crash(&self, left: Left) -> Self {
        let found = |file: &File| {
            let whole = file.on_disk.len().min(file.now.len());
            let tail = file.now.len().min(whole.saturating_add(left.tail));
            // What was cut off and not synced may be there or not; the log syncs before it goes on.
            let now = [&file.on_disk[..whole], &file.now[whole..tail]].concat();
            File { on_disk: now.clone(), now }
        };
        let state = self.state(|state| {
            let names = if left.names { &state.names } else { &state.names_on_disk };
            let files = state.files.iter().map(found).collect();
            State { files, names: names.clone(), names_on_disk: names.clone(), ..State::default() }
        });
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }
}

impl Files for FilesStandIn {
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        self.step(|state| state.names.get(name).map(|place| state.files[*place].now.clone()))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.file(name, |file| file.now.extend_from_slice(bytes))
    }

    fn cut(&mut self, name: &str, bytes: u64) -> Result<()> {
        self.file(name, |file| file.now.truncate(usize::try_from(bytes).unwrap()))
    }

    fn sync(&mut self, name: &str) -> Result<()> {
        let held = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| state.held);
        drop(held.unwrap());
        self.file(name, |file| file.on_disk.clone_from(&file.now))?;
        self.state(|state| state.syncs += 1);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.step(|state| {
            let place = state.names.remove(from).unwrap();
            state.names.insert(to.to_owned(), place);
        })
    }

    fn sync_folder(&mut self) -> Result<()> {
        self.step(|state| state.names_on_disk.clone_from(&state.names))
    }
}
