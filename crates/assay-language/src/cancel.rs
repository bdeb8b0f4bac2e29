use std::future::Future;

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, Pending, Shared, pending};

/// A switch that stops a run; clones switch the same run.
///
/// ```
/// let cancel = assay_language::Cancel::new();
/// let switch = cancel.clone();
/// switch.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone)]
pub struct Cancel {
    handle: AbortHandle,
    cancelled: Shared<Abortable<Pending<()>>>,
}

impl Cancel {
    /// A switch that nobody has thrown.
    pub fn new() -> Self {
        let (handle, registration) = AbortHandle::new_pair();
        Self { handle, cancelled: Abortable::new(pending(), registration).shared() }
    }

    /// Stops whatever watches this switch; may be called from any thread and more than once.
    pub fn cancel(&self) {
        self.handle.abort();
    }

    /// Whether the switch was thrown.
    pub fn is_cancelled(&self) -> bool {
        self.handle.is_aborted()
    }

    /// Resolves when the switch is thrown.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        self.cancelled.clone().map(|_| ())
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish()
    }
}
