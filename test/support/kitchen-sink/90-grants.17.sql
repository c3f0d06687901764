grant maintain on ks.people to ks_login;
