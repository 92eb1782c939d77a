-- Payments tell where they stand. An indexer of before them, at work beside one that knows them, moves all else on:
-- where they stand elsewhere than escrow's events, they are made again when an indexer opens the database.

alter table cursor add column payments_seq bigint not null default 0;
comment on column cursor.payments_seq is 'The last event of escrow that is in payment.';
