-- Row level security.
alter table ks.people enable row level security;
alter table ks.orders enable row level security;
alter table ks.orders force row level security;
alter table ks.identity_full force row level security;
create policy "own; rows" on ks.people as permissive for select to "ks ""reader""", ks_writer using (name = current_user or mood = 'it''s "fine", really; {x}');
create policy insert_only on ks.people for insert to public with check (ks.is_name(name));
create policy narrow on ks.people as restrictive for update using (true) with check (id in (select person from ks.orders));
create policy all_rows on ks.orders using (true);
comment on policy "own; rows" on ks.people is 'one''s "own"';
