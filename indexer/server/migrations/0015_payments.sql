-- What channels sent, of those that are gone, too, and the time of the block that the tables stand for: agents are
-- ranked by them (`docs/reputation.md`). A database with channels gets their rows from its events, when an indexer opens it.

create table payment (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  payer text generated always as (body ->> 'payer') stored,
  payee text generated always as (body ->> 'payee') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  paid numeric(39, 0) generated always as ((body ->> 'paid')::numeric(39, 0)) stored
);
create index payment_by_payer on payment (payer);
create index payment_by_payee on payment (payee);
create index payment_by_token on payment (token);
create index payment_by_agent on payment (agent);
comment on table payment is
  'What each channel has sent its payee. The row stays when the channel is gone. Without a token it is NEAR.';

alter table cursor add column time_ms bigint;
comment on column cursor.time_ms is 'When the block was made, as its header says.';
