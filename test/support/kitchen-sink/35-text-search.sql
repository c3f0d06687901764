-- Text search from parser to configuration.
create text search parser ks.parser (
  start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline
);
create text search template ks.template (init = dsimple_init, lexize = dsimple_lexize);
create text search dictionary ks.dictionary (template = ks.template, stopwords = english, accept = true);
create text search dictionary ks."Odd 'Dictionary'" (template = snowball, language = german, stopwords = german);
create text search configuration ks.configuration (parser = ks.parser);
alter text search configuration ks.configuration add mapping for asciiword, word with ks."Odd 'Dictionary'", ks.dictionary;
alter text search configuration ks.configuration add mapping for email, url, host with simple;
create text search configuration "select"."copy" (copy = pg_catalog.english);
alter text search dictionary ks.dictionary owner to ks_owner;
alter text search configuration ks.configuration owner to ks_writer;
comment on text search parser ks.parser is 'cuts';
comment on text search template ks.template is 'a mould';
comment on text search dictionary ks.dictionary is 'looks up';
comment on text search configuration ks.configuration is 'it''s all together';
