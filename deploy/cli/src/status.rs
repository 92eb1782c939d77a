//! `charter status`: what a data folder holds.

use std::path::PathBuf;

use anyhow::ensure;
use serde_json::json;

use crate::files::DataDir;

#[derive(clap::Args)]
pub struct Arguments {
    #[arg(long)]
    data_dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { data_dir, json } = arguments;
    ensure!(data_dir.exists(), "{} does not exist", data_dir.display());
    let folder = DataDir::new(data_dir)?;
    let contracts = folder.contracts()?;
    let steps = crate::demo::steps_done(&folder)?;
    if *json {
        say!("{}", json!({ "contracts": contracts, "demo_steps": steps }));
        return Ok(());
    }
    say!("registry    {}", contracts.registry);
    say!("keys        {}", contracts.keys);
    say!("governance  {}", contracts.governance);
    say!("escrow      {}", contracts.escrow);
    say!("tasks       {}", contracts.tasks);
    say!("demo steps  {}", if steps.is_empty() { "none".to_owned() } else { steps.join(", ") });
    Ok(())
}
