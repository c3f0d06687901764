-- Roles belong to a server, not to a database: both servers have them before the move.
create role shop_owner;
create role shop_app login;
create role shop_reporting;
grant shop_reporting to shop_app;
