create publication ks_via_root for table ks.events, ks.visits with (publish = 'insert', publish_via_partition_root = true);
create publication ks_parted for table ks.events;
