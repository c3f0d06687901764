create collation ks.built_in (provider = builtin, locale = 'C.UTF-8');
create collation ks.custom_rules (provider = icu, locale = 'und', rules = '&V << w <<< W');
