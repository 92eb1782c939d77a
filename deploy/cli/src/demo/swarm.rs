//! A crowd: thousands of agents that register, pay, are granted and revoked, and vote, by many keys at once, mirrored
//! while they do.

mod accounts;
mod grants;
mod mirror;
mod payments;
mod phases;
mod sender;
mod summary;
mod votes;

use std::sync::Arc;

use anyhow::{Context, ensure};
use charter_client::{At, Contracts, Rpc};
use charter_indexer::{Database, Report};
use charter_localnet::Localnet;
use charter_types::AccountId;
use charter_types::method::Method;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Arguments;
use super::world::World;
use crate::files::DataDir;
use crate::index::{compare, open_database};
use crate::output::{Progress, until_stopped};
use accounts::Member;
use mirror::Mirror;
use payments::Shop;
use phases::{Phases, Tally};
use summary::Summary;

/// More than this is more than a chain in memory holds.
pub const AGENTS_MAX: u64 = 100_000;
/// Grants, and voters, at the most.
const CHOSEN_MAX: u64 = 1_000;

/// What everybody in the crowd works with.
pub struct Ground {
    pub rpc: Rpc,
    pub contracts: Contracts,
    pub localnet: Localnet,
    pub tally: Tally,
}

impl Ground {
    fn new(world: &World) -> Self {
        Self {
            rpc: world.rpc.clone(),
            contracts: world.contracts.clone(),
            localnet: world.localnet().clone(),
            tally: Tally::default(),
        }
    }

    /// Asks a view, without a server between.
    pub async fn view<M: Method>(&self, contract: &AccountId, _: M, args: &M::Args) -> anyhow::Result<M::Answer> {
        let bytes = self.localnet.view(contract, M::NAME, M::write(args)).await?;
        M::answer(&bytes).map_err(anyhow::Error::msg)
    }

    /// The chain's clock, milliseconds.
    pub async fn now_ms(&self) -> anyhow::Result<u64> {
        Ok(self.rpc.block(At::Final).await?.header.timestamp_nanosec / 1_000_000)
    }
}

/// One's part of something that is shared as evenly as it can be.
fn share(of: u64, number: u64, among: u64) -> u64 {
    of / among + u64::from(number < of % among)
}

/// Works on all of them at once, and gives back what becomes of each, in their order. What fails ends the others.
async fn each<T, R, Work>(items: Vec<T>, work: impl Fn(T) -> Work) -> anyhow::Result<Vec<R>>
where
    R: Send + 'static,
    Work: Future<Output = anyhow::Result<R>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (place, item) in items.into_iter().enumerate() {
        let work = work(item);
        tasks.spawn(async move { work.await.map(|done| (place, done)) });
    }
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        all.push(done.context("somebody in the crowd stopped")??);
    }
    all.sort_unstable_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, done)| done).collect())
}

pub async fn run(arguments: &Arguments, agents: u64) -> anyhow::Result<()> {
    let stop = until_stopped()?;
    let temporary = tempfile::tempdir()?;
    let root = arguments.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    let folder = DataDir::new(&root)?;
    ensure!(!folder.chain().exists(), "{} has a chain already: a crowd begins with an empty folder", root.display());
    let progress = Progress::new(arguments.json);
    let mut world = World::start(&folder, &arguments.rpc_addr, progress).await?;
    progress.step("database", "opening PostgreSQL");
    let database = open_database(&folder, arguments.database_url.as_deref()).await?;
    let played = tokio::select! {
        biased;
        () = stop => None,
        played = Box::pin(play(&mut world, &database, agents, progress)) => Some(played),
    };
    database.close().await;
    let summary = played.context("stopped before everything was compared")??;
    if arguments.json {
        say!("{}", serde_json::to_string(&summary)?);
    } else {
        say!("{}", summary.to_string().trim_end());
    }
    ensure!(summary.mismatches == 0, "{} mismatches: {}", summary.mismatches, summary.detail.join("; "));
    ensure!(summary.dead_letters == 0, "{} events could not be read or applied", summary.dead_letters);
    Ok(())
}

async fn play(world: &mut World, database: &Database, agents: u64, progress: Progress) -> anyhow::Result<Summary> {
    world.deploy().await?;
    let host = crate::host::register(&world.session("hal")?).await?.id;
    let ground = Arc::new(Ground::new(world));
    let mirror = Mirror::open(&ground, database).await?;
    let mut phases = Phases::new(&ground, progress);
    let (done, finished) = watch::channel(false);
    let crowd = async {
        let crowd = Crowd { ground: &ground, agents, host, chain_id: world.chain_id() };
        let played = Box::pin(crowd.play(&mut phases)).await?;
        mirror::caught_up(&ground, &mut phases).await?;
        let _ = done.send(true);
        anyhow::Ok(played)
    };
    let (played, ()) = tokio::try_join!(crowd, Box::pin(mirror.follow(finished)))?;
    let compared = async {
        let report: Report = compare(database, &ground.rpc, &ground.contracts).await?;
        ground.tally.add(report.rows);
        anyhow::Ok(report)
    };
    let report = phases.play("verify", "rows", 0, compared).await?;
    Ok(Summary::new(agents, &played, &report, phases))
}

/// What the crowd did besides what is counted by phase.
pub struct Played {
    members: u64,
    grants: u64,
    voters: u64,
    vouchers: u64,
    claimed: u64,
}

struct Crowd<'a> {
    ground: &'a Arc<Ground>,
    agents: u64,
    host: u64,
    chain_id: String,
}

impl Crowd<'_> {
    async fn play(&self, phases: &mut Phases) -> anyhow::Result<Played> {
        let (ground, agents, chosen) = (self.ground, self.agents, self.agents.min(CHOSEN_MAX));
        let shop = Shop::open(ground, &self.chain_id)?;
        let gathered = accounts::gather(ground, &shop, agents);
        let members = phases.play("members", "accounts", accounts::members(agents), gathered).await?;
        let registered = each(members, |member: Member| member.register(Arc::clone(ground)));
        let members = phases.play("agents", "agents", agents, registered).await?;

        let opened = each(members, |member: Member| member.open(Arc::clone(ground), shop.id.clone()));
        let members = phases.play("channels", "channels", agents, opened).await?;
        let (mut members, claimed) = shop.be_paid(ground, phases, members).await?;

        grants::play(ground, phases, &mut members, self.host, chosen).await?;
        votes::play(ground, phases, members, chosen).await?;
        let vouchers = agents * payments::VOUCHERS;
        Ok(Played { members: accounts::members(agents), grants: chosen, voters: chosen, vouchers, claimed })
    }
}
