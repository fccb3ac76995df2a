//! The Wasmtime engine that servers run in.

use std::{num::NonZeroUsize, thread, time::Duration};

use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, OptLevel,
    PoolingAllocationConfig, RegallocAlgorithm, error::Context as _,
};

use super::functions::SHARED;

/// The interval at which a computing guest yields.
const TICK: Duration = Duration::from_millis(10);

/// The most linear memories at a time. Each reserves 4 GiB of address space, which costs nothing
/// until a guest writes to it.
const MEMORIES: u32 = 4096;

/// The most core instances, tables and stacks at a time. This is only a count.
const PARTS: u32 = 16 * 1024;

/// Makes an engine whose epoch advances every [`TICK`] for as long as the engine lives.
///
/// Instances come from a pool, which makes them cheap to start. If the process may not reserve
/// that much address space, they are allocated one by one. A `quick` engine allocates so, too.
pub fn engine(quick: bool) -> anyhow::Result<Engine> {
    let engine = match quick {
        true => Engine::new(quickly(&mut config(None)).cache(None)),
        false => Engine::new(&config(Some(pool()))).or_else(|_| Engine::new(&config(None))),
    };
    let engine = engine.context("cannot set up Wasmtime")?;
    let weak = engine.weak();
    thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .context("cannot start the thread that interrupts guests")?;
    Ok(engine)
}

/// The cache of compiled code in the user's cache folder, whose size Wasmtime limits. `None` if
/// there is no such folder.
pub fn cache() -> Option<Cache> {
    Cache::new(CacheConfig::new()).ok()
}

/// How many functions did not need to be compiled [`quickly`], because the machine code was
/// there.
pub fn found() -> usize {
    SHARED.found()
}

/// Compiles in a fraction of the time to code that is a few times slower, and shares the machine
/// code of functions that are the same.
pub fn quickly(config: &mut Config) -> &mut Config {
    config
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        // Such code has large frames: a dozen calls of JavaScript do not fit in the default.
        .max_wasm_stack(8 << 20)
        .async_stack_size(9 << 20)
        .enable_incremental_compilation(SHARED.clone())
        .expect("the compiler is enabled")
}

fn config(pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config.cache(cache());
    config.epoch_interruption(true);
    config.wasm_component_model_async(true);
    config.wasm_backtrace_max_frames(NonZeroUsize::new(32));
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(MEMORIES)
        .total_component_instances(PARTS)
        .total_core_instances(PARTS)
        .total_tables(PARTS)
        .total_stacks(PARTS)
        .max_memories_per_component(MEMORIES)
        .max_core_instances_per_component(PARTS)
        .max_tables_per_component(PARTS)
        .max_component_instance_size(16 << 20)
        .max_unused_warm_slots(256)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(16 << 10);
    pool
}
