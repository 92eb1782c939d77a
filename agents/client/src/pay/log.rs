//! A log that answers when what it was given is on disk. Whatever waits while the disk writes is written together next, with
//! one sync for all (group commit).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::record::{self, FRAME_BYTES, Head, Record, frame};
use super::{Files, PayError};

const LOG: &str = "log";
/// What becomes the log when it is whole.
const NEW: &str = "log.new";
/// Jobs that are done together.
const GROUP_MAX: usize = 4_096;

/// What is still of use of a log, asked for when everything before it is written.
type Live = Box<dyn FnOnce() -> Vec<Record> + Send>;

enum Task {
    Append(Box<Record>),
    /// Only wait for what came before.
    Wait,
    Compact(Live),
}

struct Job {
    task: Task,
    asked: oneshot::Sender<Result<(), PayError>>,
}

/// Each waits for an answer, so no more jobs are under way than there are callers.
pub(super) struct Log {
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

/// Whether something is on disk, to be waited for.
pub(super) struct Written(oneshot::Receiver<Result<(), PayError>>);

impl Written {
    pub async fn done(self) -> Result<(), PayError> {
        let gone = || Err(PayError::Storage { reason: "its thread has ended".to_owned() });
        self.0.await.unwrap_or_else(|_| gone())
    }
}

impl Log {
    /// Opens a log, or makes one, and reads what is in it behind its head.
    pub fn open<F: Files>(mut files: F, head: Head) -> Result<(Self, Vec<Record>), PayError> {
        let bytes = files.read(LOG)?.unwrap_or_default();
        let mut records = record::read(&bytes)?;
        let whole = records.len() * FRAME_BYTES;
        if whole < bytes.len() {
            files.cut(LOG, u64::try_from(whole).map_err(std::io::Error::other)?)?;
        }
        match records.first() {
            None => {
                let first = Record::Head(head);
                files.append(LOG, &frame(&first, 0))?;
                records.push(first);
            }
            Some(first) if *first == Record::Head(head) => {}
            Some(_) => return Err(PayError::OtherLog),
        }
        // What a process that was killed had written, and what it had renamed, may not be on disk: from here on it counts.
        files.sync(LOG)?;
        files.sync_folder()?;
        let writer = Writer { files, head, frames: records.len(), broken: None };
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new().name("charter-pay-log".to_owned());
        let writer = thread.spawn(move || writer.run(&waiting))?;
        records.remove(0);
        Ok((Self { jobs: Some(jobs), writer: Some(writer) }, records))
    }

    pub fn append(&self, record: Record) -> Written {
        self.ask(Task::Append(Box::new(record)))
    }

    /// Waits for everything that was appended before.
    pub fn wait(&self) -> Written {
        self.ask(Task::Wait)
    }

    /// Replaces the log by what of it is still of use. What is appended meanwhile may be in there already, and comes again
    /// behind: whoever reads it has to get the same from both.
    pub fn compact(&self, live: impl FnOnce() -> Vec<Record> + Send + 'static) -> Written {
        self.ask(Task::Compact(Box::new(live)))
    }

    fn ask(&self, task: Task) -> Written {
        let (asked, answer) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // With no thread to take it the job is dropped, and whoever waits is told so.
            let _ = jobs.send(Job { task, asked });
        }
        Written(answer)
    }
}

impl Drop for Log {
    /// What was asked is still done, and then the files are closed: who opens them next finds everything.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

struct Writer<F> {
    files: F,
    head: Head,
    /// Of the log, on disk.
    frames: usize,
    /// After a write or a sync that failed nobody knows what is on disk: nothing is written behind it.
    broken: Option<PayError>,
}

fn frames(records: &[Record], durable: usize) -> Vec<u8> {
    records.iter().flat_map(|record| frame(record, durable)).collect()
}

impl<F: Files> Writer<F> {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let (mut records, mut live, mut asked) = (Vec::new(), None, Vec::new());
            for job in std::iter::once(first).chain(jobs.try_iter().take(GROUP_MAX - 1)) {
                match job.task {
                    Task::Append(record) => records.push(*record),
                    Task::Wait => {}
                    // Each would write what the last one does.
                    Task::Compact(latest) => live = Some(latest),
                }
                asked.push(job.asked);
            }
            let result = self.write(&records, live);
            for one in asked {
                // Whoever does not wait any more has no use for the answer.
                let _ = one.send(result.clone());
            }
        }
    }

    fn write(&mut self, records: &[Record], live: Option<Live>) -> Result<(), PayError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let result = self.append(records).and_then(|()| live.map_or(Ok(()), |live| self.replace(live)));
        self.broken = result.clone().err();
        result
    }

    fn append(&mut self, records: &[Record]) -> Result<(), PayError> {
        if !records.is_empty() {
            self.files.append(LOG, &frames(records, self.frames))?;
            self.files.sync(LOG)?;
            self.frames += records.len();
        }
        Ok(())
    }

    fn replace(&mut self, live: Live) -> Result<(), PayError> {
        let mut records = vec![Record::Head(self.head)];
        records.extend(live());
        // What an attempt before left.
        self.files.cut(NEW, 0)?;
        self.files.append(NEW, &frames(&records, 0))?;
        self.files.sync(NEW)?;
        self.files.rename(NEW, LOG)?;
        self.files.sync_folder()?;
        self.frames = records.len();
        Ok(())
    }
}
