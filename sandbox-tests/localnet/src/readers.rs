//! Work that only reads a block: it runs beside the chain's thread, on as many threads as there are cores, so that neither
//! readers nor blocks wait for one slow view.

use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::defect::caught;
use crate::localnet::Error;

/// The places for readers of one chain.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        // On one core, too, a short view gets past a long one.
        Self(Arc::new(Semaphore::new(cores.max(2))))
    }
}

impl Readers {
    /// Runs `work` on a thread of its own. A panic in it is this call's error alone.
    pub async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(|_| Error::Stopped)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _place = place;
            caught(work)
        });
        done.await.map_err(|_| Error::Stopped)?.map_err(Error::Defect)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::Readers;
    use crate::localnet::Error;

    /// Each waits for a word of the other: one after the other would take for ever.
    #[tokio::test]
    async fn two_readers_run_at_once() {
        let readers = Readers::default();
        let ((to_first, first), (to_second, second)) = (channel(), channel());
        let patience = Duration::from_mins(1);
        let meets = |to: std::sync::mpsc::Sender<()>, other: std::sync::mpsc::Receiver<()>| {
            move || to.send(()).is_ok() && other.recv_timeout(patience).is_ok()
        };
        let met = tokio::join!(readers.run(meets(to_second, first)), readers.run(meets(to_first, second)));
        assert!(met.0.unwrap() && met.1.unwrap());
    }

    #[tokio::test]
    async fn a_panic_of_a_reader_is_its_own() {
        let readers = Readers::default();
        let failed = readers.run(|| -> () { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(Error::Defect(text)) if text.ends_with("on purpose")));
        assert_eq!(readers.run(|| 7).await.unwrap(), 7);
    }
}
