//! Looks into the database that share a statement: those that come while one is under way, or within a few milliseconds of its
//! beginning, are the next one's together. A statement costs far more than a key of it, as it is planned each time; a lone look waits
//! for no one.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;

/// Between the beginnings of two statements.
const EVERY: Duration = Duration::from_millis(5);
/// Keys of one statement.
const TOGETHER_MAX: usize = 256;

/// What was found of the keys that were looked for; missing ones were not.
pub(crate) type Found<K, V> = Result<HashMap<K, V>, Fault>;

type Asked<K, V> = (K, oneshot::Sender<Result<Option<V>, Fault>>);

/// One kind of look.
pub(crate) struct SharedLooks<K, V> {
    asked: mpsc::UnboundedSender<Asked<K, V>>,
}

impl<K, V> SharedLooks<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Looks as long as somebody may ask.
    pub(crate) fn spawn<F>(look: impl Fn(Vec<K>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Found<K, V>> + Send + 'static,
    {
        let (asked, waiting) = mpsc::unbounded_channel();
        tokio::spawn(work(waiting, look));
        Self { asked }
    }

    /// What there is under the key, no older than this question.
    pub(crate) async fn get(&self, key: K) -> Result<Option<V>, Fault> {
        let (sender, answer) = oneshot::channel();
        // Without a receiver there is no answer either.
        let _ = self.asked.send((key, sender));
        answer.await.map_err(|_| Fault::Bug("a look into the database ended without an answer".to_owned()))?
    }
}

async fn work<K, V, F>(mut waiting: mpsc::UnboundedReceiver<Asked<K, V>>, look: impl Fn(Vec<K>) -> F)
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
    F: Future<Output = Found<K, V>> + Send + 'static,
{
    let mut together = Vec::with_capacity(TOGETHER_MAX);
    while waiting.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let next = Instant::now() + EVERY;
        let keys = together.iter().map(|(key, _)| key.clone()).collect();
        // In a task of its own: one that panics is told to those who asked, and to no one after them.
        let found = tokio::spawn(look(keys)).await;
        let found = found.unwrap_or_else(|error| Err(Fault::Bug(format!("a look into the database: {error}"))));
        for (key, sender) in together.drain(..) {
            let answer = found.as_ref().map(|found| found.get(&key).cloned()).map_err(Fault::clone);
            // Whoever asked may have gone.
            let _ = sender.send(answer);
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::Arc;

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// Looks that are listed, and wait to be let through; what is found is the key's double. 13 cannot be looked for, 14 panics.
    fn listed() -> (SharedLooks<u32, u32>, mpsc::UnboundedReceiver<Vec<u32>>, Arc<Semaphore>) {
        let (list, looks) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let let_through = Arc::clone(&gate);
        let shared = SharedLooks::spawn(move |keys: Vec<u32>| {
            let (list, gate) = (list.clone(), Arc::clone(&gate));
            async move {
                list.send(keys.clone()).unwrap();
                gate.acquire().await.unwrap().forget();
                assert!(!keys.contains(&14), "14");
                if keys.contains(&13) {
                    return Err(Fault::Bug("13".to_owned()));
                }
                Ok(keys.into_iter().filter(|key| key % 2 == 0).map(|key| (key, 2 * key)).collect())
            }
        });
        (shared, looks, let_through)
    }

    #[tokio::test]
    async fn who_comes_while_another_looks_is_looked_for_together() {
        let (shared, mut looks, gate) = listed();
        let shared = Arc::new(shared);
        let begun = Instant::now();
        let alone = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.get(1).await }
        });
        assert_eq!(looks.recv().await.unwrap(), [1], "a lone look waits for no one");
        gate.add_permits(2);
        let together = join_all([5, 6, 7, 8, 8].map(|key| shared.get(key))).await;
        assert_eq!(looks.recv().await.unwrap(), [5, 6, 7, 8, 8]);
        assert_eq!(alone.await.unwrap().unwrap(), None);
        let together: Vec<Option<u32>> = together.into_iter().map(Result::unwrap).collect();
        assert_eq!(together, [None, Some(12), None, Some(16), Some(16)]);
        assert!(begun.elapsed() >= EVERY);
    }

    #[tokio::test]
    async fn no_statement_has_more_keys_than_it_may() {
        let (shared, mut looks, gate) = listed();
        gate.add_permits(2);
        let count = u32::try_from(TOGETHER_MAX).unwrap() + 1;
        join_all((0..count).map(|key| shared.get(key))).await;
        let sizes = [looks.recv().await.unwrap().len(), looks.recv().await.unwrap().len()];
        assert_eq!(sizes, [TOGETHER_MAX, 1]);
    }

    #[tokio::test]
    async fn a_fault_is_told_to_all_and_stays_with_them() {
        for bad in [13, 14] {
            let (shared, _looks, gate) = listed();
            gate.add_permits(2);
            assert!(shared.get(bad).await.is_err());
            assert_eq!(shared.get(2).await.unwrap(), Some(4));
            // No one waits for it any more, and nothing stays.
            drop(shared.get(6));
            gate.add_permits(1);
            assert_eq!(shared.get(8).await.unwrap(), Some(16));
        }
    }
}
