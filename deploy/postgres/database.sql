-- The database `arrears`, where it is not made by a container image; run by psql as the superuser, any number of times.
\set ON_ERROR_STOP on
\set QUIET on
SELECT 'CREATE DATABASE arrears' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'arrears') \gexec
