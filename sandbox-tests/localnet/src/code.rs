//! Compiled contracts, cached once per process and kept between runs.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use near_vm_runner::{ContractRuntimeCache, FilesystemContractRuntimeCache, noop_background_spawner};

/// Shared handle to the cache.
#[derive(Clone)]
pub struct CodeCache(Arc<FilesystemContractRuntimeCache>);

/// Compiled modules held in memory.
const MODULES_IN_MEMORY: usize = 64;
const DISK_BYTES_MAX: u64 = 1 << 30;

/// Machine code is loaded from here, so it must be a folder that only the user can write to.
fn folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("charter-localnet")
}

impl CodeCache {
    /// The cache of this process.
    pub fn shared() -> std::io::Result<Self> {
        static CACHE: OnceLock<CodeCache> = OnceLock::new();
        if let Some(cache) = CACHE.get() {
            return Ok(cache.clone());
        }
        let folder = folder();
        std::fs::create_dir_all(&folder)?;
        let cache = FilesystemContractRuntimeCache::with_memory_cache::<str, str>(
            &folder,
            None,
            "contracts",
            MODULES_IN_MEMORY,
            None,
            DISK_BYTES_MAX,
            noop_background_spawner(),
        )?;
        Ok(CACHE.get_or_init(|| Self(Arc::new(cache))).clone())
    }

    /// Unboxed on purpose: near-vm-runner's trait impl for boxed caches drops the memory cache.
    pub(crate) fn as_cache(&self) -> &dyn ContractRuntimeCache {
        self.0.as_ref()
    }
}
