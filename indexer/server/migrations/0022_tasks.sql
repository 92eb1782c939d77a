-- Sets of tasks, the tasks that are worked on or judged, who judges them, what was answered and what became of it; and what
-- accounts have, did and earned there. Every index begins with a filter's column and goes on with what pages are ordered by.

create table task_set (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  id numeric(20, 0) generated always as ((body ->> 'id')::numeric(20, 0)) stored,
  requester text generated always as (body ->> 'requester') stored,
  spec_uri text generated always as (body ->> 'spec_uri') stored,
  spec_hash bytea generated always as (decode(body ->> 'spec_hash', 'hex')) stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  reward numeric(39, 0) generated always as ((body ->> 'reward')::numeric(39, 0)) stored,
  reviewer_fee numeric(39, 0) generated always as ((body ->> 'reviewer_fee')::numeric(39, 0)) stored,
  count numeric(20, 0) generated always as ((body ->> 'count')::numeric(20, 0)) stored,
  next numeric(20, 0) generated always as ((body ->> 'next')::numeric(20, 0)) stored,
  in_work numeric(20, 0) generated always as ((body ->> 'in_work')::numeric(20, 0)) stored,
  escrowed numeric(39, 0) generated always as ((body ->> 'escrowed')::numeric(39, 0)) stored,
  closed boolean generated always as ((body ->> 'closed')::boolean) stored
);
create index task_set_by_id on task_set (id);
create index task_set_by_requester on task_set (requester, id);
create index task_set_by_token on task_set (token, id);
create index task_set_by_closed on task_set (closed, id);
comment on table task_set is 'Sets of tasks that are there. Without a token they pay NEAR. One that has ended is in event only.';

create table task (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  set_id numeric(20, 0) generated always as ((body ->> 'set')::numeric(20, 0)) stored,
  place numeric(20, 0) generated always as ((body ->> 'index')::numeric(20, 0)) stored,
  attempt numeric(20, 0) generated always as ((body ->> 'attempt')::numeric(20, 0)) stored,
  worker text generated always as (body ->> 'worker') stored,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  state text generated always as (body ->> 'state') stored,
  answer_hash bytea generated always as (decode(body ->> 'answer_hash', 'hex')) stored,
  outcome text generated always as (body ->> 'outcome') stored,
  final_ms numeric(20, 0) generated always as ((body ->> 'final_ms')::numeric(20, 0)) stored,
  settle_from_ms numeric(20, 0) generated always as ((body ->> 'settle_from_ms')::numeric(20, 0)) stored
);
create index task_by_set_id on task (set_id, key);
create index task_by_worker on task (worker, key);
create index task_by_agent on task (agent, key);
create index task_by_state on task (state, key);
create index task_by_outcome on task (outcome, key);
comment on table task is 'Tasks that somebody works on, or that are judged. What became of one that has ended is in task_end.';

create table seat (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  set_id numeric(20, 0) generated always as ((body ->> 'set')::numeric(20, 0)) stored,
  place numeric(20, 0) generated always as ((body ->> 'index')::numeric(20, 0)) stored,
  round numeric(20, 0) generated always as ((body ->> 'round')::numeric(20, 0)) stored,
  reviewer text generated always as (body ->> 'reviewer') stored,
  commitment bytea generated always as (decode(body ->> 'commitment', 'hex')) stored,
  verdict text generated always as (body ->> 'verdict') stored
);
create index seat_by_set_id on seat (set_id, key);
create index seat_by_reviewer on seat (reviewer, key);
create index seat_by_verdict on seat (verdict, key);
comment on table seat is 'Seats on the panels of tasks that are there. Round 2 is an appeal''s.';

create table answer (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  set_id numeric(20, 0) generated always as ((body ->> 'set')::numeric(20, 0)) stored,
  place numeric(20, 0) generated always as ((body ->> 'index')::numeric(20, 0)) stored,
  worker text generated always as (body ->> 'worker') stored,
  answer_hash bytea generated always as (decode(body ->> 'answer_hash', 'hex')) stored
);
create index answer_by_set_id on answer (set_id, key);
create index answer_by_worker on answer (worker, key);
comment on table answer is 'Answers that workers revealed. The row stays when the task has ended.';

create table task_end (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  set_id numeric(20, 0) generated always as ((body ->> 'set')::numeric(20, 0)) stored,
  place numeric(20, 0) generated always as ((body ->> 'index')::numeric(20, 0)) stored,
  worker text generated always as (body ->> 'worker') stored,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  outcome text generated always as (body ->> 'outcome') stored
);
create index task_end_by_set_id on task_end (set_id, key);
create index task_end_by_worker on task_end (worker, key);
create index task_end_by_agent on task_end (agent, key);
create index task_end_by_outcome on task_end (outcome, key);
comment on table task_end is 'Tasks that have ended, and what came of them. Without an outcome the worker kept silent.';

create table reviewer (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  account text generated always as (body ->> 'account') stored,
  slots numeric(20, 0) generated always as ((body ->> 'slots')::numeric(20, 0)) stored,
  returned numeric(39, 0) generated always as ((body ->> 'returned')::numeric(39, 0)) stored,
  majority numeric(20, 0) generated always as ((body ->> 'majority')::numeric(20, 0)) stored,
  minority numeric(20, 0) generated always as ((body ->> 'minority')::numeric(20, 0)) stored,
  silent numeric(20, 0) generated always as ((body ->> 'silent')::numeric(20, 0)) stored,
  earned numeric(39, 0) generated always as ((body ->> 'earned')::numeric(39, 0)) stored
);
comment on table reviewer is 'Who has ever bonded a slot to review tasks with, and how that went.';

create table balance (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  account text generated always as (body ->> 'account') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  amount numeric(39, 0) generated always as ((body ->> 'amount')::numeric(39, 0)) stored,
  in_flight numeric(39, 0) generated always as ((body ->> 'in_flight')::numeric(39, 0)) stored
);
create index balance_by_account on balance (account, key);
create index balance_by_token on balance (token, key);
comment on table balance is 'What tasks keep for accounts that they can withdraw. Without a token it is NEAR.';

create table work_record (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  account text generated always as (body ->> 'account') stored,
  done_good numeric(20, 0) generated always as ((body ->> 'done_good')::numeric(20, 0)) stored,
  done_bad numeric(20, 0) generated always as ((body ->> 'done_bad')::numeric(20, 0)) stored,
  silent_work numeric(20, 0) generated always as ((body ->> 'silent_work')::numeric(20, 0)) stored,
  majority numeric(20, 0) generated always as ((body ->> 'majority')::numeric(20, 0)) stored,
  minority numeric(20, 0) generated always as ((body ->> 'minority')::numeric(20, 0)) stored,
  silent_verdicts numeric(20, 0) generated always as ((body ->> 'silent_verdicts')::numeric(20, 0)) stored,
  earned numeric(39, 0) generated always as ((body ->> 'earned')::numeric(39, 0)) stored
);
comment on table work_record is 'What accounts did as workers and as reviewers. It stays when their tasks and bonds are gone.';

create table mark (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  requester text generated always as (body ->> 'requester') stored,
  account text generated always as (body ->> 'account') stored,
  work_right numeric(20, 0) generated always as ((body ->> 'work_right')::numeric(20, 0)) stored,
  work_missed numeric(20, 0) generated always as ((body ->> 'work_missed')::numeric(20, 0)) stored,
  review_right numeric(20, 0) generated always as ((body ->> 'review_right')::numeric(20, 0)) stored,
  review_missed numeric(20, 0) generated always as ((body ->> 'review_missed')::numeric(20, 0)) stored
);
create index mark_by_requester on mark (requester, key);
create index mark_by_account on mark (account, key);
comment on table mark is 'What requesters'' honeypots say of accounts. It counts in that requester''s sets alone.';

create table task_earnings (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  agent numeric(20, 0) generated always as ((body ->> 'agent')::numeric(20, 0)) stored,
  account text generated always as (body ->> 'account') stored,
  token text generated always as (body #>> '{asset,nep141}') stored,
  earned numeric(39, 0) generated always as ((body ->> 'earned')::numeric(39, 0)) stored,
  payments numeric(20, 0) generated always as ((body ->> 'payments')::numeric(20, 0)) stored
);
create index task_earnings_by_agent on task_earnings (agent, key);
create index task_earnings_by_account on task_earnings (account, key);
create index task_earnings_by_token on task_earnings (token, key);
comment on table task_earnings is 'What accounts were paid for tasks that they took in an agent''s name. Without a token it is NEAR.';
