-- What channels are in and for, the purses that agents draw from, the reserves that creators pull from, and what accounts
-- earn for agents. A key has an asset as `near`, or `nep141:` and the token's account.

alter table channel
  add column token text generated always as (body #>> '{asset,nep141}') stored,
  add column agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  add column purse numeric(20, 0) generated always as ((body ->> 'purse')::numeric(20, 0)) stored,
  add column locked_until_ms numeric(20, 0) generated always as ((body ->> 'locked_until_ms')::numeric(20, 0)) stored;
create index channel_by_token on channel (token);
create index channel_by_agent on channel (agent);
create index channel_by_purse on channel (purse);
comment on table channel is 'Payment channels that exist. Without a token they are in NEAR. A closed one is in event only.';

create table purse (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  owner text generated always as (body ->> 'owner') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  balance numeric(39, 0) generated always as ((body ->> 'balance')::numeric(39, 0)) stored,
  per_day numeric(39, 0) generated always as ((body ->> 'per_day')::numeric(39, 0)) stored,
  per_payee numeric(39, 0) generated always as ((body ->> 'per_payee')::numeric(39, 0)) stored,
  until_ms numeric(20, 0) generated always as ((body ->> 'until_ms')::numeric(20, 0)) stored,
  day numeric(20, 0) generated always as ((body ->> 'day')::numeric(20, 0)) stored,
  drawn numeric(39, 0) generated always as ((body ->> 'drawn')::numeric(39, 0)) stored
);
create index purse_by_agent on purse (agent);
create index purse_by_owner on purse (owner);
create index purse_by_token on purse (token);
comment on table purse is 'What owners let their agents spend, and the caps. Without a token it is NEAR.';

create table draw (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  owner text generated always as (body ->> 'owner') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  payee text generated always as (body ->> 'payee') stored,
  day numeric(20, 0) generated always as ((body ->> 'day')::numeric(20, 0)) stored,
  amount numeric(39, 0) generated always as ((body ->> 'amount')::numeric(39, 0)) stored
);
create index draw_by_agent on draw (agent);
create index draw_by_owner on draw (owner);
create index draw_by_payee on draw (payee);
comment on table draw is 'What agents last drew from a purse for each payee, and on which day.';

create table reserve (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  number numeric(20, 0) generated always as ((body ->> 'number')::numeric(20, 0)) stored,
  payee text generated always as (body ->> 'payee') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  root bytea generated always as (decode(body ->> 'root', 'hex')) stored,
  total numeric(39, 0) generated always as ((body ->> 'total')::numeric(39, 0)) stored,
  reserved numeric(39, 0) generated always as ((body ->> 'reserved')::numeric(39, 0)) stored,
  pulled numeric(39, 0) generated always as ((body ->> 'pulled')::numeric(39, 0)) stored,
  posted_ms numeric(20, 0) generated always as ((body ->> 'posted_ms')::numeric(20, 0)) stored,
  ending boolean generated always as ((body ->> 'ending')::boolean) stored
);
create index reserve_by_payee on reserve (payee);
create index reserve_by_token on reserve (token);
comment on table reserve is 'What payees keep for their creators. Without a token it is NEAR. One that has ended is in event only.';

create table creator (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  reserve numeric(20, 0) generated always as ((body ->> 'reserve')::numeric(20, 0)) stored,
  account text generated always as (body ->> 'account') stored,
  paid numeric(39, 0) generated always as ((body ->> 'paid')::numeric(39, 0)) stored
);
create index creator_by_reserve on creator (reserve);
create index creator_by_account on creator (account);
comment on table creator is 'What each creator was sent out of a reserve, by the reserve''s number.';

create table earnings (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  account text generated always as (body ->> 'account') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  earned numeric(39, 0) generated always as ((body ->> 'earned')::numeric(39, 0)) stored,
  payments numeric(20, 0) generated always as ((body ->> 'payments')::numeric(20, 0)) stored
);
create index earnings_by_agent on earnings (agent);
create index earnings_by_account on earnings (account);
create index earnings_by_token on earnings (token);
comment on table earnings is 'What arrived at accounts from channels that name an agent. Without a token it is NEAR.';
