-- Votes by stake: what is locked, who votes with it, how they voted, and what holders who voted themselves take from
-- delegates. Of a history a column has the last entry: what counts from the next period on, if it changed in this one.

create table stake_pool (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  locked numeric(39, 0) generated always as ((body #>> '{locked,-1,amount}')::numeric(39, 0)) stored,
  held numeric(39, 0) generated always as ((body #>> '{books,held}')::numeric(39, 0)) stored,
  in_flight numeric(39, 0) generated always as ((body #>> '{books,in_flight}')::numeric(39, 0)) stored,
  delegates numeric(20, 0) generated always as ((body ->> 'delegates')::numeric(20, 0)) stored
);
create index stake_pool_by_line on stake_pool (line);
create index stake_pool_by_token on stake_pool (token);
comment on table stake_pool is 'What is locked on a line that is decided by it, in all. Without a token it is NEAR.';

create table stake (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  holder text generated always as (body ->> 'holder') stored,
  locked numeric(39, 0) generated always as ((body #>> '{locked,-1,amount}')::numeric(39, 0)) stored,
  unlocking numeric(39, 0) generated always as ((body ->> 'unlocking')::numeric(39, 0)) stored,
  ready_ms numeric(20, 0) generated always as ((body ->> 'ready_ms')::numeric(20, 0)) stored,
  free numeric(39, 0) generated always as ((body ->> 'free')::numeric(39, 0)) stored,
  in_flight numeric(39, 0) generated always as ((body ->> 'in_flight')::numeric(39, 0)) stored
);
create index stake_by_line on stake (line);
create index stake_by_holder on stake (holder);
comment on table stake is 'What each account has locked on a line, and which parts of it others vote with.';

create table delegate (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  line numeric(20, 0) generated always as ((body ->> 'line')::numeric(20, 0)) stored,
  account text generated always as (body ->> 'account') stored,
  number numeric(20, 0) generated always as ((body ->> 'number')::numeric(20, 0)) stored,
  agent numeric(20, 0) generated always as ((body #>> '{agent,agent}')::numeric(20, 0)) stored,
  received numeric(39, 0) generated always as ((body #>> '{received,-1,amount}')::numeric(39, 0)) stored
);
create index delegate_by_line on delegate (line);
create index delegate_by_account on delegate (account);
create index delegate_by_agent on delegate (agent);
comment on table delegate is 'Accounts that vote on a line with what others delegate to them.';

create table stake_ballot (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  proposal numeric(20, 0) generated always as ((body ->> 'proposal')::numeric(20, 0)) stored,
  voter text generated always as (body ->> 'voter') stored,
  choice text generated always as (body ->> 'choice') stored,
  own numeric(39, 0) generated always as ((body ->> 'own')::numeric(39, 0)) stored,
  received numeric(39, 0) generated always as ((body ->> 'received')::numeric(39, 0)) stored,
  agent boolean generated always as ((body ->> 'agent')::boolean) stored,
  round numeric(20, 0) generated always as ((body ->> 'round')::numeric(20, 0)) stored
);
create index stake_ballot_by_proposal on stake_ballot (proposal);
create index stake_ballot_by_voter on stake_ballot (voter);
comment on table stake_ballot is 'Votes by stake as they stand.';

create table overridden (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  proposal numeric(20, 0) generated always as ((body ->> 'proposal')::numeric(20, 0)) stored,
  delegate text generated always as (body ->> 'delegate') stored,
  amount numeric(39, 0) generated always as ((body ->> 'amount')::numeric(39, 0)) stored,
  round numeric(20, 0) generated always as ((body ->> 'round')::numeric(20, 0)) stored
);
create index overridden_by_proposal on overridden (proposal);
create index overridden_by_delegate on overridden (delegate);
comment on table overridden is 'What is taken from a delegate''s vote by holders who voted themselves.';

alter table proposal
  add column stake_yes numeric(39, 0) generated always as ((body #>> '{stake,yes}')::numeric(39, 0)) stored,
  add column stake_no numeric(39, 0) generated always as ((body #>> '{stake,no}')::numeric(39, 0)) stored,
  add column stake_all numeric(39, 0) generated always as ((body #>> '{stake,all}')::numeric(39, 0)) stored;
