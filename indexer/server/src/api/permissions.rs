//! What agents may touch: their grants, and the policies that say what each allows.

use axum::extract::State;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::{Api, Reply};
use crate::escape::{escape, undo_json};
use crate::page::Order;
use crate::table::Kind;

/// Whose permissions are asked for.
fn whose(parameters: &Parameters) -> Result<(&'static str, &str), Problem> {
    let (condition, name, kind) = match (parameters.get("owner"), parameters.get("agent")) {
        (Some(_), None) => ("agent.owner = $1", "owner", Kind::Account),
        (None, Some(_)) => ("agent.id = $1::text::numeric", "agent", Kind::Number),
        _ => return Err(Problem::bad("either owner or agent says whose permissions".to_owned())),
    };
    let value = parameters.get(name).unwrap_or_default();
    if !kind.fits(value) {
        return Err(Problem::bad(format!("{name} is {}, not {value}", kind.describe())));
    }
    Ok((condition, value))
}

/// Where a page begins: behind a grant of an agent.
fn place(parameters: &Parameters) -> Result<(Option<String>, Option<String>), Problem> {
    let Some(text) = parameters.get("after") else { return Ok((None, None)) };
    let parts = text.split_once('/').filter(|(agent, grant)| Kind::Number.fits(agent) && Kind::Number.fits(grant));
    let (agent, grant) =
        parts.ok_or_else(|| Problem::bad(format!("after is the `next` of another page, not {text}")))?;
    Ok((Some(agent.to_owned()), Some(grant.to_owned())))
}

fn statement(whose: &str, order: Order, goes_on: bool) -> String {
    let place = if goes_on {
        format!("(agent.id, key_grant.id) {} ($2::text::numeric, $3::text::numeric)", order.beyond())
    } else {
        "$2::text is null and $3::text is null".to_owned()
    };
    // Everything in the text is ours; values are bound. By agent and then by grant, so that a page is read from indexes
    // however many agents somebody owns.
    format!(
        "select key_grant.body as granted, key_policy.body as policy,
           agent.id::text || '/' || key_grant.id::text as place
         from agent
         join key_grant on key_grant.agent = agent.id
         left join key_policy on key_policy.grant_id = key_grant.id
         where {whose} and not key_grant.revoked and {place}
         order by agent.id {order}, key_grant.id {order} limit $4",
        order = order.word(),
    )
}

fn item(row: &PgRow) -> Result<Value, sqlx::Error> {
    let policy: Option<Value> = row.try_get("policy")?;
    Ok(json!({ "grant": undo_json(row.try_get("granted")?), "policy": policy.map(undo_json) }))
}

/// Grants of an agent, or of all agents of an owner, that were not revoked.
pub async fn permissions(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&["owner", "agent", "after", "limit", "order"])?;
    let (limit, order) = (parameters.limit()?, parameters.order()?);
    let (whose, value) = whose(&parameters)?;
    let (agent, grant) = place(&parameters)?;
    let text = statement(whose, order, agent.is_some());
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(escape(value))
        .bind(agent)
        .bind(grant)
        .bind(limit + 1)
        .fetch_all(snapshot.connection())
        .await?;
    let shown = usize::try_from(limit).expect("a limit is at most 100").min(rows.len());
    let items = rows[..shown].iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let next: Option<String> = if rows.len() > shown { Some(rows[shown - 1].try_get("place")?) } else { None };
    snapshot.answer(json!({ "items": items, "next": next })).await
}
