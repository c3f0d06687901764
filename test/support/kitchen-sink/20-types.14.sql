create type ks.span as range (subtype = timestamptz, multirange_type_name = ks."many spans");
