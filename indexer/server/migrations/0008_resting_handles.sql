-- Handles that were given back and are nobody else's for a while.

create table resting_handle (
  key text primary key,
  body jsonb not null,
  height bigint not null,
  handle text generated always as (body ->> 'handle') stored,
  until_ms bigint generated always as ((body ->> 'until_ms')::bigint) stored
);
comment on table resting_handle is 'Handles that were given back, and until when nobody else gets them.';
