//! Compiled contracts, cached once per process and kept between runs.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use near_vm_runner::{ContractRuntimeCache, FilesystemContractRuntimeCache, noop_background_spawner};

/// Compiled modules held in memory.
const MODULES_IN_MEMORY: usize = 64;
const DISK_BYTES_MAX: u64 = 1 << 30;

/// Machine code is loaded from here, so it must be a folder that only the user can write to.
fn folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("charter-localnet")
}

/// A chain without a place for compiled contracts does not start.
pub fn make_folder() -> std::io::Result<()> {
    std::fs::create_dir_all(folder())
}

/// The cache of this process. It is opened for the first contract: it looks at every file it has, which after some months takes
/// longer than all else at the start. Contracts run without it, too, and are compiled for each call.
pub fn cache() -> Option<&'static dyn ContractRuntimeCache> {
    static CACHE: LazyLock<Option<FilesystemContractRuntimeCache>> = LazyLock::new(|| {
        let opened = open(&folder());
        opened.inspect_err(|error| tracing::error!(%error, "compiled contracts are not kept")).ok()
    });
    // Unboxed on purpose: near-vm-runner's trait impl for boxed caches drops the memory cache.
    CACHE.as_ref().map(|cache| -> &dyn ContractRuntimeCache { cache })
}

fn open(folder: &Path) -> std::io::Result<FilesystemContractRuntimeCache> {
    FilesystemContractRuntimeCache::with_memory_cache::<str, str>(
        folder,
        None,
        "contracts",
        MODULES_IN_MEMORY,
        None,
        DISK_BYTES_MAX,
        noop_background_spawner(),
    )
}
