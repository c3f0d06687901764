-- Publications, and a subscription that is not connected. The publication of all tables leaves out updates and
-- deletes, which would be refused on tables without a key.
create publication ks_all for all tables with (publish = 'insert, truncate');
create publication "ks; ""some""" for table ks.audited, only ks.whale, "select"."table" with (publish = 'insert');
create publication ks_empty;
alter publication ks_empty owner to ks_owner;
comment on publication ks_all is 'it''s "everything"';
create subscription ks_subscription connection 'host=127.0.0.1 port=1 dbname=nowhere password=it''''s' publication "ks; ""some""", ks_all
  with (connect = false, enabled = false, slot_name = none, synchronous_commit = 'local');
comment on subscription ks_subscription is 'never on';
