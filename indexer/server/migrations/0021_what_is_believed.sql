-- What is believed, and of whom: the light client's heads, the blocks that it has proven, and what contracts said of how
-- many events they have.

create table light_head (
  height numeric(20, 0) primary key,
  hash bytea not null unique,
  epoch_id bytea not null,
  head bytea not null,
  checkpoint boolean not null
);
comment on table light_head is
  'Blocks that the light client goes on from: the one that somebody vouched for, the last of each epoch, and the newest, for which producers signed. They may be ahead of the cursor.';

create table trust_range (
  after_height bigint primary key,
  light boolean not null
);
comment on table trust_range is
  'Whether the blocks after this height, up to the next row, are proven by the light client or were believed of a node.';

create table event_anchor (
  id bigserial primary key,
  contract text not null,
  seq bigint not null,
  head bytea not null,
  height bigint not null,
  light boolean not null,
  told_at timestamptz not null default now()
);
create index event_anchor_by_contract on event_anchor (contract, height);
comment on table event_anchor is
  'How many events a contract had at a block, as it answered to a transaction: what is missing up to there was withheld.';
