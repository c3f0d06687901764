create publication ks_filtered for table ks.people (id, name) where (id > 10 and notes <> 'it''s'), ks.audited where (n > 5)
  with (publish = 'insert');
create publication ks_schemas for tables in schema ks, "Weird ""Schema"" with.dots" with (publish = 'insert');
create publication ks_columns for table ks.serials (b, c) with (publish = 'insert');
