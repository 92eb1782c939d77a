-- Agents by who paid for their work: `docs/reputation.md` has the rule in words.
-- $1 token, null for NEAR; $2 an agent is old if it was registered no later; $3, $4, $5 voices, amount and id of the
-- agent that the page comes after, null for the first page; $6 agents on it.
with owned as materialized (
  select id, owner, payout, (body ->> 'created_ms')::numeric <= $2::text::numeric as old,
    case when not body -> 'unconfirmed' ? agent_account then agent_account end as account
  from agent
),
-- Owners, and those of them that have an old agent.
owners as materialized (
  select owner, bool_or(old) as old from owned group by owner
),
-- For whom an agent's own account speaks, unless it owns agents itself.
accounts as materialized (
  select distinct on (account) account, owner from owned
  where account is not null and account not in (select owner from owners)
  order by account, id
),
-- Who paid whom for which agent, owners' payments to themselves left out.
paid as materialized (
  select owned.id, owned.owner, coalesce(accounts.owner, payment.payer) as voice, payment.token,
    sum(payment.paid) as amount
  from payment
  join owned on owned.id = payment.agent and owned.payout = payment.payee
  left join accounts on accounts.account = payment.payer
  where payment.paid > 0 and coalesce(accounts.owner, payment.payer) <> owned.owner
  group by 1, 2, 3, 4
),
-- Owners who have an old agent and were paid by others who have one: by how many, and one of them.
earners as materialized (
  select paid.owner, count(distinct paid.voice) as payers, min(paid.voice) as payer
  from paid
  join owners as paying on paying.owner = paid.voice and paying.old
  join owners as earning on earning.owner = paid.owner and earning.old
  group by 1
),
payers as (
  select paid.id, paid.amount, coalesce(earners.payers > 1 or earners.payer <> paid.owner, false) as counts
  from paid
  left join earners on earners.owner = paid.voice
  where paid.token is not distinct from $1
),
counted as (
  select owned.id, count(*) filter (where counts) as voices, count(payers.id) as payers,
    least(coalesce(sum(payers.amount) filter (where counts), 0), 340282366920938463463374607431768211455) as amount
  from owned
  left join payers on payers.id = owned.id
  group by owned.id
),
ranked as (
  select rank() over (order by voices desc, amount desc) as rank, id, voices, payers, amount from counted
)
select rank, id::text as agent, voices, payers, amount::text as amount from ranked
where $3::text is null
  or (-voices, -amount, id) > (-$3::text::numeric, -$4::text::numeric, $5::text::numeric)
order by ranked.voices desc, ranked.amount desc, ranked.id
limit $6
