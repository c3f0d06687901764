create publication ks_generated for table ks.generated with (publish = 'insert', publish_generated_columns = stored);
