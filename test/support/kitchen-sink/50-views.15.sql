create view ks.invokers with (security_invoker = true) as select * from ks.people;
