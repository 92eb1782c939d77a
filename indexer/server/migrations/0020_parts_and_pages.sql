-- On the embedded database a comparison goes on over several blocks.

alter table verify_run add column to_height bigint;
update verify_run set to_height = height;
comment on column verify_run.to_height is 'The block of what was compared last; height is that of what was compared first.';
